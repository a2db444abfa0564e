import { once } from 'node:events';
import { connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testSecret, testServer } from '../testing/test-server.ts';
import { access } from './access.ts';
import { type FastAnswer, unanswered } from './fast-path.ts';
import { createServiceTokens } from './service-token.ts';
import type { Server } from './typed-server.ts';
import { encodeUtf8 } from './utf8.ts';

const test = suite('the fast path past the routes');

const CONTENT_TYPE = 'application/json; charset=utf-8';
const KEPT = '{"id":"ñ","kept":true}';
const HEADERS = ['x-cache', 'HIT', 'content-type', CONTENT_TYPE];
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const open: Server[] = [];
test.after.each(async () => {
  for (const app of open.splice(0)) {
    app.server.closeAllConnections();
    await app.close();
  }
});

/** Ends a read that the fast path began. */
interface Reading {
  resolve(answer: FastAnswer | undefined): void;
  reject(error: Error): void;
}

/**
 * A server whose route and whose fast path answer `/cosas/kept` alike; `asked` tells which of them was asked. What
 * `/cosas/read` is answered past the route ends in `readings`.
 */
const serve = async () => {
  const asked: string[] = [];
  const readings: Reading[] = [];
  const made = await testServer({
    fastPath: {
      route: '/cosas/:id',
      find(url) {
        asked.push(`path ${url}`);
        if (url === '/cosas/kept') return { body: encodeUtf8(KEPT), headers: HEADERS };
        if (url === '/cosas/read')
          return new Promise((resolve, reject) => readings.push({ resolve, reject }));
        return undefined;
      },
    },
  });
  const { app, runtime } = made;
  open.push(app);
  let finish = (): void => {};
  app.get('/cosas/:id', { config: { access: access.service } }, async ({ params, raw, url }, reply) => {
    const { id } = params as { id: string };
    asked.push(`route ${url}`);
    if (id === 'read') return { inVain: String(unanswered(raw)?.error ?? 'nothing') };
    if (id === 'slow')
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
  return { ...made, port, tokens, authorization, asked, readings, ask, finish: () => finish() };
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

/** The read that `/cosas/read` has begun. */
const begun = async (readings: Reading[]): Promise<Reading> => {
  for (;;) {
    const reading = readings.shift();
    if (reading !== undefined) return reading;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

test('answers what it has to read first without asking the route, and counts how long that took', async () => {
  const { asked, ask, readings, registry, runtime } = await serve();
  for (const text of [KEPT, '{"id":"n"}']) {
    const answer = ask('/cosas/read');
    const { resolve } = await begun(readings);
    runtime.advance(300);
    resolve({ body: encodeUtf8(text), headers: ['x-cache', 'MISS', 'content-type', CONTENT_TYPE] });
    const { headers, status } = await answer;
    assert.equal([status, headers.get('x-cache'), headers.get('content-type')], [200, 'MISS', CONTENT_TYPE]);
    assert.is(await (await answer).text(), text);
  }
  assert.equal(asked, ['path /cosas/read', 'path /cosas/read']);
  assert.match(
    await registry.metrics(),
    /http_request_duration_seconds_sum\{method="GET",route="\/cosas\/:id",status="200"\} 0\.6\n/,
  );
});

test('what it reads in vain is told to the route, which is asked once; the whole wait counts', async () => {
  for (const [end, told] of [
    [({ resolve }: Reading) => resolve(undefined), 'nothing'],
    [({ reject }: Reading) => reject(new Error('away')), 'Error: away'],
  ] as const) {
    const { asked, ask, readings, registry, runtime } = await serve();
    const answer = ask('/cosas/read');
    const reading = await begun(readings);
    runtime.advance(300);
    end(reading);
    assert.equal(await (await answer).json(), { inVain: told });
    assert.equal(asked, ['path /cosas/read', 'route /cosas/read']);
    assert.match(await registry.metrics(), /http_request_duration_seconds_sum\{[^}]*\} 0\.3\n/);
  }
});

test('who goes away while it reads is not answered, and nobody else is the worse for it', async () => {
  for (const end of [
    ({ resolve }: Reading) => resolve({ body: encodeUtf8(KEPT), headers: HEADERS }),
    ({ resolve }: Reading) => resolve(undefined),
    ({ reject }: Reading) => reject(new Error('away')),
  ]) {
    const { app, asked, ask, readings, registry } = await serve();
    const connected = once(app.server, 'connection');
    const leaving = new AbortController();
    const answer = ask('/cosas/read', { signal: leaving.signal }).catch(({ name }: Error) => name);
    const [socket] = await connected;
    const seenToGo = once(socket, 'close');
    const reading = await begun(readings);
    leaving.abort();
    assert.is(await answer, 'AbortError');
    await seenToGo;
    await ask('/cosas/kept');
    asked.splice(0);
    end(reading);
    assert.is(await (await ask('/cosas/kept')).text(), KEPT);
    assert.equal(asked, ['path /cosas/kept']);
    assert.match(await registry.metrics(), /http_request_duration_seconds_count\{[^}]*\} 2\n/);
  }
});

test('what is read while the server begins to drain is answered, and the client told to go', async () => {
  const { app, ask, asked, readings } = await serve();
  const answer = ask('/cosas/read');
  const { resolve } = await begun(readings);
  const closed = app.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  resolve({ body: encodeUtf8(KEPT), headers: HEADERS });
  assert.is((await answer).headers.get('connection'), 'close');
  assert.is(await (await answer).text(), KEPT);
  await closed;
  assert.equal(asked, ['path /cosas/read']);
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
