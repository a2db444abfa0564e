import { createSigner } from 'fast-jwt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { manualRuntime, testSecret, testServer } from '../testing/test-server.ts';
import { type ApiKey, access, type Security } from './access.ts';
import { createServiceTokens } from './service-token.ts';

const test = suite('who may call');

const keys: readonly ApiKey[] = [
  { name: 'tienda', key: 'secret-key-123', roles: ['CLIENTE'] },
  { name: 'jefa', key: 'secret-key-456', roles: ['ADMIN', 'OPERARIO'] },
];

const guarded = async (auth: Security['auth']) => {
  const runtime = manualRuntime();
  const tokens = createServiceTokens(testSecret, runtime);
  const { app } = await testServer({ runtime, security: { auth, apiKeys: keys, tokens } });
  let calls = 0;
  const handler = async (request: { caller: { name: string } }) => {
    calls += 1;
    return { caller: request.caller.name };
  };
  app.get('/abierta', { config: { access: access.public } }, handler);
  app.get('/operarios', { config: { access: access.demoOpen('ADMIN', 'OPERARIO') } }, handler);
  app.get('/cerrada', { config: { access: { kind: 'roles', roles: ['ADMIN'], demo: 'closed' } } }, handler);
  app.get('/interna', { config: { access: access.service } }, handler);
  const ask = async (url: string, headers: Record<string, string> = {}) => {
    const before = calls;
    const { statusCode, body } = await app.inject({ url, headers });
    assert.is(calls - before, statusCode === 200 ? 1 : 0, 'a refused call reached its handler');
    return statusCode === 200 ? JSON.parse(body).caller : statusCode;
  };
  return { app, runtime, tokens, ask };
};

test('a route that does not say who may call it cannot be registered', async () => {
  const { app } = await testServer();
  assert.throws(() => app.get('/x', async () => ({})), /GET.*\/x does not declare who may call it/);
  await app.close();
});

test('in the demo a demo-open route is open to anyone, and no other is', async () => {
  const { ask } = await guarded('demo');
  assert.is(await ask('/abierta'), 'demo');
  assert.is(await ask('/operarios'), 'demo');
  assert.is(await ask('/cerrada'), 401);
  assert.is(await ask('/interna'), 401);
});

test('with AUTH=required a demo-open route needs a key of one of its roles', async () => {
  const { ask } = await guarded('required');
  assert.is(await ask('/abierta'), 'anonymous');
  assert.is(await ask('/operarios'), 401);
  assert.is(await ask('/operarios', { 'x-api-key': 'secret-key-456' }), 'jefa');
  assert.is(await ask('/operarios', { 'x-api-key': 'secret-key-123' }), 403);
  assert.is(await ask('/interna', { 'x-api-key': 'secret-key-456' }), 401);
});

for (const auth of ['demo', 'required'] as const)
  test(`a wrong key is a 401, also with AUTH=${auth}`, async () => {
    const { ask } = await guarded(auth);
    for (const key of ['', 'secret-key-12', 'secret-key-1234', 'k'.repeat(5_000)])
      assert.is(await ask('/operarios', { 'x-api-key': key }), 401);
  });

test('a 401 and a 403 are JSON:API errors', async () => {
  const { app } = await guarded('required');
  const answer = await app.inject('/operarios');
  assert.is(answer.headers['www-authenticate'], 'ApiKey');
  assert.equal(answer.json().errors[0], {
    status: '401',
    code: 'NO_AUTENTICADO',
    title: 'Unauthorized',
    detail: 'API key inválida o no proporcionada',
    source: { header: 'x-api-key' },
  });
});

test('who may not call is refused before the body is looked at', async () => {
  const { app } = await guarded('required');
  app.post('/interna', { config: { access: access.service } }, async () => ({}));
  const answer = await app.inject({
    method: 'POST',
    url: '/interna',
    headers: { 'content-type': 'text/plain' },
    payload: '{',
  });
  assert.is(answer.statusCode, 401);
});

test('a service calls with its own token, and only who it is made for takes it', async () => {
  const { ask, tokens } = await guarded('required');
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  assert.is(await ask('/interna', bearer(tokens.sign('bff', 'prueba'))), 'bff');
  assert.is(await ask('/interna', bearer(tokens.sign('bff', 'campaign'))), 401);
  assert.is(await ask('/operarios', bearer(tokens.sign('bff', 'prueba'))), 401);
});

test('a service token is good for a minute', async () => {
  const { ask, tokens, runtime } = await guarded('required');
  const token = tokens.sign('bff', 'prueba');
  runtime.advance(59_000);
  assert.is(await ask('/interna', { authorization: `Bearer ${token}` }), 'bff');
  runtime.advance(7_000);
  assert.is(await ask('/interna', { authorization: `Bearer ${token}` }), 401);
});

test('a service token that was believed is its own caller, in turns with another one, until it is good no more', async () => {
  const { ask, tokens, runtime } = await guarded('required');
  const [bff, partner] = ['bff', 'partner'].map((caller) => tokens.sign(caller, 'prueba'));
  for (const ms of [0, 1_000, 30_000]) {
    runtime.advance(ms);
    for (const [token, caller] of [
      [bff, 'bff'],
      [bff, 'bff'],
      [partner, 'partner'],
      [bff, 'bff'],
    ])
      assert.is(await ask('/interna', { authorization: `bearer ${token}` }), caller);
  }
  runtime.advance(35_000);
  for (const token of [bff, partner, bff])
    assert.is(await ask('/interna', { authorization: `Bearer ${token}` }), 401);
});

test('a service token stands behind its scheme, and nothing else does', async () => {
  const { ask, tokens } = await guarded('required');
  const token = tokens.sign('bff', 'prueba');
  for (const authorization of [
    token,
    `Basic ${token}`,
    `Secret ${token}`,
    `Bearer  ${token}`,
    `Bearer ${token} `.concat('x'),
    `Bearer ${token}${' '.repeat(2_048)}x`,
    'Bearer',
    '',
  ])
    assert.is(await ask('/interna', { authorization }), 401, authorization.slice(0, 20));
});

test('a forged service token is refused', async () => {
  const { ask, runtime } = await guarded('demo');
  const seconds = Math.floor(runtime.now() / 1000);
  const claims = { sub: 'bff', aud: 'prueba', iat: seconds, exp: seconds + 60 };
  const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`;
  const { exp: _, ...endless } = claims;
  for (const token of [
    unsigned,
    createSigner({ key: 'another secret, as long as the right one', algorithm: 'HS256' })(claims),
    createSigner({ key: testSecret, algorithm: 'HS384' })(claims),
    createSigner({ key: testSecret, algorithm: 'HS256' })(endless),
    createSigner({ key: testSecret, algorithm: 'HS256' })({
      ...claims,
      exp: seconds + 1e9,
      iat: seconds - 1e6,
    }),
    'x',
    '',
  ])
    assert.is(await ask('/interna', { authorization: `Bearer ${token}` }), 401, token);
});

test('a caller may send so many requests a second, and is told how many are left', async () => {
  const { app, runtime } = await testServer({
    rateLimit: 2,
    security: { auth: 'demo', apiKeys: keys, tokens: createServiceTokens(testSecret, manualRuntime()) },
  });
  app.get('/a', { config: { access: access.demoOpen('CLIENTE') } }, async () => ({}));
  app.get('/b', { config: { access: access.demoOpen('CLIENTE') } }, async () => ({}));
  const first = await app.inject('/a');
  assert.is(first.headers['ratelimit-limit'], '2');
  assert.is(first.headers['ratelimit-remaining'], '1');
  assert.is((await app.inject('/b')).statusCode, 200);
  const third = await app.inject('/a');
  assert.is(third.statusCode, 429);
  assert.is(third.json().errors[0].code, 'DEMASIADAS_PETICIONES');
  assert.is(third.headers['retry-after'], '1');
  assert.is(
    (await app.inject({ url: '/a', headers: { 'x-api-key': 'secret-key-123' } })).statusCode,
    200,
    'another caller',
  );
  assert.is((await app.inject('/health')).statusCode, 200, 'health is not limited');
  runtime.advance(1_000);
  assert.is((await app.inject('/a')).statusCode, 200, 'the next second');
  await app.close();
});

test('services are not limited', async () => {
  const { app, tokens } = await (async () => {
    const runtime = manualRuntime();
    const tokens = createServiceTokens(testSecret, runtime);
    return {
      tokens,
      ...(await testServer({ runtime, rateLimit: 1, security: { auth: 'demo', apiKeys: [], tokens } })),
    };
  })();
  app.get('/interna', { config: { access: access.service } }, async () => ({}));
  for (let call = 0; call < 3; call += 1) {
    const headers = { authorization: `Bearer ${tokens.sign('bff', 'prueba')}` };
    assert.is((await app.inject({ url: '/interna', headers })).statusCode, 200);
  }
  await app.close();
});

test.run();
