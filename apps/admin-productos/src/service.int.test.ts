import type { Delivery } from '@cordada/infra/bus/bus.ts';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import type { Outgoing } from '@cordada/infra/messaging/message.ts';
import { busMessage } from '@cordada/infra/messaging/wire.ts';
import { testServiceDeps } from '@cordada/infra/testing/service-deps.ts';
import { contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build, migrations } from './service.ts';

const test = suite('the admin-productos service');
const deps = await testServiceDeps('admin-productos', migrations);
const service = await build(deps);
await service.start();
/** All that consolidador would get. */
const seen: Delivery[] = [];
await deps.bus.subscribe(
  {
    topics: [...(manifest.subscriptions.get('consolidador')?.topics ?? [])],
    subscription: 'consolidador',
    mode: 'shared-by-key',
    maxBatch: 100,
  },
  async (batch) => {
    seen.push(...batch);
  },
);

test.before.each(() => {
  seen.length = 0;
});
test.after(async () => {
  await service.drain();
  await service.stop();
  await deps.close();
});

const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 2_000; i += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.unreachable(`it did not come to be that ${what}: ${seen.map(({ topic }) => topic)}`);
};

type Method = 'GET' | 'PUT' | 'DELETE' | 'POST';
const call = (method: Method, url: string, payload?: object) =>
  service.app.inject({
    method,
    url,
    headers: { authorization: `Bearer ${deps.tokens.sign('bff', 'admin-productos')}` },
    ...(payload && { payload: { quien: 'demo', ...payload } }),
  });

const ofTopic = (topic: string) => seen.filter((delivery) => delivery.topic === topic);
const published = async (topic: string, count = 1): Promise<Delivery[]> => {
  await until(`${topic} is published`, () => ofTopic(topic).length >= count);
  return ofTopic(topic);
};

/** What consolidador answers to the command of `operation`. */
const answered = async <Body>(
  operation: string,
  id: string,
  contract: Outgoing<Body>['contract'],
  body: Body,
): Promise<void> => {
  const event = { contract, body, correlationId: operation, subject: id };
  await deps.bus.publish([
    busMessage({ ...event, idempotencyKey: `${operation}/${contract.name}` }, 'consolidador', deps.runtime),
  ]);
};

const itemCreado = (
  { id, operationId, numero }: { id: string; operationId: string; numero: number },
  sku: string,
) =>
  answered(operationId, id, contracts.ItemCreado, {
    id_item: id,
    numero,
    sku,
    nombre: 'x',
    descripcion: null,
    cantidad: 1,
    reservada: 0,
    version: 1,
    creado: new Date(),
    fecha: new Date(),
  });

let created = 0;
/** An item that consolidador has taken. */
const active = async (fields: object = {}) => {
  created += 1;
  const sku = `SKU-${created}`;
  const body = { sku, name: `Nombre ${created}`, quantity: 5, ...fields };
  const { respuesta } = (await call('POST', '/items', body)).json();
  await itemCreado(respuesta, sku);
  await until('it is there', async () => (await state(respuesta.id)) === 'ACTIVO');
  await published(contracts.CrearItem.topic);
  seen.length = 0;
  return { ...respuesta, sku } as { id: string; operationId: string; numero: number; sku: string };
};
const state = async (ref: string): Promise<string | undefined> => {
  const answer = await call('GET', `/products/${encodeURIComponent(ref)}`);
  return answer.statusCode === 404 ? undefined : answer.json().estado;
};

test('a new item gets an id and the next number, and its creation goes to consolidador with its first units', async () => {
  const answer = await call('POST', '/items', { sku: 'A-1', name: 'Ñandú', description: 'd', quantity: 7 });
  assert.is(answer.statusCode, 202);
  const { repetida, respuesta } = answer.json();
  assert.is(repetida, false);
  const next = (await call('POST', '/items', { sku: 'A-2', name: 'Otro', quantity: 0 })).json().respuesta;
  assert.is(next.numero, respuesta.numero + 1);

  const [command] = await published(contracts.CrearItem.topic);
  assert.equal(contracts.CrearItem.decode(command?.payload as Uint8Array), {
    id_item: respuesta.id,
    numero: respuesta.numero,
    sku: 'A-1',
    nombre: 'Ñandú',
    descripcion: 'd',
    precio: null,
    cantidad: 7,
  });
  assert.is(command?.key, respuesta.id, 'ordered by the item');
  assert.is(command?.properties.correlationid, respuesta.operationId);
  assert.is(command?.properties.idempotencykey, respuesta.operationId, 'an operation of no saga');
  const [event] = await published(contracts.ProductoCreado.topic);
  const product = contracts.ProductoCreado.decode(event?.payload as Uint8Array);
  assert.equal([product.id_producto, product.precio, product.version], [respuesta.id, null, 1]);
  assert.is(event?.key, respuesta.id);
});

test('what was accepted can be read as PENDING, and is audited', async () => {
  const { id, operationId } = await active();
  const operation = (await call('GET', `/operations/${operationId}`)).json();
  assert.is(operation.estado, 'PENDING');
  const { auditoria } = (await call('GET', '/auditoria')).json();
  assert.equal([auditoria[0].que, auditoria[0].sobre, auditoria[0].quien], ['item.crear', id, 'demo']);
});

test('a product of §5 has the SKU P-<numero>, its price exactly, and no units yet', async () => {
  const body = { nombre: 'Café', precio: '1234567890123456.78', descripcion: null };
  const { respuesta } = (await call('POST', '/products', body)).json();
  const [command] = await published(contracts.CrearItem.topic);
  const item = contracts.CrearItem.decode(command?.payload as Uint8Array);
  assert.equal([item.sku, item.precio, item.cantidad], [`P-${respuesta.numero}`, '1234567890123456.78', 0]);
  const [event] = await published(contracts.ProductoCreado.topic);
  assert.is(contracts.ProductoCreado.decode(event?.payload as Uint8Array).precio, '1234567890123456.78');
  assert.is((await call('GET', `/products/${respuesta.numero}`)).json().precio, '1234567890123456.78');
  const listed = (await call('GET', '/products')).json();
  assert.is(listed.find((one: { id: string }) => one.id === respuesta.id).precio, '1234567890123456.78');
});

test('every command about an item carries the item’s key and an operation of its own', async () => {
  const { id, numero, sku } = await active();
  const asked = [
    [await call('POST', `/items/${id}/reserve`, { quantity: 2 }), contracts.ReservarExistencia],
    [await call('POST', `/items/${numero}/release`, { quantity: 1 }), contracts.LiberarExistencia],
    [await call('POST', `/items/${sku.toLowerCase()}/adjust`, { quantity: -3 }), contracts.AjustarExistencia],
    [await call('PUT', `/items/${id}`, { name: 'Nuevo', description: null }), contracts.ActualizarItem],
    [await call('DELETE', `/items/${id}`, {}), contracts.EliminarItem],
  ] as const;
  const operations = new Set<string>();
  for (const [answer, contract] of asked) {
    assert.is(answer.statusCode, 202, answer.body);
    const { operationId } = answer.json().respuesta;
    operations.add(operationId);
    const [command] = await published(contract.topic);
    assert.is(command?.key, id);
    assert.is(command?.properties.correlationid, operationId);
    assert.is((contract.decode(command?.payload as Uint8Array) as { id_item: string }).id_item, id);
  }
  assert.is(operations.size, 5);
});

test('another price is announced, and goes with the command; without one it stays', async () => {
  const { id } = await active();
  let asked = 0;
  const price = async (body: object) => {
    asked += 1;
    const { name, ...given } = { name: 'Caro', ...body } as { name: string };
    await call('PUT', `/items/${id}`, { name, description: null, ...given });
    const event = (await published(contracts.ProductoActualizado.topic, asked)).at(-1);
    const command = (await published(contracts.ActualizarItem.topic, asked)).at(-1);
    const told = contracts.ProductoActualizado.decode(event?.payload as Uint8Array);
    const { precio, version_producto } = contracts.ActualizarItem.decode(command?.payload as Uint8Array);
    assert.is(version_producto, told.version);
    return [told.precio, precio];
  };
  assert.equal(await price({ price: '1234567890123456.78' }), ['1234567890123456.78', '1234567890123456.78']);
  assert.equal(await price({}), ['1234567890123456.78', null]);
  assert.is((await call('GET', `/products/${id}`)).json().precio, '1234567890123456.78');
});

test('another name is announced in the product’s next version, and finds it from then on', async () => {
  const { id } = await active();
  await call('PUT', `/items/${id}`, { name: 'Renombrado', description: 'así' });
  const [event] = await published(contracts.ProductoActualizado.topic);
  const product = contracts.ProductoActualizado.decode(event?.payload as Uint8Array);
  assert.equal([product.nombre, product.descripcion, product.version], ['Renombrado', 'así', 2]);
  assert.is((await call('GET', '/products/RENOMBRADO')).json().id, id);
});

test('a ref is an id before a number, a number before a SKU, a SKU before a name', async () => {
  const first = await active();
  const second = await active({ name: first.sku });
  const third = await active({ sku: String(first.numero), name: 'tres' });
  const found = async (ref: string) => (await call('GET', `/products/${ref}`)).json().id;
  assert.is(await found(first.sku), first.id, 'not the one of that name');
  assert.is(await found(String(first.numero)), first.id, 'not the one of that SKU');
  assert.is(await found(third.id), third.id);
  assert.is(await found(second.id.toUpperCase()), second.id);
  for (const ref of ['nada', '999999', '99999999999', '0', '-1', 'ñ'])
    assert.is(await state(ref), undefined, ref);
});

test('a request is carried out once for its key, and refused for another body', async () => {
  const peticion = { id: deps.runtime.uuid(), huella: 'a' };
  const body = { sku: 'K-1', name: 'k', quantity: 1, peticion };
  const first = (await call('POST', '/items', body)).json();
  const second = (await call('POST', '/items', body)).json();
  assert.is(second.repetida, true);
  assert.equal(second.respuesta, first.respuesta);
  const reused = await call('POST', '/items', { ...body, peticion: { ...peticion, huella: 'b' } });
  assert.is(reused.statusCode, 422);
  await call('POST', '/items', { sku: 'K-2', name: 'k2', quantity: 1 });
  assert.is((await published(contracts.CrearItem.topic, 2)).length, 2, 'the repeat publishes nothing');
});

test('a refused creation frees the product; the refusal of a later command does not', async () => {
  const refusal = (id: string) => ({
    id_item: id,
    codigo: 'SKU_OCUPADO',
    motivo: 'ya hay uno',
    fecha: new Date(),
  });
  const { respuesta } = (await call('POST', '/items', { sku: 'DUP', name: 'dup', quantity: 1 })).json();
  assert.is(await state('DUP'), 'PENDIENTE');
  await answered(
    respuesta.operationId,
    respuesta.id,
    contracts.OperacionInventarioRechazada,
    refusal(respuesta.id),
  );
  assert.is(await state('DUP'), undefined);

  const { id } = await active();
  const later = (await call('POST', `/items/${id}/reserve`, { quantity: 9 })).json().respuesta;
  await answered(later.operationId, id, contracts.OperacionInventarioRechazada, refusal(id));
  assert.is(await state(id), 'ACTIVO');
});

test('what is gone is found by nobody, and stays gone whatever comes later', async () => {
  const { id, sku, operationId, numero } = await active();
  await answered(deps.runtime.uuid(), id, contracts.ItemEliminado, {
    id_item: id,
    sku,
    version: 2,
    fecha: new Date(),
  });
  assert.is(await state(id), undefined);
  await itemCreado({ id, operationId: `${operationId}`, numero }, sku);
  assert.is(await state(sku), undefined);
  assert.is((await call('POST', `/items/${id}/reserve`, { quantity: 1 })).statusCode, 404);
});

test('a command waits for the item to be there, and says so when that takes too long', async () => {
  const body = { sku: 'LENTO', name: 'lento', quantity: 1 };
  const { respuesta } = (await call('POST', '/items', body)).json();
  const waiting = call('POST', '/items/LENTO/reserve', { quantity: 1 });
  await itemCreado(respuesta, 'LENTO');
  assert.is((await waiting).statusCode, 202);

  await call('POST', '/items', { sku: 'NUNCA', name: 'nunca', quantity: 1 });
  const refused = await call('POST', '/items/NUNCA/reserve', { quantity: 1 });
  assert.is(refused.statusCode, 409);
  assert.is(refused.json().errors[0].code, 'ITEM_PENDIENTE');
  assert.is(refused.headers['retry-after'], '1');
  assert.is(ofTopic(contracts.ReservarExistencia.topic).length, 1, 'nothing was sent');
});

test('the demo has its products 1 to 18 once, however often and wherever it starts', async () => {
  const demo = await testServiceDeps('admin-productos', migrations);
  const options = { ...demo, settings: readSettings({}, { AUTH: 'demo' }) };
  const creations: Delivery[] = [];
  await demo.bus.subscribe(
    {
      topics: [...(manifest.subscriptions.get('consolidador')?.topics ?? [])],
      subscription: 'consolidador',
      mode: 'shared-by-key',
      maxBatch: 100,
    },
    async (batch) => {
      creations.push(...batch.filter(({ topic }) => topic === contracts.CrearItem.topic));
    },
  );
  const ask = (one: Awaited<ReturnType<typeof build>>, method: Method, url: string, payload?: object) =>
    one.app.inject({
      method,
      url,
      headers: { authorization: `Bearer ${demo.tokens.sign('bff', 'admin-productos')}` },
      ...(payload && { payload }),
    });
  const first = await build(options);
  await first.start();
  const listed = (await ask(first, 'GET', '/products')).json();
  assert.equal(
    listed.map((one: { numero: number }) => one.numero),
    Array.from({ length: 18 }, (_, index) => index + 1),
  );
  assert.ok(listed.every((one: { precio: string | null }) => one.precio !== null));
  const new19 = (
    await ask(first, 'POST', '/items', { sku: 'x', name: 'x', quantity: 1, quien: 'demo' })
  ).json().respuesta;
  assert.is(new19.numero, 19, 'what comes after them goes on from 19');
  await until('all are published', () => creations.length === 19);
  assert.ok(creations.every(({ payload }) => contracts.CrearItem.decode(payload).cantidad > 0));
  await first.drain();
  await first.stop();

  const again = await build({
    ...options,
    registry: (await import('@cordada/infra/telemetry/metrics.ts')).createRegistry('again'),
  });
  await again.start();
  assert.is((await ask(again, 'GET', '/products')).json().length, 19);
  await again.drain();
  await again.stop();
  await demo.close();
  assert.is(creations.length, 19);
});

test.run();
