import { once } from 'node:events';
import { connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testSecret, testServer } from '../testing/test-server.ts';
import { access } from './access.ts';
import { createServiceTokens } from './service-token.ts';
import type { Server } from './typed-server.ts';

const test = suite('the fast path past the routes');

const CONTENT_TYPE = 'application/json; charset=utf-8';
const KEPT = '{"id":"ñ","kept":true}';
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const open: Server[] = [];
test.after.each(async () => {
  for (const app of open.splice(0)) {
    app.server.closeAllConnections();
    await app.close();
  }
});

/** A server whose route and whose fast path answer `/cosas/kept` alike; `asked` tells which of them was asked. */
const serve = async () => {
  const asked: string[] = [];
  const made = await testServer({
    fastPath: {
      route: '/cosas/:id',
      headers: ['x-cache', 'HIT', 'content-type', CONTENT_TYPE],
      find(url) {
        asked.push(`path ${url}`);
        return url === '/cosas/kept' ? KEPT : undefined;
      },
    },
  });
  const { app, runtime } = made;
  open.push(app);
  let finish = (): void => {};
  app.get('/cosas/:id', { config: { access: access.service } }, async ({ params, url }, reply) => {
    asked.push(`route ${url}`);
    if ((params as { id: string }).id === 'slow')
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
    return reply.header('x-cache', 'HIT').type(CONTENT_TYPE).send(KEPT);
  });
  app.post('/cosas/:id', { config: { access: access.service } }, async ({ url }) => {
    asked.push(`route ${url}`);
    return {};
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as { port: number };
  const tokens = createServiceTokens(testSecret, runtime);
  const authorization = `Bearer ${tokens.sign('bff', 'prueba')}`;
  const ask = (url: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${url}`, {
      ...init,
      headers: { authorization, ...(init.headers as Record<string, string>) },
    });
  return { ...made, port, tokens, authorization, asked, ask, finish: () => finish() };
};

test('answers what is at hand as the route does, without asking it', async () => {
  const { app, asked, ask, authorization } = await serve();
  const headers = { traceparent: TRACE, 'x-request-id': 'given-1' };
  const answer = await ask('/cosas/kept', { headers });
  assert.is(await answer.text(), KEPT);
  assert.equal(asked, ['path /cosas/kept']);
  const route = await app.inject({ url: '/cosas/kept', headers: { authorization, ...headers } });
  assert.is(route.body, KEPT);
  assert.equal(asked, ['path /cosas/kept', 'route /cosas/kept']);
  assert.is(answer.headers.get('x-request-id'), 'given-1');
  assert.ok(answer.headers.get('traceparent')?.startsWith(TRACE.slice(0, 36)));
  const told = (all: Iterable<readonly [string, unknown]>): [string, string][] =>
    [...all]
      .filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name))
      // Each request is a span of its own.
      .map(([name, value]): [string, string] => [name, name === 'traceparent' ? '' : String(value)])
      .sort(([a], [b]) => (a < b ? -1 : 1));
  assert.equal(told(answer.headers), told(Object.entries(route.headers)));
});

test('names a request that has no id, and begins a trace where there is none', async () => {
  const { ask } = await serve();
  const [first, second] = [await ask('/cosas/kept'), await ask('/cosas/kept')];
  for (const name of ['x-request-id', 'traceparent']) {
    assert.match(first.headers.get(name) ?? '', /^[0-9a-f-]{36,55}$/);
    assert.is.not(first.headers.get(name), second.headers.get(name));
  }
});

test('leaves to the route what is not at hand, and all that is not a plain GET', async () => {
  const { asked, ask } = await serve();
  await ask('/cosas/other');
  assert.equal(asked.splice(0), ['path /cosas/other', 'route /cosas/other']);
  await ask('/cosas/kept', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
  await ask('/cosas/kept', { method: 'HEAD' });
  assert.equal(asked.splice(0), ['route /cosas/kept', 'route /cosas/kept']);
  const invalid = await ask('/cosas/kept', { headers: { 'x-request-id': 'x'.repeat(256) } });
  assert.is(invalid.status, 400);
  assert.equal(asked, []);
});

test('answers nobody but a service with a token for this one', async () => {
  const { asked, ask, tokens } = await serve();
  for (const authorization of ['', 'Bearer x', `Bearer ${tokens.sign('bff', 'campaign')}`]) {
    const answer = await ask('/cosas/kept', { headers: { authorization } });
    assert.is(answer.status, 401);
    assert.not.match(await answer.text(), 'kept":');
  }
  const withKey = await ask('/cosas/kept', { headers: { authorization: '', 'x-api-key': 'k' } });
  assert.is(withKey.status, 401);
  assert.equal(asked, []);
});

test('counts what it answers among the requests of its route', async () => {
  const { ask, registry } = await serve();
  await ask('/cosas/kept');
  await ask('/cosas/kept');
  await ask('/cosas/other');
  assert.match(
    await registry.metrics(),
    /http_request_duration_seconds_count\{method="GET",route="\/cosas\/:id",status="200"\} 3/,
  );
});

test('answers nothing any more while the server drains: the route tells the client to go', async () => {
  const { app, asked, authorization, port, finish } = await serve();
  const socket = connect(port, '127.0.0.1');
  let answers = '';
  socket.on('data', (bytes) => {
    answers += bytes;
  });
  const get = (url: string): unknown =>
    socket.write(`GET ${url} HTTP/1.1\r\nhost: a\r\nauthorization: ${authorization}\r\n\r\n`);
  get('/cosas/slow');
  while (!asked.includes('route /cosas/slow')) await new Promise((resolve) => setTimeout(resolve, 5));
  asked.splice(0);
  const closed = app.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  get('/cosas/kept');
  while (asked.length === 0 && !answers.includes(KEPT))
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(asked, ['route /cosas/kept']);
  finish();
  await once(socket, 'close');
  await closed;
  assert.match(answers, /connection: close/i);
});

test.run();
