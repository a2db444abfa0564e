import type { BusMessage, Settled } from '@cordada/infra/bus/bus.ts';
import type { Caller } from '@cordada/infra/http/access.ts';
import { HttpError, unavailable } from '@cordada/infra/http/errors.ts';
import { requestHash } from '@cordada/infra/http/idempotency.ts';
import type { ServiceClient } from '@cordada/infra/http/service-client.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { createLogger } from '@cordada/infra/telemetry/logger.ts';
import { contracts } from '@cordada/schemas';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createIntake } from './intake.ts';

const test = suite('the intake of commands');

/** Time goes to the next timer as soon as nothing else is left to run. */
const leapingRuntime = (): Runtime => {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly task: () => void }>();
  const leap = (): void => {
    const [next] = [...timers].sort((a, b) => a.at - b.at);
    if (!next) return;
    timers.delete(next);
    now = next.at;
    next.task();
  };
  return {
    ...systemRuntime(),
    now: () => now,
    after(ms, task) {
      const timer = { at: now + ms, task };
      timers.add(timer);
      setImmediate(leap);
      return () => void timers.delete(timer);
    },
  };
};

interface Setting {
  /** Answers one publication; never where absent. */
  readonly settled?: () => Promise<Settled>;
  /** What the owner tells, look by look; the last one for ever. By default: what was published first. */
  readonly told?: readonly (() => { huella: string; origen: string } | undefined)[];
}

const durable: () => Promise<Settled> = async () => ({ status: 'durable' });
const body = { nombre: 'Verano' };
const route = '/registrar-campaign';
const hash = requestHash(route, body);

const given = ({ settled, told }: Setting) => {
  const runtime = leapingRuntime();
  const published: BusMessage[] = [];
  let looks = 0;
  const owner = {
    target: 'campaign',
    async find() {
      looks += 1;
      if (told) return told[Math.min(looks, told.length) - 1]?.();
      const [first] = published;
      return first && { huella: first.properties.requesthash, origen: first.properties['ce-id'] };
    },
  } as unknown as ServiceClient;
  const intake = createIntake({
    runtime,
    log: createLogger({ name: 'bff', level: 'silent', readable: false, now: runtime.now }),
    bus: {
      async publish(messages: readonly BusMessage[]) {
        published.push(...messages);
        return settled ? [await settled()] : new Promise(() => {});
      },
    } as never,
  });
  const take = async (
    key?: string,
    { caller = 'demo', kind = 'demo' }: { caller?: string; kind?: string } = {},
  ) => {
    const headers: Record<string, string> = {};
    const request = {
      id: 'r',
      body,
      headers: key === undefined ? {} : { 'idempotency-key': key },
      caller: { kind, name: caller, roles: [] } as unknown as Caller,
    } as unknown as FastifyRequest;
    const reply = {
      header: (name: string, value: string) => {
        headers[name] = value;
      },
    } as unknown as FastifyReply;
    const id = await intake.take(request, reply, {
      route,
      owner,
      path: (saga) => ['idempotencia', saga],
      command: (saga) => ({
        contract: contracts.AprobarReserva,
        body: { id_campaign: saga },
        correlationId: saga,
        subject: saga,
        idempotencyKey: saga,
      }),
    });
    return { id, replayed: headers['idempotent-replayed'] === 'true' };
  };
  return { take, published, looks: () => looks, runtime };
};

const refusal = async (work: Promise<unknown>): Promise<HttpError> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
  throw new Error('was not refused');
};

test('publishes a command whose saga is its key and whose hash is the body', async () => {
  const { take, published } = given({ settled: durable });
  const { id, replayed } = await take('k');
  assert.not(replayed);
  assert.is(published.length, 1);
  assert.is(published[0]?.key, id);
  assert.is(published[0]?.properties.idempotencykey, id);
  assert.is(published[0]?.properties.requesthash, hash);
});

test('publishes nothing for what its owner has', async () => {
  const { take, published } = given({ settled: durable });
  const first = await take('k');
  assert.equal(await take('k'), { id: first.id, replayed: true });
  assert.is(published.length, 1);
});

test('without a key takes each request for another', async () => {
  const { take, published } = given({ settled: durable });
  const ids = [(await take()).id, (await take()).id];
  assert.is(new Set(ids).size, 2);
  assert.is(published.length, 2);
});

test('keeps callers apart, also one that is called like the demo', async () => {
  const { take } = given({ settled: durable, told: [() => undefined] });
  const ids = [
    (await take('k')).id,
    (await take('k', { caller: 'ana', kind: 'key' })).id,
    (await take('k', { caller: 'demo', kind: 'key' })).id,
  ];
  assert.is(new Set(ids).size, 3);
});

test('refuses 503 with Retry-After what is not durable within 10 s, and takes the key again', async () => {
  let lives = false;
  const { take, published, runtime } = given({
    settled: () => (lives ? durable() : new Promise(() => {})),
    told: [() => undefined],
  });
  const refused = await refusal(take('k'));
  assert.is(refused.statusCode, 503);
  assert.is(refused.headers['retry-after'], '1');
  assert.is(runtime.now(), 10_000);
  lives = true;
  const { id } = await take('k');
  assert.equal(
    published.map(({ key }) => key),
    [id, id],
  );
  assert.is.not(published[0]?.properties['ce-id'], published[1]?.properties['ce-id']);
});

test('refuses 503 what the bus does not take', async () => {
  for (const status of ['retryable', 'refused'] as const) {
    const { take } = given({ settled: async () => ({ status, reason: 'full' }), told: [() => undefined] });
    assert.is((await refusal(take('k'))).statusCode, 503);
    assert.is((await refusal(take())).statusCode, 503);
  }
});

test('refuses 409 a key whose first request is under way, and only that one', async () => {
  let publish: () => void = () => {};
  const { take } = given({
    settled: () =>
      new Promise((resolve) => {
        publish = () => resolve({ status: 'durable' });
        setImmediate(publish);
      }),
    told: [() => undefined],
  });
  const first = take('k');
  const refused = await refusal(take('k'));
  assert.is(refused.statusCode, 409);
  assert.is(refused.headers['retry-after'], '1');
  const other = take('another');
  publish();
  await first;
  await other;
});

test('is a replay where another message came first while ours was on its way', async () => {
  const { take } = given({
    settled: durable,
    told: [() => undefined, () => ({ huella: hash, origen: 'other' })],
  });
  assert.ok((await take('k')).replayed);
});

test('refuses 422 where another body came first while ours was on its way', async () => {
  const { take } = given({
    settled: durable,
    told: [() => undefined, () => ({ huella: 'another', origen: 'other' })],
  });
  assert.is((await refusal(take('k'))).statusCode, 422);
});

test('waits a second for an owner that is behind, and accepts then all the same', async () => {
  const { take, runtime, looks } = given({ settled: durable, told: [() => undefined] });
  assert.not((await take('k')).replayed);
  assert.is(runtime.now(), 1_000);
  assert.ok(looks() > 10);
});

test('accepts what is durable though its owner is away by then', async () => {
  const away = (): never => {
    throw unavailable('away');
  };
  const { take } = given({ settled: durable, told: [() => undefined, away] });
  assert.not((await take('k')).replayed);
});

test('publishes nothing while the owner of a key cannot be asked', async () => {
  const { take, published } = given({
    settled: durable,
    told: [
      () => {
        throw unavailable('away');
      },
    ],
  });
  assert.is((await refusal(take('k'))).statusCode, 503);
  assert.is(published.length, 0);
});

test.run();
