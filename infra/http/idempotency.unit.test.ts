import Type from 'typebox';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testServer } from '../testing/test-server.ts';
import { access } from './access.ts';
import { idempotencyKey, requestHash, requestId } from './idempotency.ts';
import { money } from './money.ts';
import { preferredWait } from './prefer.ts';

const test = suite('repeated requests');

test('the id of a request is the same for the same caller, route and key, and for nothing else', () => {
  const id = requestId('demo', 'campaign', 'k-1');
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.is(requestId('demo', 'campaign', 'k-1'), id);
  const others = [
    requestId('otro', 'campaign', 'k-1'),
    requestId('demo', 'partner', 'k-1'),
    requestId('demo', 'campaign', 'k-2'),
    requestId('demo"', '"campaign', 'k-1'),
  ];
  assert.is(new Set([id, ...others]).size, 5);
});

test('the id of a request stays the same from release to release', () => {
  assert.is(requestId('demo', 'campaign', 'k-1'), '33f05d3d-d298-5da9-b9fe-3714e4456c09');
});

test('the hash of a request sees what is asked for and not how it is written', async () => {
  const { app } = await testServer();
  const hashes: string[] = [];
  const schema = { body: Type.Object({ importe: money, n: Type.Number(), t: Type.String() }) };
  app.post('/x', { config: { access: access.public }, schema }, async ({ body }) =>
    hashes.push(requestHash('x', body)),
  );
  const send = async (payload: string) =>
    app.inject({ method: 'POST', url: '/x', headers: { 'content-type': 'application/json' }, payload });
  for (const same of [
    '{"importe":10,"n":100,"t":"ñ"}',
    '{ "t": "\\u00f1", "n": 1e2, "importe": "10.00" }',
    '{"n":100.0,"importe":10.0,"t":"ñ"}',
  ])
    assert.is((await send(same)).statusCode, 200);
  assert.is(new Set(hashes).size, 1);
  for (const other of [
    '{"importe":10.01,"n":100,"t":"ñ"}',
    '{"importe":10,"n":101,"t":"ñ"}',
    '{"importe":10,"n":100,"t":"n"}',
  ])
    assert.is((await send(other)).statusCode, 200);
  assert.is(new Set(hashes).size, 4);
  assert.is.not(requestHash('x', {}), requestHash('y', {}));
  await app.close();
});

test('an Idempotency-Key is 1 to 255 visible ASCII characters', async () => {
  const { app } = await testServer();
  app.post('/x', { config: { access: access.public } }, async (request) => ({
    key: idempotencyKey(request) ?? null,
  }));
  const send = (key: string | string[]) =>
    app.inject({ method: 'POST', url: '/x', headers: { 'idempotency-key': key } });
  for (const key of ['a', '!~', 'k'.repeat(255)]) assert.equal((await send(key)).json(), { key });
  assert.equal((await app.inject({ method: 'POST', url: '/x' })).json(), { key: null });
  for (const key of ['', ' ', 'a b', 'ñ', 'a\tb', 'k'.repeat(256), ['a', 'b']]) {
    const answer = await send(key);
    assert.is(answer.statusCode, 400, String(key));
    assert.equal(answer.json().errors[0].source, { header: 'idempotency-key' });
  }
  await app.close();
});

test('Prefer: wait=n is granted up to a minute and acknowledged; what is malformed is ignored', async () => {
  const { app } = await testServer();
  app.get('/x', { config: { access: access.public } }, async (request, reply) => ({
    wait: preferredWait(request, reply) ?? null,
  }));
  const ask = async (prefer?: string) => {
    const answer = await app.inject({ url: '/x', headers: prefer === undefined ? {} : { prefer } });
    return [answer.json().wait, answer.headers['preference-applied']];
  };
  assert.equal(await ask('wait=5'), [5_000, 'wait=5']);
  assert.equal(await ask('respond-async, wait="7"; x=1'), [7_000, 'wait=7']);
  assert.equal(await ask('wait=0'), [0, 'wait=0']);
  assert.equal(await ask('wait=100000'), [60_000, 'wait=60']);
  for (const prefer of [
    undefined,
    'wait',
    'wait=',
    'wait=-1',
    'wait=1.5',
    'waiting=5',
    'wait=x',
    'wait=9999999999',
  ])
    assert.equal(await ask(prefer), [null, undefined], prefer);
  await app.close();
});

test.run();
