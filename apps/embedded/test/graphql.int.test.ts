// time limit: 120 s
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { apiUnderTest } from './api-fleet.ts';
import { eventually, shopOf } from './shop.ts';

const api = await apiUnderTest();
const { fleet, call } = api;
const { product, stock } = shopOf(api, [15, 16]);
const uuid = systemRuntime().uuid;

const post = (query: string, headers: Record<string, string> = {}, rest: object = {}) =>
  call('POST', '/v1', { query, ...rest }, headers);
const crear = (idUsuario: string, productos: string) =>
  `crearCompra(idUsuario: "${idUsuario}", productos: "${productos}", domicilio: "Calle 26") { codigo mensaje id }`;
const compras = async (idUsuario: string, fields = 'idUsuario estado') =>
  (await post(`query { compras(idUsuario: "${idUsuario}") { ${fields} } }`)).json.data.compras;

const test = suite('GraphQL over the fleet');
test.after(() => fleet.stop());

test('buys, and shows how it goes, as the original client asks for both', async () => {
  const one = await product(5);
  const two = await product(5);
  const idUsuario = uuid();
  const { status, json } = await post(`mutation { ${crear(idUsuario, `${one.numero}:2, ${two.sku}:1`)} }`);
  assert.is(status, 200);
  const { codigo, mensaje, id } = json.data.crearCompra;
  assert.equal([codigo, mensaje], [203, 'Procesando Mensaje']);
  const seen = await eventually(
    () => compras(idUsuario),
    ([first]) => first?.estado === 'CONFIRMADA',
  );
  assert.equal(seen, [{ idUsuario, estado: 'CONFIRMADA' }]);
  const rest = (await call('GET', `/api/compras/${id}`)).json;
  const [whole] = await compras(idUsuario, 'id total idOrden productos { producto cantidad } codigo');
  const { total, idOrden, productos } = rest;
  assert.equal(whole, { id, total, idOrden, productos, codigo: null });
  assert.equal([(await stock(one.numero)).quantity, (await stock(two.numero)).quantity], [3, 4]);
});

test('tells what is missing', async () => {
  const { numero } = await product(1);
  const idUsuario = uuid();
  await post(`mutation { ${crear(idUsuario, `${numero}:2`)} }`);
  const fields = 'estado codigo faltantes { producto pedido disponible }';
  const seen = await eventually(
    () => compras(idUsuario, fields),
    ([first]) => first?.estado === 'RECHAZADA',
  );
  assert.equal(seen, [
    {
      estado: 'RECHAZADA',
      codigo: 'INVENTARIO_INSUFICIENTE',
      faltantes: [{ producto: String(numero), pedido: 2, disponible: 1 }],
    },
  ]);
});

test('buys once under a key, however often it is asked for', async () => {
  const { numero } = await product(5);
  const idUsuario = uuid();
  const headers = { 'idempotency-key': uuid() };
  const first = await post(`mutation { ${crear(idUsuario, `${numero}:1`)} }`, headers);
  const again = await post(`mutation { ${crear(idUsuario, `${numero}:1`)} }`, headers);
  assert.equal(again.json, first.json);
  assert.equal(
    [first.header('idempotent-replayed'), again.header('idempotent-replayed')],
    [undefined, 'true'],
  );
  const other = await post(`mutation { ${crear(idUsuario, `${numero}:2`)} }`, headers);
  assert.is(other.status, 422);
  assert.is(other.json.errors[0].extensions.code, 'CLAVE_REUTILIZADA');
  assert.is((await compras(idUsuario)).length, 1);
});

test('of one request makes as many purchases as it names', async () => {
  const { numero } = await product(5);
  const idUsuario = uuid();
  const headers = { 'idempotency-key': uuid() };
  const query = `mutation { a: ${crear(idUsuario, `${numero}:1`)} b: ${crear(idUsuario, `${numero}:1`)} }`;
  const { json } = await post(query, headers);
  assert.is.not(json.data.a.id, json.data.b.id);
  assert.equal((await post(query, headers)).json, json);
  const seen = await eventually(
    () => compras(idUsuario),
    (all) => all.every((one: { estado: string }) => one.estado === 'CONFIRMADA'),
  );
  assert.is(seen.length, 2);
});

test('of what asks for too much buys nothing', async () => {
  const { numero } = await product(5);
  const idUsuario = uuid();
  const one = crear(idUsuario, `${numero}:1`);
  const many = Array.from({ length: 1_000 }, (_, index) => `a${index}: ${one}`).join(' ');
  for (const body of [
    { query: `mutation { ${many} }` },
    { query: `mutation { ...f } fragment f on Mutation { ...f ${one} }` },
    {
      query: `mutation ($u: Int!) { crearCompra(idUsuario: $u, productos: "${numero}:1", domicilio: "x") { id } }`,
    },
    [{ query: `mutation { ${one} }` }, { query: `mutation { ${one} }` }],
    `{"query": "mutation { ${one.replaceAll('"', '\\"')} }", "query": ""}`,
  ])
    assert.is((await call('POST', '/v1', body)).status, 400);
  assert.equal(await compras(idUsuario), []);
  assert.is((await stock(numero)).available, 5);
});

test('counts against the rate limit and bears the headers of any route', async () => {
  const answer = await post('{ compras(idUsuario: "nadie") { id } }', { 'x-request-id': 'mi-peticion' });
  assert.ok(answer.header('ratelimit-limit'), JSON.stringify(answer.header('ratelimit-policy')));
  assert.is(answer.header('x-request-id'), 'mi-peticion');
  assert.match(answer.header('content-type') ?? '', /application\/json/);
});

test.run();
