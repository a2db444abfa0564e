import { HttpError, unavailable } from '@cordada/infra/http/errors.ts';
import { Digits } from '@cordada/infra/http/json-text.ts';
import { createServiceTokens } from '@cordada/infra/http/service-token.ts';
import { createLogger } from '@cordada/infra/telemetry/logger.ts';
import { manualRuntime, testSecret, testServer } from '@cordada/infra/testing/test-server.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Compra, Pedido, Purchases } from '../compras/purchases.ts';
import { addGraphqlRoutes } from '../routes/graphql.ts';

const test = suite('GraphQL');
const log = createLogger({ name: 'bff', level: 'silent', readable: false, now: () => 0 });

/** A server of these routes; `bought` is what reached the port behind them. */
const given = async ({
  auth = 'demo',
  begin = async () => 'c1',
  list = [],
}: {
  auth?: 'demo' | 'required';
  begin?: () => Promise<string>;
  list?: readonly unknown[];
} = {}) => {
  const bought: { route: string; pedido: Pedido }[] = [];
  const asked: unknown[][] = [];
  const purchases: Purchases = {
    async begin(_request, _reply, route, pedido) {
      bought.push({ route, pedido });
      return begin();
    },
    find: async (id) => list.find((one) => (one as Compra).id === id) as Compra | undefined,
    async ofUser(idUsuario, limit) {
      asked.push([idUsuario, limit]);
      return list as Compra[];
    },
    ended: async () => undefined,
  };
  const runtime = manualRuntime();
  const { app } = await testServer({
    security: {
      auth,
      apiKeys: [{ name: 'ana', key: 'llave', roles: ['CLIENTE'] }],
      tokens: createServiceTokens(testSecret, runtime),
    },
  });
  addGraphqlRoutes(app, { purchases, log, runtime, auth });
  const post = async (body: unknown, headers: Record<string, string> = {}) => {
    const answer = await app.inject({
      method: 'POST',
      url: '/v1',
      headers: { 'content-type': 'application/json', ...headers },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: answer.statusCode, json: answer.json(), text: answer.body, headers: answer.headers };
  };
  return { app, bought, asked, post };
};

const crear = (fields = 'codigo mensaje') =>
  `mutation { crearCompra(idUsuario: "1", productos: "1:2,SKU-7:1", domicilio: "Calle 26") { ${fields} } }`;

test('speaks the mutation of the original client', async () => {
  const { post, bought } = await given();
  const { status, json } = await post({ query: crear() });
  assert.is(status, 200);
  assert.equal(json, { data: { crearCompra: { codigo: 203, mensaje: 'Procesando Mensaje' } } });
  assert.equal(bought, [
    {
      route: '/v1#crearCompra',
      pedido: {
        idUsuario: '1',
        domicilio: 'Calle 26',
        productos: [
          { producto: '1', cantidad: 2 },
          { producto: 'SKU-7', cantidad: 1 },
        ],
      },
    },
  ]);
});

test('speaks its query, with money to the last digit for who asks', async () => {
  const { post, asked } = await given({
    list: [{ id: 'c1', idUsuario: '1', estado: 'CONFIRMADA', total: new Digits('9007199254740993.25') }],
  });
  const { json } = await post({ query: '{ compras(idUsuario: "1") { idUsuario estado } }' });
  assert.equal(json, { data: { compras: [{ idUsuario: '1', estado: 'CONFIRMADA' }] } });
  const { text } = await post({
    query: 'query De($quien: String!, $n: Int) { compras(idUsuario: $quien, limit: $n) { total } }',
    variables: { quien: 'ñandú', n: 3 },
    operationName: 'De',
  });
  assert.is(text, '{"data":{"compras":[{"total":9007199254740993.25}]}}');
  assert.equal(asked, [
    ['1', undefined],
    ['ñandú', 3],
  ]);
});

test('gives each purchase of a request its own place under the key', async () => {
  const { post, bought } = await given();
  const one = 'crearCompra(idUsuario: "1", productos: "1:1", domicilio: "x") { id }';
  assert.is((await post({ query: `mutation { a: ${one} b: ${one} }` })).status, 200);
  assert.equal(
    bought.map(({ route }) => route),
    ['/v1#a', '/v1#b'],
  );
});

const name = (text: string) => `crearCompra(idUsuario: ${text}, productos: "1:1", domicilio: "x") { id }`;
const products = (text: string) =>
  `mutation { crearCompra(idUsuario: "1", productos: ${JSON.stringify(text)}, domicilio: "x") { id } }`;
const one = name('"1"');

for (const [says, query, message] of [
  ['what is no GraphQL', 'mutation {', /Syntax Error/],
  ['an unknown field', '{ compras(idUsuario: "1") { clave } }', /clave/],
  ['a missing argument', '{ compras { estado } }', /idUsuario/],
  ['a number for a text', `mutation { ${name('7')} }`, /7/],
  ['null', `mutation { ${name('null')} }`, /null/],
  ['NUL in a text, by an escape', `mutation { ${name('"a\\u0000b"')} }`, /NUL/],
  ['half a surrogate pair, by an escape', `mutation { ${name('"\\ud800"')} }`, /Syntax|sustituto|scape/],
  ['an empty user', `mutation { ${name('""')} }`, /idUsuario/],
  ['a user of 201 letters', `mutation { ${name(`"${'x'.repeat(201)}"`)} }`, /idUsuario/],
  ['a list of somebody with NUL', '{ compras(idUsuario: "a\\u0000") { id } }', /NUL/],
  ['a list of no length', '{ compras(idUsuario: "1", limit: 0) { id } }', /limit/],
  ['no products', products(''), /elemento 1/],
  ['a product without a quantity', products('1:2,7'), /elemento 2/],
  ['a quantity without a product', products(':2'), /elemento 1/],
  ['a quantity of none', products('1:0'), /elemento 1/],
  ['a negative quantity', products('1:-1'), /elemento 1/],
  ['half a unit', products('1:1.5'), /elemento 1/],
  ['a quantity with an exponent', products('1:1e3'), /elemento 1/],
  ['more units than a line may have', products('1:1000001'), /cantidad/],
  ['501 products', products(Array.from({ length: 501 }, (_, i) => `${i}:1`).join(',')), /productos/],
  ['a comma too many', products('1:1,'), /elemento 2/],
  [
    'aliases by the thousand',
    `mutation { ${Array.from({ length: 1000 }, (_, i) => `a${i}: ${one}`).join(' ')} }`,
    /token|alias/i,
  ],
  ['21 aliases', `mutation { ${Array.from({ length: 21 }, (_, i) => `a${i}: ${one}`).join(' ')} }`, /alias/],
  [
    'aliases hidden in fragments',
    `mutation { ...f } fragment f on Mutation { ${Array.from({ length: 21 }, (_, i) => `a${i}: ${one}`).join(' ')} }`,
    /alias/,
  ],
  [
    'fragments in a circle',
    `mutation { ...f } fragment f on Mutation { ...g } fragment g on Mutation { ...f ${one} }`,
    /círculo/,
  ],
  ['a fragment of itself', `mutation { ${one} ...f } fragment f on Mutation { ...f }`, /círculo/],
  [
    'fragments that double one another',
    `mutation { ${one} } query Q { ...f0 } ${Array.from({ length: 40 }, (_, i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`).join(' ')} fragment f40 on Query { compras(idUsuario: "1") { id } }`,
    /coste/,
  ],
  ['one field a hundred thousand times', `{ ${'compras '.repeat(20_000)} }`, /token/],
  [
    'directives without end',
    `mutation { ${one.replace('{', `${'@skip(if: true) '.repeat(2_000)} {`)} }`,
    /token/,
  ],
  [
    'an introspection in circles',
    `{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }`,
    /ntrospection/,
  ],
  ['two operations, none of them named', `mutation A { ${one} } mutation B { ${one} }`, /operation/],
  ['a subscription', 'subscription { compras }', /subscription/i],
] as const)
  test(`refuses ${says}, and buys nothing`, async () => {
    const { post, bought, asked } = await given();
    const { status, json } = await post({ query });
    assert.is(status, 400, JSON.stringify(json));
    assert.match(json.errors[0].message, message);
    assert.is(json.errors[0].extensions.status, 400);
    assert.equal([...bought, ...asked], []);
  });

for (const [says, body, status] of [
  [
    'variables of the wrong type',
    {
      query: 'mutation ($u: String!) { crearCompra(idUsuario: $u, productos: "1:1", domicilio: "x") { id } }',
      variables: { u: 7 },
    },
    400,
  ],
  [
    'a variable that is missing',
    {
      query: 'mutation ($u: String!) { crearCompra(idUsuario: $u, productos: "1:1", domicilio: "x") { id } }',
    },
    400,
  ],
  ['an operation that is not there', { query: crear(), operationName: 'Otra' }, 400],
  ['a list of requests', [{ query: crear() }, { query: crear() }], 400],
  ['variables that are a list', { query: crear(), variables: [] }, 400],
  ['a field that it does not know', { query: crear(), otro: 1 }, 400],
  ['no document', { variables: {} }, 400],
  ['a body that is too large', { query: `${crear()} #${'x'.repeat(300_000)}` }, 413],
] as const)
  test(`refuses ${says}, and buys nothing`, async () => {
    const { post, bought } = await given();
    assert.is((await post(body)).status, status);
    assert.equal(bought, []);
  });

test('is JSON and nothing else', async () => {
  const { post, bought } = await given();
  assert.is((await post(crear(), { 'content-type': 'application/graphql' })).status, 415);
  assert.is((await post(crear(), { 'content-type': 'text/plain' })).status, 415);
  assert.equal(bought, []);
});

test('refuses a key that is none, whatever the document would do', async () => {
  const { post, asked } = await given();
  const query = '{ compras(idUsuario: "1") { id } }';
  assert.is((await post({ query }, { 'idempotency-key': 'a b' })).status, 400);
  assert.equal(asked, []);
});

test('tells by its status what became of a purchase that was not taken, as REST does', async () => {
  const { post } = await given({
    begin: async () => {
      throw new HttpError(
        { status: 503, code: 'NO_CONFIRMADO', detail: 'No se sabe' },
        { 'retry-after': '1' },
      );
    },
  });
  const { status, json, headers } = await post({ query: crear() });
  assert.is(status, 503);
  assert.is(headers['retry-after'], '1');
  assert.equal(json.data, { crearCompra: null });
  assert.equal(json.errors[0].extensions, { code: 'NO_CONFIRMADO', status: 503 });
  assert.equal(json.errors[0].path, ['crearCompra']);
});

test('answers what came about where not all of it did', async () => {
  let calls = 0;
  const { post } = await given({
    begin: async () => {
      calls += 1;
      if (calls === 2) throw unavailable('no está');
      return `c${calls}`;
    },
  });
  const { status, json } = await post({ query: `mutation { a: ${one} b: ${one} }` });
  assert.is(status, 200);
  assert.equal(json.data, { a: { id: 'c1' }, b: null });
  assert.is(json.errors.length, 1);
});

test('shows nothing of what went wrong inside', async () => {
  const { post } = await given({
    begin: async () => {
      throw new Error('SELECT secret');
    },
  });
  const { text } = await post({ query: crear() });
  assert.match(text, /ERROR_INTERNO/);
  assert.not.match(text, /secret/);
});

test('in the demo shows an editor that is served whole, and may load nothing from elsewhere', async () => {
  const { app } = await given();
  const page = await app.inject({ method: 'GET', url: '/v1' });
  assert.is(page.statusCode, 200);
  assert.match(page.headers['content-type'] as string, /text\/html/);
  assert.match(page.body, 'endpointURL: `/v1`');
  assert.not.match(page.body, /https?:/);
  const policy = page.headers['content-security-policy'] as string;
  const sources = policy.split('; ').flatMap((rule) => rule.split(' ').slice(1));
  const [, nonce = ''] = /'nonce-([^']+)'/.exec(policy) ?? [];
  assert.match(page.body, `nonce="${nonce}"`);
  assert.equal(
    [...new Set(sources)].sort(),
    ["'none'", "'self'", "'unsafe-inline'", `'nonce-${nonce}'`, 'blob:', 'data:'].sort(),
  );
  assert.match(policy, "style-src-attr 'unsafe-inline'", 'no script is let in by that');
  const again = await app.inject({ method: 'GET', url: '/v1' });
  assert.not.match(again.headers['content-security-policy'] as string, nonce);
  const base = /<base href="([^"]+)"/.exec(page.body)?.[1] ?? '';
  const files = [...page.body.matchAll(/ (?:src|href)="([^"/][^"]*)"/g)].map(([, file]) => base + file);
  assert.ok(files.length > 5);
  for (const url of files) assert.is((await app.inject({ method: 'GET', url })).statusCode, 200, url);
  assert.is((await app.inject({ method: 'GET', url: `${base}../../package.json` })).statusCode, 404);
});

test('in the demo shows what can be asked for', async () => {
  const { post } = await given();
  const { getIntrospectionQuery } = await import('graphql');
  const { status, json } = await post({
    query: getIntrospectionQuery(),
    operationName: 'IntrospectionQuery',
  });
  assert.is(status, 200, JSON.stringify(json));
  assert.ok(json.data.__schema.types.some((type: { name: string }) => type.name === 'Compra'));
});

test('elsewhere asks who is there, and tells nothing of itself', async () => {
  const { app, post, bought } = await given({ auth: 'required' });
  assert.is((await post({ query: crear() })).status, 401);
  assert.equal(bought, []);
  const key = { 'x-api-key': 'llave' };
  assert.is((await post({ query: crear() }, key)).status, 200);
  const schema = await post({ query: '{ __schema { types { name } } }' }, key);
  assert.is(schema.status, 400);
  const near = await post({ query: '{ compra(idd: "1") { id } }' }, key);
  assert.not.match(near.text, /Did you mean/);
  assert.is((await app.inject({ method: 'GET', url: '/v1', headers: key })).statusCode, 405);
});

test.run();
