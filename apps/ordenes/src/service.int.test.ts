import type { Delivery } from '@cordada/infra/bus/bus.ts';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import { busMessage } from '@cordada/infra/messaging/wire.ts';
import { testServiceDeps } from '@cordada/infra/testing/service-deps.ts';
import { type Contract, catalog, contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build, migrations } from './service.ts';

const test = suite('the service of the orders');
const deps = await testServiceDeps('ordenes', migrations);
const service = await build(deps);
await service.start();
const seen: Delivery[] = [];
await deps.bus.subscribe(
  {
    topics: [...(manifest.subscriptions.get('gestor-compra.coordinator')?.topics ?? [])],
    subscription: 'gestor-compra.coordinator',
    mode: 'shared-by-key',
    maxBatch: 100,
  },
  async (batch) => {
    // What this test itself says in consolidador's name comes here, too.
    seen.push(...batch.filter(({ topic }) => topic !== contracts.ReservaConfirmada.topic));
  },
);

test.after(async () => {
  await service.drain();
  await service.stop();
  await deps.close();
});

const call = (method: 'GET' | 'PUT', url: string, payload?: object) =>
  service.app.inject({
    method,
    url,
    headers: { authorization: `Bearer ${deps.tokens.sign('bff', 'ordenes')}` },
    ...(payload && { payload }),
  });

/** Sends a message and waits until it is handled: it was published durably. */
const send = async <Body>(contract: Contract<Body>, body: Body, saga: string, key: string) => {
  const [settled] = await deps.bus.publish([
    busMessage(
      { contract, body, correlationId: saga, subject: saga, idempotencyKey: key },
      'test',
      deps.runtime,
    ),
  ]);
  assert.is(settled?.status, 'durable');
};

/** The answer to a command of this saga. */
const answer = async (saga: string): Promise<{ name: string; body: Record<string, unknown> }> => {
  for (let i = 0; i < 1000; i += 1) {
    const at = seen.findIndex(({ properties }) => properties.correlationid === saga);
    if (at >= 0) {
      const [delivery] = seen.splice(at, 1) as [Delivery];
      const contract = [...catalog].find(({ topic }) => topic === delivery.topic);
      assert.ok(contract, delivery.topic);
      return { name: contract.name, body: contract.decode(delivery.payload) as Record<string, unknown> };
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`nothing answered for ${saga}`);
};

const purchase = (id_usuario: string, total = '20.50') => {
  const saga = deps.runtime.uuid();
  const id_orden = deps.runtime.uuid();
  return {
    saga,
    id_orden,
    crear: {
      id_orden,
      id_compra: saga,
      id_usuario,
      domicilio: 'Calle 26 # 7-11, Bogotá 🏠',
      lineas: [
        {
          id_item: deps.runtime.uuid(),
          numero: 7,
          nombre: 'Termo',
          cantidad: 2,
          precio_unitario: '10.25',
        },
      ],
      total,
    },
    key: `${saga}/orden/0`,
    confirmada: {
      id_reserva: saga,
      id_compra: saga,
      id_orden,
      lineas: [],
      existencias: [],
      fecha: new Date(),
    },
    rechazada: {
      id_compra: saga,
      id_orden,
      id_usuario,
      domicilio: 'Calle 26',
      codigo: 'FALTA',
      motivo: 'no alcanza',
      faltantes: [],
      lineas: [{ producto: 'SKU-9', cantidad: 3 }],
    },
  };
};
const orden = async (id: string) => (await call('GET', `/ordenes/${id}`)).json();

test('makes an order once, PENDING, with its lines and every digit of its money', async () => {
  const { saga, id_orden, crear, key } = purchase('ana');
  await send(contracts.CrearOrden, crear, saga, key);
  await send(contracts.CrearOrden, crear, saga, key);
  for (let i = 0; i < 2; i += 1) assert.is((await answer(saga)).name, 'OrdenCreada');
  const { creada, actualizada, ...found } = await orden(id_orden);
  assert.equal(found, {
    id: id_orden,
    id_compra: saga,
    cliente: 'ana',
    domicilio: 'Calle 26 # 7-11, Bogotá 🏠',
    status: 'PENDING',
    total: 20.5,
    lineas: [{ ...crear.lineas[0], precio_unitario: 10.25 }],
  });
  assert.equal(
    (await call('GET', `/ordenes?compra=${saga}`)).json().map(({ id }: { id: string }) => id),
    [id_orden],
  );
  assert.equal((await call('GET', '/ordenes?compra=nada')).json(), []);
  assert.is((await call('GET', '/ordenes/nada')).statusCode, 404);
});

test('refuses inactive customers and totals above their limit, by rules that are set and audited', async () => {
  assert.equal((await call('GET', '/clientes/beto')).json(), { id: 'beto', activo: true, limite: 1000000 });
  const over = purchase('beto', '1000000.01');
  await send(contracts.CrearOrden, over.crear, over.saga, over.key);
  assert.is((await answer(over.saga)).body.codigo, 'LIMITE_EXCEDIDO');
  const rule = { activo: true, limite: '9007199254740993.25', quien: 'demo' };
  const put = await call('PUT', '/clientes/beto', rule);
  assert.match(put.body, /"limite":9007199254740993\.25/);
  const within = purchase('beto', '9007199254740993.25');
  await send(contracts.CrearOrden, within.crear, within.saga, within.key);
  assert.is((await answer(within.saga)).name, 'OrdenCreada');
  await call('PUT', '/clientes/beto', { ...rule, activo: false });
  const inactive = purchase('beto', '1.00');
  await send(contracts.CrearOrden, inactive.crear, inactive.saga, inactive.key);
  assert.is((await answer(inactive.saga)).body.codigo, 'CLIENTE_INACTIVO');
  assert.is((await call('GET', `/ordenes/${inactive.id_orden}`)).statusCode, 404);
  const { auditoria } = (await call('GET', '/auditoria')).json();
  assert.equal(
    auditoria.slice(0, 2).map(({ que }: { que: string }) => que),
    ['cliente.desactivar', 'cliente.activar'],
  );
});

test('confirms an order whose stock has left, once, and says so', async () => {
  const { saga, id_orden, crear, key, confirmada } = purchase('ana');
  await send(contracts.CrearOrden, crear, saga, key);
  for (let i = 0; i < 2; i += 1)
    await send(contracts.ReservaConfirmada, confirmada, saga, `${saga}/confirmacion/0/ReservaConfirmada`);
  assert.is((await orden(id_orden)).status, 'CONFIRMED');
});

test('a cancelled order is refused for good: a late CrearOrden and a late confirmation change nothing', async () => {
  const { saga, id_orden, crear, key, confirmada, rechazada } = purchase('ana');
  await send(contracts.CrearOrden, crear, saga, key);
  await send(contracts.CancelarOrden, { id_orden, motivo: 'se agotó el tiempo' }, saga, key);
  assert.is((await orden(id_orden)).status, 'REJECTED');
  await send(contracts.ReservaConfirmada, confirmada, saga, `${saga}/confirmacion/0/ReservaConfirmada`);
  await send(contracts.CrearOrden, crear, saga, key);
  await send(contracts.CompraRechazada, rechazada, saga, `${saga}/CompraRechazada`);
  const found = await orden(id_orden);
  assert.is(found.status, 'REJECTED');
  assert.is(found.codigo, 'FALTA');
  assert.is(found.lineas.length, 1);
});

test('an undo that overtakes its command leaves a tombstone: the order is never made', async () => {
  const { saga, id_orden, crear, key } = purchase('ana');
  await send(contracts.CancelarOrden, { id_orden, motivo: 'x' }, saga, key);
  assert.is((await answer(saga)).name, 'OrdenCancelada');
  await send(contracts.CrearOrden, crear, saga, key);
  assert.is((await answer(saga)).name, 'OrdenCancelada');
  assert.is((await call('GET', `/ordenes/${id_orden}`)).statusCode, 404);
});

test('a refused purchase leaves an order that says so, even where none was made', async () => {
  const { saga, id_orden, crear, key, rechazada } = purchase('carla');
  await send(contracts.CompraRechazada, rechazada, saga, `${saga}/CompraRechazada`);
  const found = await orden(id_orden);
  assert.is(found.status, 'REJECTED');
  assert.is(found.motivo, 'no alcanza');
  assert.is(found.total, null);
  assert.equal(found.lineas, [
    { id_item: null, numero: null, nombre: 'SKU-9', cantidad: 3, precio_unitario: null },
  ]);
  await send(contracts.CrearOrden, crear, saga, key);
  assert.is((await answer(saga)).body.codigo, 'CANCELADA');
  assert.is((await orden(id_orden)).status, 'REJECTED');
});

for (const [says, status, codigo] of [
  ['is on its way', 'IN_TRANSIT', 'ORDEN_EN_CAMINO'],
  ['has arrived', 'DELIVERED', 'ORDEN_ENTREGADA'],
] as const)
  test(`an order that ${says} is not undone`, async () => {
    const { saga, id_orden, crear, key, confirmada } = purchase('ana');
    await send(contracts.CrearOrden, crear, saga, key);
    await answer(saga);
    await send(contracts.ReservaConfirmada, confirmada, saga, `${saga}/c/0/ReservaConfirmada`);
    for (const one of status === 'DELIVERED' ? ['IN_TRANSIT', 'DELIVERED'] : ['IN_TRANSIT'])
      assert.is(
        (await call('PUT', `/ordenes/${id_orden}/estado`, { status: one, quien: 'op' })).statusCode,
        200,
      );
    await send(contracts.AnularOrden, { id_orden, id_compra: saga }, saga, `${saga}/anulacion/0`);
    assert.is((await answer(saga)).body.codigo, codigo);
    assert.is((await orden(id_orden)).status, status);
  });

test('an order is undone before its confirmation comes, which then changes nothing', async () => {
  const { saga, id_orden, crear, key, confirmada } = purchase('ana');
  await send(contracts.CrearOrden, crear, saga, key);
  await answer(saga);
  await send(contracts.AnularOrden, { id_orden, id_compra: saga }, saga, `${saga}/anulacion/0`);
  assert.is((await answer(saga)).name, 'OrdenAnulada');
  await send(contracts.ReservaConfirmada, confirmada, saga, `${saga}/c/0/ReservaConfirmada`);
  const found = await orden(id_orden);
  assert.is(found.status, 'CANCELLED');
  assert.is(found.codigo, 'DESHECHA');
  assert.is(
    (await call('PUT', `/ordenes/${id_orden}/estado`, { status: 'IN_TRANSIT', quien: 'op' })).statusCode,
    409,
  );
});

test.run();
