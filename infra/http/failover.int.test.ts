import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemRuntime } from '../system-runtime.ts';
import { createLogger } from '../telemetry/logger.ts';
import { testSecret, waitingRuntime } from '../testing/test-server.ts';
import { HttpError } from './errors.ts';
import { networkFetch } from './network-fetch.ts';
import { networkResilience } from './resilience.ts';
import { createServiceClient } from './service-client.ts';
import { createServiceTokens } from './service-token.ts';

/** One replica on this machine: how it answers can be changed, and it can be away. */
interface Replica {
  readonly url: string;
  readonly calls: string[];
  answers: { status: number; body: object } | 'never' | 'broken';
  stop(): Promise<void>;
  back(): Promise<void>;
}

const test = suite('calls to a service of several replicas');

const open: Replica[] = [];
const startReplica = async (): Promise<Replica> => {
  const calls: string[] = [];
  let server: Server;
  let port = 0;
  const listen = (): Promise<void> =>
    new Promise((resolve) => {
      server = createServer((request, response) => {
        calls.push(request.method ?? '');
        if (replica.answers === 'never') return;
        if (replica.answers === 'broken') return void request.socket.destroy();
        response.writeHead(replica.answers.status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(replica.answers.body));
      }).listen(port, '127.0.0.1', () => {
        port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  await listen();
  const replica: Replica = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    calls,
    answers: { status: 200, body: { from: port } },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    back: listen,
  } as Replica;
  (replica.answers as { body: object }).body = { from: port };
  open.push(replica);
  return replica;
};

test.after.each(async () => {
  for (const replica of open.splice(0)) await replica.stop();
});

const runtime = systemRuntime();
const clientOf = (...replicas: Replica[]) => {
  const log = createLogger({ name: 'bff', level: 'silent', readable: false, now: runtime.now });
  const addresses = replicas.map(({ url }) => url);
  return createServiceClient({
    caller: 'bff',
    target: 'prueba',
    fetch: networkFetch(),
    tokens: createServiceTokens(testSecret, runtime),
    resilience: networkResilience('prueba', addresses, log, waitingRuntime),
  });
};
const request = (method: 'GET' | 'PUT' | 'POST' | 'DELETE', heldMs = 0) =>
  ({ method, path: ['cosas'], heldMs }) as const;

test('replicas take turns', async () => {
  const replicas = [await startReplica(), await startReplica(), await startReplica()] as const;
  const client = clientOf(...replicas);
  for (let call = 0; call < 9; call += 1) await client.call(request('GET'));
  assert.equal(
    replicas.map(({ calls }) => calls.length),
    [3, 3, 3],
  );
});

for (const method of ['GET', 'PUT', 'POST', 'DELETE'] as const)
  test(`with one replica dead every ${method} is answered by the other one`, async () => {
    const [dead, alive] = [await startReplica(), await startReplica()];
    const client = clientOf(dead, alive);
    await dead.stop();
    for (let call = 0; call < 40; call += 1) await client.call(request(method));
    assert.is(alive.calls.length, 40);
  });

test('a replica that comes back is called again, by itself', async () => {
  const [flaky, steady] = [await startReplica(), await startReplica()];
  const client = clientOf(flaky, steady);
  await flaky.stop();
  for (let call = 0; call < 20; call += 1) await client.call(request('POST'));
  await flaky.back();
  const until = performance.now() + 10_000;
  while (flaky.calls.length < 5) {
    assert.ok(performance.now() < until, 'it is not called again');
    await client.call(request('POST'));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

test('a replica that takes a request and dies of it is not asked for a second effect by another', async () => {
  const [broken, alive] = [await startReplica(), await startReplica()];
  broken.answers = 'broken';
  for (const method of ['POST', 'DELETE'] as const) {
    const failure = await clientOf(broken, alive)
      .call(request(method))
      .catch((error: unknown) => error);
    assert.instance(failure, HttpError);
    assert.is((failure as HttpError).statusCode, 503);
  }
  assert.is(alive.calls.length, 0, 'nothing was sent twice');
  await clientOf(broken, alive).call(request('GET'));
  await clientOf(broken, alive).call(request('PUT'));
  assert.equal(alive.calls, ['GET', 'PUT']);
});

test('a replica that still starts has taken nothing: a POST goes to the next', async () => {
  const [starting, alive] = [await startReplica(), await startReplica()];
  starting.answers = { status: 503, body: { errors: [{ status: '503', code: 'ARRANCANDO' }] } };
  await clientOf(starting, alive).call(request('POST'));
  assert.equal(alive.calls, ['POST']);
  starting.answers = { status: 503, body: { errors: [{ status: '503', code: 'NO_DISPONIBLE' }] } };
  const failure = await clientOf(starting, alive)
    .call(request('POST'))
    .catch((error: unknown) => error);
  assert.instance(failure, HttpError, 'any other 503 may hide an effect');
  assert.equal(alive.calls, ['POST']);
});

test('a replica that hangs holds up few calls, and not those that come while it is tried again', async () => {
  const [hung, alive] = [await startReplica(), await startReplica()];
  hung.answers = 'never';
  const client = clientOf(hung, alive);
  const started = performance.now();
  await Promise.all(Array.from({ length: 40 }, () => client.call(request('GET'))));
  assert.ok(hung.calls.length >= 5);
  // Its circuit is open: the others' calls do not wait. After two seconds one of them tries it.
  for (let call = 0; call < 20; call += 1) await client.call(request('GET'));
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  const before = hung.calls.length;
  const trial = [client.call(request('GET')), client.call(request('GET'))];
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.is(hung.calls.length, before + 1, 'one of two in turn tries it');
  const quick = performance.now();
  for (let call = 0; call < 20; call += 1) await client.call(request('GET'));
  assert.ok(performance.now() - quick < 4_000, 'nobody waits for the trial');
  await Promise.all(trial);
  assert.ok(performance.now() - started < 60_000);
});

test('with all replicas dead a call ends in 503, and soon without being made', async () => {
  const dead = [await startReplica(), await startReplica()] as const;
  const client = clientOf(...dead);
  for (const replica of dead) await replica.stop();
  for (let call = 0; call < 10; call += 1) {
    const failure = await client.call(request('GET')).catch((error: unknown) => error);
    assert.is((failure as HttpError).statusCode, 503);
    assert.is((failure as HttpError).headers['retry-after'], '1');
  }
  await dead[1].back();
  const until = performance.now() + 10_000;
  for (;;) {
    const answer = await client.call(request('GET')).catch(() => undefined);
    if (answer !== undefined) break;
    assert.ok(performance.now() < until, 'it never came back');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

test.run();
