import { HttpError, unavailable } from '@cordada/infra/http/errors.ts';
import type { ServiceClient, ServiceRequest } from '@cordada/infra/http/service-client.ts';
import { createLogger } from '@cordada/infra/telemetry/logger.ts';
import { manualRuntime } from '@cordada/infra/testing/test-server.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Follower, sagaFeed } from './saga-feed.ts';

const test = suite('the feed of a service’s sagas');

/** Lets everything that is not waiting for something outside come to rest. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** A service whose log holds positions `0`, `1`, …; a poll is held until something is logged, or it is let go. */
const logService = () => {
  let length = 0;
  let away = false;
  const held = new Set<() => void>();
  const asked: ServiceRequest[] = [];
  const service = {
    target: 'campaign',
    async call(request: ServiceRequest) {
      asked.push(request);
      if (away) throw unavailable('away');
      const { despues, espera, limit } = request.query as { despues?: string; espera: number; limit: number };
      const after = despues === undefined ? length - 1 : Number(despues);
      if (Number.isNaN(after))
        throw new HttpError({ status: 400, code: 'POSICION_DESCONOCIDA', detail: 'x' });
      if (espera > 0 && after === length - 1) await new Promise<void>((resolve) => held.add(resolve));
      const last = Math.min(length - 1, after + limit);
      const entradas = Array.from({ length: last - after }, (_, index) => ({
        posicion: String(after + 1 + index),
        saga: `s${after + 1 + index}`,
      }));
      return { entradas, posicion: String(last) };
    },
  } as unknown as ServiceClient;
  const letGo = (): void => {
    for (const resolve of held) resolve();
    held.clear();
  };
  return {
    service,
    /** Every request, and those of them that wait. */
    asked,
    polling: () => held.size,
    letGo,
    log(count: number) {
      length += count;
      letGo();
    },
    setAway(value: boolean) {
      away = value;
    },
  };
};

const feedOf = (log: ReturnType<typeof logService>) => {
  const runtime = manualRuntime();
  const lines: string[] = [];
  const feed = sagaFeed({
    service: log.service,
    runtime,
    log: createLogger({
      name: 'prueba',
      level: 'info',
      readable: false,
      now: runtime.now,
      destination: { write: (line: string) => void lines.push(line) },
    }),
  });
  return { feed, runtime, lines };
};

/** Takes until it has so many. */
const take = async (follower: Follower, count: number): Promise<string[]> => {
  const seen: string[] = [];
  while (seen.length < count) seen.push(...(await follower.next()).map(({ data }) => JSON.parse(data).saga));
  return seen;
};
const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `s${from + index}`);

test('asks for nothing while nobody follows, nor after the last has left', async () => {
  const log = logService();
  const { feed } = feedOf(log);
  await settle();
  assert.is(log.asked.length, 0);
  const one = await feed.follow();
  const other = await feed.follow();
  await settle();
  one.close();
  one.close();
  log.log(1);
  await settle();
  assert.is(log.polling(), 1, 'the other still follows');
  other.close();
  log.log(1);
  await settle();
  const { length } = log.asked;
  log.log(1);
  await settle();
  assert.is(log.polling(), 0);
  assert.is(log.asked.length, length);
});

test('one poll serves all who follow, each from where it began', async () => {
  const log = logService();
  log.log(5);
  const { feed } = feedOf(log);
  const followers = await Promise.all(Array.from({ length: 50 }, () => feed.follow()));
  await settle();
  assert.is(log.polling(), 1);
  log.log(3);
  for (const follower of followers) assert.equal(await take(follower, 3), numbered(5, 7));
  const late = await feed.follow();
  log.log(1);
  assert.equal(await take(late, 1), numbered(8, 8));
  assert.ok(log.asked.length <= 6, `${log.asked.length} requests`);
  for (const follower of [...followers, late]) follower.close();
});

test('who names a position gets all after it, without a gap where the shared poll takes over', async () => {
  const log = logService();
  log.log(1_000);
  const { feed } = feedOf(log);
  const live = await feed.follow();
  const resumed = await feed.follow('99');
  const first = await take(resumed, 900);
  log.log(10);
  assert.equal([...first, ...(await take(resumed, 10))], numbered(100, 1_009));
  assert.equal(await take(live, 10), numbered(1_000, 1_009));
  resumed.close();
  live.close();
});

test('who is slower than the memory of the feed asks the service, and loses nothing', async () => {
  const log = logService();
  log.log(1);
  const { feed } = feedOf(log);
  const slow = await feed.follow();
  for (let count = 0; count < 7; count += 1) {
    log.log(100);
    await settle();
  }
  assert.equal(await take(slow, 700), numbered(1, 700));
  log.log(1);
  assert.equal(await take(slow, 1), numbered(701, 701));
  slow.close();
});

test('a position that is none is refused, and leaves no poll behind', async () => {
  const log = logService();
  const { feed } = feedOf(log);
  await feed.follow('x').then(
    () => assert.unreachable(),
    (error) => assert.is(error.statusCode, 400),
  );
  log.letGo();
  await settle();
  assert.is(log.polling(), 0);
});

test('a service that is away refuses who comes, and is asked again after a second for who is there', async () => {
  const log = logService();
  log.log(1);
  const { feed, runtime, lines } = feedOf(log);
  const follower = await feed.follow();
  await settle();
  log.setAway(true);
  log.log(2);
  await settle();
  assert.equal(await take(follower, 2), numbered(1, 2));
  const waiting = follower.next();
  await feed.follow('0').then(
    () => assert.unreachable(),
    (error) => assert.is(error.statusCode, 503),
  );
  assert.is(lines.length, 1);
  const { length } = log.asked;
  runtime.advance(999);
  await settle();
  assert.is(log.asked.length, length);
  log.setAway(false);
  log.log(1);
  runtime.advance(1);
  assert.equal(
    (await waiting).map(({ position }) => position),
    ['3'],
  );
  follower.close();
  log.letGo();
});

test('who comes after a failed begin is served by a poll of its own', async () => {
  const log = logService();
  log.setAway(true);
  const { feed } = feedOf(log);
  await feed.follow().then(
    () => assert.unreachable(),
    (error) => assert.is(error.statusCode, 503),
  );
  log.setAway(false);
  const follower = await feed.follow();
  log.log(1);
  assert.equal(await take(follower, 1), numbered(0, 0));
  follower.close();
  log.letGo();
});

test('a follower that is closed while it waits gets nothing more', async () => {
  const log = logService();
  const { feed } = feedOf(log);
  const follower = await feed.follow();
  const waiting = follower.next();
  await settle();
  follower.close();
  assert.equal(await waiting, []);
  assert.equal(await follower.next(), []);
  log.letGo();
});

test.run();
