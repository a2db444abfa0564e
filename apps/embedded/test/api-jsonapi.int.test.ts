// time limit: 180 s
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Answer, type ApiFleet, apiUnderTest } from './api-fleet.ts';

const test = suite('products and purchases over JSON:API (systems.md §5)');
const api = await apiUnderTest();
const { call } = api as ApiFleet<never>;
const { uuid } = systemRuntime();
const MEDIA_TYPE = 'application/vnd.api+json';
const key = { 'x-api-key': 'secret-key-123' };
const spoken = { ...key, 'content-type': MEDIA_TYPE, accept: MEDIA_TYPE };

test.after(() => api.fleet.stop());

const document = (type: string, attributes: object, more: object = {}) => ({
  data: { type, attributes, ...more },
});
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  call('POST', path, body, { ...spoken, ...headers });
const get = (path: string) => call('GET', path, undefined, key);
const patch = (path: string, body: unknown) => call('PATCH', path, body, spoken);

/** That an answer is this error, word for word, and in the media type of JSON:API. */
const isToldOff = (answer: Answer, status: number, title: string, detail: string): void => {
  assert.is(answer.status, status, answer.text);
  const [error] = answer.json.errors;
  assert.equal([error.status, error.title, error.detail], [String(status), title, detail]);
  assert.match(answer.header('content-type') ?? '', /^application\/vnd\.api\+json/);
};

/** The number of a product of this test's own, with units. */
const product = async (precio: number | string, cantidad: number): Promise<string> => {
  const created = await post('/api/products', document('products', { nombre: `Producto ${uuid()}`, precio }));
  assert.is(created.status, 201, created.text);
  const { id } = created.json.data;
  const stocked = await patch(`/api/inventory/${id}`, document('inventory', { cantidad }));
  assert.is(stocked.status, 200, stocked.text);
  assert.is(stocked.json.data.attributes.cantidad, cantidad);
  return id;
};
const buy = (producto_id: string | number, cantidad: number, headers: Record<string, string> = {}) =>
  post('/api/purchases', document('purchases', { producto_id, cantidad }), { prefer: 'wait=30', ...headers });

test('a product is there at once, with its price and every digit of it, and the PATCH of its inventory works', async () => {
  const attributes = { nombre: 'Laptop', precio: 1999.99, descripcion: 'De 14 pulgadas' };
  const created = await post('/api/products', document('products', attributes));
  assert.is(created.status, 201, created.text);
  assert.match(created.header('content-type') ?? '', /^application\/vnd\.api\+json/);
  const { type, id } = created.json.data;
  assert.is(type, 'products');
  assert.match(id, /^[0-9]+$/);
  assert.equal(created.json.data.attributes, attributes);
  assert.is(created.header('location'), `/api/products/${id}`);
  assert.equal((await get(`/api/products/${id}`)).json, created.json);
  const stocked = await patch(`/api/inventory/${id}`, document('inventory', { cantidad: 50 }));
  assert.is(stocked.status, 200, stocked.text);
  assert.equal(stocked.json.data, {
    type: 'inventory',
    id,
    attributes: { producto_id: Number(id), cantidad: 50, producto: { id, ...attributes } },
  });
  assert.equal((await get(`/api/inventory/${id}/`)).json, stocked.json);
  const listed = (await get('/api/products')).json.data;
  assert.equal(
    listed.find((one: { id: string }) => one.id === id),
    created.json.data,
  );
  assert.is((await get('/api/products?limit=2')).json.data.length, 2);

  const exact = '{"data":{"type":"products","attributes":{"nombre":"x","precio":1234567890123456.78}}}';
  const precise = await post('/api/products', exact);
  assert.match(precise.text, '"precio":1234567890123456.78');
  assert.match((await get(`/api/products/${precise.json.data.id}`)).text, '"precio":1234567890123456.78');
});

test('cantidad is what is to be available: said twice it is the same, and what is reserved stays reserved', async () => {
  const id = await product(10, 8);
  const items = `/api/v1/inventory/items/${id}`;
  await call('POST', `${items}/reserve`, { quantity: 3 }, { prefer: 'wait=20' });
  const [one, two] = await Promise.all([
    patch(`/api/inventory/${id}`, document('inventory', { cantidad: 4 })),
    patch(`/api/inventory/${id}`, document('inventory', { cantidad: 4 })),
  ]);
  assert.equal([one.status, two.status], [200, 200]);
  const again = await patch(`/api/inventory/${id}`, document('inventory', { cantidad: 4 }));
  assert.is(again.json.data.attributes.cantidad, 4);
  const gone = await patch(`/api/inventory/${id}`, document('inventory', { cantidad: 0 }));
  assert.is(gone.json.data.attributes.cantidad, 0);
});

test('a purchase waits for its saga: 201 with what was bought, at what price, and what is left', async () => {
  const id = await product('12.50', 10);
  const bought = await buy(id, 3);
  assert.is(bought.status, 201, bought.text);
  const { type, attributes } = bought.json.data;
  assert.is(type, 'purchases');
  assert.equal(Object.keys(attributes).sort(), [
    'cantidad',
    'fecha',
    'inventario_restante',
    'precio_unitario',
    'producto_id',
    'producto_nombre',
    'total',
  ]);
  assert.equal(
    [attributes.producto_id, attributes.cantidad, attributes.precio_unitario, attributes.total],
    [Number(id), 3, 12.5, 37.5],
  );
  assert.is(attributes.inventario_restante, 7);
  assert.not.ok(Number.isNaN(Date.parse(attributes.fecha)));
  assert.is((await get(`/api/inventory/${id}`)).json.data.attributes.cantidad, 7);
  const history = await get(`/api/purchases/history/${id}`);
  assert.is(history.status, 200, history.text);
  const { inventario_restante: _left, ...told } = attributes;
  assert.equal(
    history.json.data.map(({ attributes: { fecha: _at, ...one } }: { attributes: { fecha: string } }) => one),
    [{ ...told, fecha: undefined }].map(({ fecha: _at, ...one }) => one),
  );
  assert.is((await buy(Number(id), 7)).json.data.attributes.inventario_restante, 0);
  assert.is((await get(`/api/purchases/history/${id}`)).json.data.length, 2);
  assert.is((await get(`/api/purchases/history/${id}?limit=1`)).json.data[0].attributes.cantidad, 7);
});

test('a purchase of more than there is is a 409 that says how many there are, and changes nothing', async () => {
  const id = await product(5, 2);
  isToldOff(await buy(id, 3), 409, 'Conflict', 'Inventario insuficiente. Disponible: 2, Solicitado: 3');
  assert.is((await get(`/api/inventory/${id}`)).json.data.attributes.cantidad, 2);
  assert.equal((await get(`/api/purchases/history/${id}`)).json.data, []);
});

test('a purchase that a rule refuses is a 409 with the reason: no price, the limit of the key’s customer', async () => {
  const sku = `SKU-${uuid()}`;
  const body = { sku, name: sku, quantity: 5 };
  await call('POST', '/api/v1/inventory/items', body, { prefer: 'wait=20' });
  const unpriced = await buy(sku, 1);
  assert.is(unpriced.status, 409, unpriced.text);
  assert.is(unpriced.json.errors[0].code, 'SIN_PRECIO');
  const dear = await product('9999999.99', 1);
  const limited = await buy(dear, 1);
  assert.is(limited.status, 409, limited.text);
  assert.is(limited.json.errors[0].code, 'LIMITE_EXCEDIDO');
  assert.is((await get(`/api/inventory/${dear}`)).json.data.attributes.cantidad, 1);
});

test('a repeat under a key buys nothing more, and gets the same status and body whatever was bought since', async () => {
  const id = await product(5, 10);
  const headers = { 'idempotency-key': uuid() };
  const first = await buy(id, 2, headers);
  await buy(id, 3);
  const second = await buy(id, 2, headers);
  assert.equal([second.status, second.text], [first.status, first.text]);
  assert.is(second.header('idempotent-replayed'), 'true');
  assert.is((await buy(id, 4, headers)).status, 422);
  assert.is((await get(`/api/inventory/${id}`)).json.data.attributes.cantidad, 5);

  const again = { 'idempotency-key': uuid() };
  const body = document('products', { nombre: 'una vez', precio: '3.00' });
  const created = await post('/api/products', body, again);
  const repeated = await post('/api/products', body, again);
  assert.equal([repeated.status, repeated.text], [created.status, created.text]);
  assert.is(repeated.header('idempotent-replayed'), 'true');
});

test('who does not want to wait gets a 202 with where to read how it ends; nothing is lost', async () => {
  const id = await product(5, 10);
  const accepted = await buy(id, 1, { prefer: 'wait=0' });
  assert.is(accepted.status, 202, accepted.text);
  const location = accepted.header('location') ?? '';
  assert.match(location, /^\/api\/compras\//);
  for (let i = 0; ; i += 1) {
    const { json } = await call('GET', location);
    if (json.estado === 'CONFIRMADA') break;
    assert.ok(i < 200, JSON.stringify(json));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const pending = await post('/api/products', document('products', { nombre: 'luego', precio: 1 }), {
    prefer: 'wait=0',
  });
  assert.is(pending.status, 202, pending.text);
  assert.match(pending.header('location') ?? '', /^\/api\/operations\//);
});

test('what is wrong is told in this order: the key, the media type, the body, what is not there', async () => {
  const unauthorized = ['Unauthorized', 'API Key inválida o no proporcionada'] as const;
  for (const headers of [
    {},
    { 'x-api-key': 'otra' },
    { accept: MEDIA_TYPE },
    { 'content-type': 'text/plain' },
  ]) {
    isToldOff(await call('POST', '/api/purchases', '{', headers), 401, ...unauthorized);
    isToldOff(await call('GET', '/api/products', undefined, headers), 401, ...unauthorized);
    isToldOff(await call('GET', '/api/inventory/1', undefined, headers), 401, ...unauthorized);
  }
  const unsupported = ['Unsupported Media Type', 'Content-Type debe ser application/vnd.api+json'] as const;
  for (const type of ['application/json', 'text/plain', 'application/vnd.api', '']) {
    const headers = { ...key, 'content-type': type };
    isToldOff(await call('POST', '/api/products', '{', headers), 415, ...unsupported);
    isToldOff(await call('PATCH', '/api/inventory/nada', '{}', headers), 415, ...unsupported);
  }
  isToldOff(await call('POST', '/api/purchases', undefined, key), 415, ...unsupported);
  const missing = document('purchases', { producto_id: 'nada' });
  assert.is((await post('/api/purchases', missing)).status, 400);
  isToldOff(await buy('nada', 1), 404, 'Not Found', 'Producto no encontrado');
});

const malformed: [string, unknown][] = [
  ['no body', undefined],
  ['broken JSON', '{"data":'],
  ['a list', []],
  ['no data', {}],
  ['data of null', { data: null }],
  ['many resources', { data: [] }],
  ['no type', { data: { attributes: { nombre: 'x', precio: 1 } } }],
  ['another type', document('inventory', { nombre: 'x', precio: 1 })],
  ['no attributes', { data: { type: 'products' } }],
  ['attributes that are none', { data: { type: 'products', attributes: 7 } }],
  ['a field that is not known', document('products', { nombre: 'x', precio: 1, stock: 5 })],
  ['a key twice', '{"data":{"type":"products","type":"products","attributes":{}}}'],
];
for (const [what, body] of malformed)
  test(`refuses ${what} as no JSON:API`, async () =>
    isToldOff(await post('/api/products', body), 400, 'Bad Request', 'Formato JSON API inválido'));

const badAttributes: [string, string, string, object, string][] = [
  ...[
    {},
    { nombre: 'x' },
    { precio: 5 },
    { nombre: '', precio: 5 },
    { nombre: 'x', precio: null },
    { nombre: 'x', precio: -1 },
    { nombre: 'x', precio: 'cinco' },
    { nombre: 'x', precio: 1.999 },
    { nombre: 7, precio: 1 },
  ].map((attributes): [string, string, string, object, string] => [
    'POST',
    '/api/products',
    'products',
    attributes,
    'Nombre y precio son requeridos',
  ]),
  ...[{}, { cantidad: -1 }, { cantidad: '5' }, { cantidad: 1.5 }, { cantidad: null }].map(
    (attributes): [string, string, string, object, string] => [
      'PATCH',
      '/api/inventory/1',
      'inventory',
      attributes,
      'Cantidad debe ser un número no negativo',
    ],
  ),
  ...[
    {},
    { producto_id: 1 },
    { cantidad: 1 },
    { producto_id: 1, cantidad: 0 },
    { producto_id: 1, cantidad: -1 },
    { producto_id: 1, cantidad: '2' },
    { producto_id: null, cantidad: 2 },
    { producto_id: '', cantidad: 2 },
  ].map((attributes): [string, string, string, object, string] => [
    'POST',
    '/api/purchases',
    'purchases',
    attributes,
    'producto_id y cantidad (mayor a 0) son requeridos',
  ]),
];
for (const [method, path, type, attributes, detail] of badAttributes)
  test(`refuses ${type} of ${JSON.stringify(attributes)}`, async () =>
    isToldOff(await call(method, path, document(type, attributes), spoken), 400, 'Bad Request', detail));

test('an id is opaque: what is not there is a 404, word for word', async () => {
  for (const id of ['nada', '99999999', '-5', uuid(), '%27%3B']) {
    for (const path of ['/api/products', '/api/inventory', '/api/purchases/history'])
      isToldOff(await get(`${path}/${id}`), 404, 'Not Found', 'Producto no encontrado');
    isToldOff(
      await patch(`/api/inventory/${id}`, document('inventory', { cantidad: 1 })),
      404,
      'Not Found',
      'Producto no encontrado',
    );
  }
  isToldOff(await buy(-5, 1), 404, 'Not Found', 'Producto no encontrado');
});

test('buyers at once get what there is, and not one more', async () => {
  const id = await product(1, 5);
  const answers = await Promise.all(Array.from({ length: 12 }, () => buy(id, 1)));
  assert.is(answers.filter(({ status }) => status === 201).length, 5);
  const refused = answers.filter(({ status }) => status === 409);
  assert.is(refused.length, 7);
  for (const { json } of refused)
    assert.match(json.errors[0].detail, /^Inventario insuficiente\. Disponible: \d+, Solicitado: 1$/);
  assert.is((await get(`/api/inventory/${id}`)).json.data.attributes.cantidad, 0);
  assert.is((await get(`/api/purchases/history/${id}`)).json.data.length, 5);
});

test.run();
