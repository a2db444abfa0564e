// time limit: 240 s
import { requestId } from '@cordada/infra/http/idempotency.ts';
import { busMessage } from '@cordada/infra/messaging/wire.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { entityId } from '@cordada/sagas/engine/turn.ts';
import { contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { apiUnderTest } from './api-fleet.ts';
import { runningFleet } from './running-fleet.ts';
import { eventually, shopOf } from './shop.ts';

const api = await apiUnderTest();
const { fleet, call } = api;
const { product, stock, buy, orden } = shopOf(api, [7, 8, 9, 10, 11]);
const line = (numero: number, cantidad: number) => ({ producto: String(numero), cantidad });

interface Compra {
  readonly id: string;
  readonly estado: string;
  readonly idOrden: string;
  readonly codigo?: string;
  readonly faltantes?: readonly { readonly producto: string; readonly disponible: number }[];
}

/** How purchases ended, once all of them have. */
const ended = async (ids: readonly string[]): Promise<Compra[]> => {
  const compras: Compra[] = [];
  for (const id of ids) {
    const { json, text } = await eventually(
      () => call('GET', `/api/compras/${id}`),
      (seen) => seen.json.estado === 'CONFIRMADA' || seen.json.estado === 'RECHAZADA',
      // A queue of buyers is served at the pace of the machine.
      2_000,
    );
    assert.match(json.estado, /^(CONFIRMADA|RECHAZADA)$/, text);
    compras.push(json);
  }
  return compras;
};

/** So many at once, as many connections as that takes. */
const atOnce = async <R>(count: number, work: (index: number) => Promise<R>): Promise<R[]> => {
  const results: R[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(count, 100) }, async () => {
      for (let index = next++; index < count; index = next++) results[index] = await work(index);
    }),
  );
  return results;
};

const running = runningFleet();
/** Who decides a purchase: of each `npm run test:distributed` starts three replicas. */
const deciding = ['gestor-compra', 'consolidador', 'ordenes'] as const;
/** How many messages each replica of those has handled. */
const handled = (): Promise<{ readonly url: string; readonly messages: number }[]> =>
  Promise.all(
    deciding.flatMap((service) =>
      (running?.urls[service] ?? []).map(async (url) => {
        const text = await (await fetch(`${url}/metrics`)).text();
        const counts = [...text.matchAll(/^consumer_messages_total\{.*\} (\d+)$/gm)];
        return { url, messages: counts.reduce((sum, [, count]) => sum + Number(count), 0) };
      }),
    ),
  );

const test = suite('purchases at once');
test.after(() => fleet.stop());

test('of one item by 500 buyers, with 100 units: exactly 100 are confirmed, 400 are told what was left', async () => {
  const { numero } = await product(100);
  const before = await handled();
  const answers = await atOnce(500, (index) =>
    buy([line(numero, 1)], { idUsuario: `comprador-${index}`, headers: {} }),
  );
  for (const { status, text } of answers) assert.is(status, 202, text);
  const compras = await ended(answers.map(({ json }) => json.id));
  const confirmed = compras.filter(({ estado }) => estado === 'CONFIRMADA');
  const refused = compras.filter(({ estado }) => estado === 'RECHAZADA');
  assert.equal([confirmed.length, refused.length], [100, 400]);
  for (const { codigo, faltantes } of refused) {
    assert.is(codigo, 'INVENTARIO_INSUFICIENTE');
    assert.equal(faltantes, [{ producto: String(numero), pedido: 1, disponible: 0 }]);
  }
  const left = await stock(numero);
  assert.equal([left.quantity, left.reserved], [0, 0]);
  for (const one of confirmed.slice(0, 5)) await orden(one, 'CONFIRMED');
  for (const one of refused.slice(0, 5)) await orden(one, 'REJECTED');
  if (running === undefined) return;
  const after = await handled();
  assert.is(after.length, 3 * deciding.length);
  for (const [at, { url, messages }] of after.entries())
    assert.ok(messages > (before[at]?.messages ?? 0), `${url} had no part in it`);
});

test('of the last unit by two: one has it, and the other is told that none is left', async () => {
  for (let round = 0; round < 5; round += 1) {
    const { numero } = await product(1);
    const answers = await Promise.all([buy([line(numero, 1)]), buy([line(numero, 1)])]);
    assert.equal(answers.map(({ json }) => json.estado).sort(), ['CONFIRMADA', 'RECHAZADA']);
    const loser = answers.find(({ json }) => json.estado === 'RECHAZADA')?.json;
    assert.equal(loser.faltantes, [{ producto: String(numero), pedido: 1, disponible: 0 }]);
    assert.is((await stock(numero)).quantity, 0);
  }
});

test('of the same items in opposite orders neither wait for one another for ever nor sell what is not there', async () => {
  const [one, two] = [await product(30), await product(30)];
  const answers = await atOnce(60, (index) => {
    const lines = [line(one.numero, 1), line(two.numero, 1)];
    return buy(index % 2 === 0 ? lines : lines.reverse(), { headers: {} });
  });
  const compras = await ended(answers.map(({ json }) => json.id));
  assert.is(compras.filter(({ estado }) => estado === 'CONFIRMADA').length, 30);
  for (const { numero } of [one, two]) {
    const left = await stock(numero);
    assert.equal([left.quantity, left.reserved], [0, 0]);
  }
});

test('under one key are one purchase', async () => {
  const { numero } = await product(10);
  const headers = { 'idempotency-key': `carrera-${Date.now()}` };
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => buy([line(numero, 1)], { headers, idUsuario: 'ana' })),
  );
  const ids = new Set(answers.flatMap(({ status, json }) => (status === 202 ? [json.id] : [])));
  assert.is(ids.size, 1);
  for (const { status, json } of answers)
    if (status !== 202) assert.is(json.errors[0].code, 'PETICION_EN_CURSO');
  await ended([...ids]);
  assert.is((await stock(numero)).quantity, 9);
});

const runtime = systemRuntime();

/** Says in consolidador's name that the reservation of a purchase has expired. */
const expire = (saga: string): Promise<unknown> => {
  const reserva = entityId(saga, 'reserva', 0);
  return fleet.bus.publish([
    busMessage(
      {
        contract: contracts.ReservaVencida,
        body: { id_reserva: reserva, id_compra: saga, fecha: new Date() },
        correlationId: saga,
        subject: reserva,
        idempotencyKey: `${reserva}/ReservaVencida`,
      },
      'consolidador',
      runtime,
    ),
  ]);
};

test('a reservation that expires before there is an order is released, even where that overtakes what it undoes', async () => {
  const { numero, id: item, sku } = await product(5);
  const key = runtime.uuid();
  const saga = requestId('demo:demo', '/api/compras', key);
  // Nobody can read it: all that consolidador is told for this saga waits behind it, until an operator skips it.
  const poison = busMessage(
    {
      contract: contracts.LiberarInventario,
      body: { id_reserva: saga, motivo: '' },
      correlationId: saga,
      subject: saga,
      idempotencyKey: `${saga}/poison`,
    },
    'forastero',
    runtime,
  );
  await fleet.bus.publish([{ ...poison, payload: Buffer.from([0xff, 0xff, 0xff]) }]);
  const held = await eventually(
    async () =>
      (await call('GET', '/api/mensajes-retenidos')).json.filter(
        ({ clave }: { clave: string }) => clave === saga,
      ),
    (all) => all.length > 0,
  );
  const { status, json } = await buy([line(numero, 2)], { headers: { 'idempotency-key': key } });
  assert.equal([status, json.id], [202, saga]);
  // So that the saga goes on to its reservation, which is not made meanwhile.
  const precio_unitario = '10.25';
  await fleet.bus.publish([
    busMessage(
      {
        contract: contracts.InventarioValidado,
        body: {
          id_compra: saga,
          lineas: [{ id_item: item, numero, sku, nombre: 'uno', cantidad: 2, precio_unitario }],
          total: '20.50',
          fecha: new Date(),
        },
        correlationId: saga,
        subject: saga,
        idempotencyKey: `${saga}/validacion/0/InventarioValidado`,
      },
      'consolidador',
      runtime,
    ),
  ]);
  const compra = async (estado: string) => {
    const seen = await eventually(
      () => call('GET', `/api/compras/${saga}`),
      (one) => one.json.estado === estado,
    );
    assert.is(seen.json.estado, estado, seen.text);
    return seen.json;
  };
  await compra('PRODUCTOS_VALIDOS');
  await expire(saga);
  assert.is((await compra('RECHAZANDO')).codigo, 'RESERVA_VENCIDA');
  const skipped = await call('POST', `/api/mensajes-retenidos/${held[0].id}/omitir`, { motivo: 'prueba' });
  assert.is(skipped.status, 200, skipped.text);
  // Only now the reservation is made, and released by what came behind it.
  const ended = await compra('RECHAZADA');
  assert.is(ended.codigo, 'RESERVA_VENCIDA');
  await orden(ended, 'REJECTED');
  const reservas = (await call('GET', `/api/reservas?compra=${saga}`)).json.reservas;
  assert.equal(
    reservas.map(({ estado }: { estado: string }) => estado),
    ['LIBERADA'],
  );
  const left = await stock(numero);
  assert.equal([left.quantity, left.reserved], [5, 0]);
});

test('a reservation that expires after the order was sent changes nothing', async () => {
  const { numero } = await product(5);
  const { json } = await buy([line(numero, 2)]);
  await expire(json.id);
  assert.is((await call('GET', `/api/compras/${json.id}`)).json.estado, 'CONFIRMADA');
  assert.is((await stock(numero)).quantity, 3);
});

test.run();
