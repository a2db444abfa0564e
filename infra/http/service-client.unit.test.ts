import Type from 'typebox';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLogger } from '../telemetry/logger.ts';
import { manualRuntime, testSecret, testServer, waitingRuntime } from '../testing/test-server.ts';
import { access } from './access.ts';
import { conflict, HttpError, notFound } from './errors.ts';
import { injectFetch } from './inject-fetch.ts';
import { money } from './money.ts';
import { directResilience, networkResilience, type Resilience } from './resilience.ts';
import { createServiceClient, type Fetch } from './service-client.ts';
import { createServiceTokens } from './service-token.ts';

const test = suite('calls between services');

const runtime = manualRuntime();
const tokens = createServiceTokens(testSecret, runtime);
const log = createLogger({ name: 'bff', level: 'silent', readable: false, now: runtime.now });

const address = 'http://prueba';
const network = (...addresses: string[]): Resilience =>
  networkResilience('prueba', addresses.length > 0 ? addresses : [address], log, waitingRuntime);
const clientOf = (fetch: Fetch, resilience: Resilience = directResilience(address)) =>
  createServiceClient({
    caller: 'bff',
    target: 'prueba',
    fetch,
    tokens,
    resilience,
  });

const answer = (status: number, body = '{}'): Awaited<ReturnType<Fetch>> => ({
  status,
  headers: { get: () => null },
  text: async () => body,
});

/** Answers with each of `outcomes` in turn, the last one for ever. */
const scripted = (...outcomes: (number | Error | 'never')[]) => {
  const calls: string[] = [];
  const fetch: Fetch = (url, { method, signal }) => {
    const outcome = outcomes[Math.min(calls.length, outcomes.length - 1)];
    calls.push(`${method} ${url}`);
    if (outcome instanceof Error) return Promise.reject(outcome);
    if (outcome === 'never')
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    return Promise.resolve(answer(outcome ?? 500));
  };
  return { fetch, calls };
};

const isUnavailable = async (call: Promise<unknown>): Promise<void> => {
  try {
    await call;
  } catch (error) {
    assert.instance(error, HttpError);
    assert.is((error as HttpError).statusCode, 503);
    assert.is((error as HttpError).headers['retry-after'], '1');
    return;
  }
  assert.unreachable('the call succeeded');
};

test('a client speaks to a server of ours with a token, and every digit arrives both ways', async () => {
  const { app } = await testServer({ runtime, security: { auth: 'required', apiKeys: [], tokens } });
  const body = Type.Object({ importe: money });
  app.put(
    '/cosas/:id',
    { config: { access: access.service }, schema: { body, response: { 200: body } } },
    async (request) => {
      assert.is(request.caller.name, 'bff');
      assert.equal({ ...(request.params as object) }, { id: 'a/b ñ?' });
      assert.is(request.id, 'request-1');
      assert.match(request.traceparent, /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad)[0-9a-f]{16}-01$/);
      return request.body;
    },
  );
  const client = clientOf(injectFetch(new Map([['http://prueba', app]])));
  const result = await client.call({
    method: 'PUT',
    path: ['cosas', 'a/b ñ?'],
    body: { importe: '9999999999999999.99' },
    origin: { id: 'request-1', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
  });
  assert.is(String((result as { importe: unknown }).importe), '9999999999999999.99');
  await app.close();
});

test('a refusal of the service is thrown as it is, and a 404 is undefined to who looks for something', async () => {
  const { app } = await testServer({ runtime, security: { auth: 'required', apiKeys: [], tokens } });
  app.get('/no', { config: { access: access.service } }, async () => {
    throw conflict('OCUPADO', 'Está ocupado');
  });
  app.get('/nada', { config: { access: access.service } }, async () => {
    throw notFound('No existe', { 'retry-after': '1' });
  });
  const client = clientOf(injectFetch(new Map([['http://prueba', app]])));
  const refusal = await client.call({ method: 'GET', path: ['no'] }).catch((error: HttpError) => error);
  assert.instance(refusal, HttpError);
  assert.equal((refusal as HttpError).problems, [
    { status: 409, code: 'OCUPADO', title: 'Conflict', detail: 'Está ocupado' },
  ]);
  assert.is(await client.find({ method: 'GET', path: ['nada'] }), undefined);
  const missing = await client.call({ method: 'GET', path: ['nada'] }).catch((error: HttpError) => error);
  assert.equal((missing as HttpError).headers, { 'retry-after': '1' });
  await app.close();
});

test('a token that the service does not take is a fault of the installation and not of the client: 503', async () => {
  const { app } = await testServer({ runtime });
  app.get('/x', { config: { access: access.service } }, async () => ({}));
  const stranger = createServiceClient({
    caller: 'bff',
    target: 'prueba',
    fetch: injectFetch(new Map([['http://prueba', app]])),
    tokens: createServiceTokens('another secret, as long as the right one', runtime),
    resilience: directResilience(address),
  });
  await isUnavailable(stranger.call({ method: 'GET', path: ['x'] }));
  await app.close();
});

test('a GET is tried three times', async () => {
  const lucky = scripted(new Error('ECONNRESET'), 502, 200);
  assert.equal(
    await clientOf(lucky.fetch, network()).call({
      method: 'GET',
      path: ['a'],
      query: { b: 1, c: undefined },
    }),
    {},
  );
  assert.equal(lucky.calls, Array(3).fill('GET http://prueba/a?b=1'));
  const unlucky = scripted(new Error('ECONNRESET'));
  await isUnavailable(clientOf(unlucky.fetch, network()).call({ method: 'GET', path: ['a'] }));
  assert.is(unlucky.calls.length, 3);
});

test('a POST and a DELETE are never sent twice', async () => {
  for (const method of ['POST', 'DELETE'] as const) {
    const { fetch, calls } = scripted(new Error('ECONNRESET'));
    await isUnavailable(clientOf(fetch, network()).call({ method, path: ['a'] }));
    assert.is(calls.length, 1);
  }
});

test('a refusal is no failure: it is not repeated', async () => {
  const { fetch, calls } = scripted(404);
  await clientOf(fetch, network()).send({ method: 'GET', path: ['a'] });
  assert.is(calls.length, 1);
});

test('a service that does not answer in time is given up', async () => {
  const { fetch } = scripted('never');
  const quick: Resilience = {
    run: (call) => network().run(call, { timeoutMs: 30, repeatable: false }),
  };
  await isUnavailable(clientOf(fetch, quick).call({ method: 'GET', path: ['a'] }));
});

test('a long poll may take as long as it asked for', async () => {
  const asked: number[] = [];
  const spying: Resilience = {
    run: (call, { timeoutMs }) => {
      asked.push(timeoutMs);
      return directResilience(address).run(call, { timeoutMs, repeatable: false });
    },
  };
  await clientOf(scripted(200).fetch, spying).call({ method: 'GET', path: ['a'], heldMs: 10_000 });
  assert.equal(asked, [15_000]);
});

test('a fault that the service met in one request is neither repeated nor held against it', async () => {
  const { fetch, calls } = scripted(...Array(6).fill(500), 200);
  const client = clientOf(fetch, network());
  for (let call = 0; call < 6; call += 1) await isUnavailable(client.call({ method: 'GET', path: ['a'] }));
  assert.equal(await client.call({ method: 'GET', path: ['a'] }), {});
  assert.is(calls.length, 7);
});

test('after five failures in a row the service is spared, and called again later', async () => {
  const { fetch, calls } = scripted(...Array(5).fill(503), 200);
  const client = clientOf(fetch, network());
  for (let call = 0; call < 5; call += 1) await isUnavailable(client.call({ method: 'POST', path: ['a'] }));
  await isUnavailable(client.call({ method: 'POST', path: ['a'] }));
  assert.is(calls.length, 5, 'the sixth call was not made');
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  assert.equal(await client.call({ method: 'POST', path: ['a'] }), {});
});

test.run();
