import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Runtime } from '../runtime.ts';
import { systemRuntime } from '../system-runtime.ts';
import { seededBusFaults } from '../testing/seeded-bus-faults.ts';
import { virtualTime } from '../testing/virtual-time.ts';
import type { BusMessage, Delivery, Settled, SubscribeOptions } from './bus.ts';
import type { BusFaults } from './faults.ts';
import { defineManifest } from './manifest.ts';
import { type MemoryBusOptions, memoryBus } from './memory.ts';
import { busConformance } from './testing/conformance.ts';

busConformance('memory', async (manifest) => {
  const bus = memoryBus({ runtime: systemRuntime(), manifest });
  return { connect: async () => bus.connect(), close: () => bus.close() };
}).run();

const test = suite('memory bus');

const FIRST = 'test/First.v1';
const OTHER = 'test/Other.v1';
const manifest = defineManifest(
  [
    { name: 'First', owner: 'test', topic: FIRST },
    { name: 'Other', owner: 'test', topic: OTHER },
  ],
  [
    { name: 'both', service: 'test', topics: [FIRST, OTHER] },
    { name: 'other', service: 'test', topics: [OTHER] },
  ],
);
const both: SubscribeOptions = {
  topics: [FIRST, OTHER],
  subscription: 'both',
  mode: 'shared-by-key',
  maxBatch: 10,
};
const other: SubscribeOptions = { ...both, topics: [OTHER], subscription: 'other' };

const message = (topic: string, key: string, payload: string | Buffer): BusMessage => ({
  topic,
  key,
  properties: {},
  payload: Buffer.from(payload as string),
});
const text = ({ payload }: Delivery): string => Buffer.from(payload).toString();

const noFaults: BusFaults = {
  publish: () => undefined,
  transit: () => undefined,
  deliver: () => undefined,
  choose: () => 0,
};

/** The bus on virtual time. */
const virtually = (seed: number, more: Partial<MemoryBusOptions> = {}) => {
  const world = virtualTime({ seed });
  const scheduler = (task: () => void): void => {
    world.schedule('bus', world.random.below(5), task);
  };
  return { world, bus: memoryBus({ runtime: world.runtime, manifest, scheduler, ...more }) };
};

test('a message is durable only once every subscription of its topic has acknowledged it', async () => {
  const { world, bus } = virtually(1);
  let outcome: Settled[] | undefined;
  const handled: string[] = [];
  await bus.subscribe(both, async () => {
    handled.push('both');
    assert.is(outcome, undefined);
  });
  void bus.publish([message(OTHER, 'a', '1')]).then((settled) => {
    outcome = settled;
  });
  await world.run();
  assert.equal(handled, ['both']);
  assert.is(outcome, undefined);
  await bus.subscribe(other, async () => void handled.push('other'));
  await world.run();
  assert.equal(handled, ['both', 'other']);
  assert.equal(outcome, [{ status: 'durable' }]);
});

test('closing the bus settles what nobody handles at once, and what is under way by how it ends', async () => {
  const { world, bus } = virtually(1);
  const ends: (() => void)[] = [];
  const service = bus.connect();
  await service.subscribe({ ...both, maxBatch: 1 }, () => new Promise((resolve) => ends.push(resolve)));
  const publisher = bus.connect();
  const settled: string[] = [];
  for (const key of ['under way', 'under way too', 'not subscribed', 'waiting']) {
    const topic = key === 'not subscribed' ? OTHER : FIRST;
    void publisher
      .publish([message(topic, key, key)])
      .then(([outcome]) => settled.push(`${key}: ${outcome?.status}`));
  }
  await world.run({ until: () => ends.length === 2 });
  let closed = false;
  const closing = bus.close().then(() => {
    closed = true;
  });
  await world.run();
  assert.equal(settled.toSorted(), ['not subscribed: retryable', 'waiting: retryable']);
  assert.not(closed);
  for (const end of ends) end();
  await closing;
  assert.equal(settled.slice(2), ['under way: durable', 'under way too: durable']);
  assert.equal(await publisher.publish([message(FIRST, 'a', '1')]), [
    { status: 'retryable', reason: 'the bus is closed' },
  ]);
  assert.ok(
    await service.health().then(
      () => false,
      () => true,
    ),
  );
});

test('what a dead process had under way is handed out again in order, and its publishing never answers', async () => {
  const { world, bus } = virtually(2);
  const dead = bus.connect();
  const heir = bus.connect();
  const begun: string[] = [];
  const finish: (() => void)[] = [];
  let answered = false;
  await dead.subscribe(both, (batch) => {
    begun.push(...batch.map(text));
    return new Promise((resolve) => finish.push(resolve));
  });
  const published = ['1', '2', '3'].map((payload) => message(FIRST, 'a', payload));
  void dead.publish(published).then(() => {
    answered = true;
  });
  await world.run({ until: () => begun.length === 3 });
  dead.sever();
  for (const end of finish) end();
  await world.run();
  assert.is(await heir.lag('both'), 3);
  const handled: string[] = [];
  await heir.subscribe(both, async (batch) => void handled.push(...batch.map(text)));
  void dead.publish([message(FIRST, 'a', 'from the dead')]);
  await world.run();
  assert.equal(handled, ['1', '2', '3']);
  assert.not(answered);
});

test('what one process closes leaves the subscriptions and the publishing of another alone', async () => {
  const { world, bus } = virtually(3);
  const [one, two] = [bus.connect(), bus.connect()];
  const handled: string[] = [];
  await one.subscribe(both, async () => {});
  await two.subscribe(both, async (batch) => void handled.push(...batch.map(text)));
  await one.close();
  let outcome: Settled[] | undefined;
  void two.publish([message(FIRST, 'a', '1')]).then((settled) => {
    outcome = settled;
  });
  await world.run();
  assert.equal(handled, ['1']);
  assert.equal(outcome, [{ status: 'durable' }]);
});

test('a full bus takes nothing more until something is acknowledged', async () => {
  const { world, bus } = virtually(4);
  const large = Buffer.alloc(4 * 1024 * 1024);
  const statuses: (string | undefined)[] = [];
  for (let i = 0; i < 70; i++) {
    void bus
      .publish([message(FIRST, `${i}`, large)])
      .then(([outcome]) => statuses.push(outcome && 'reason' in outcome ? outcome.reason : outcome?.status));
  }
  await world.run();
  assert.equal(new Set(statuses), new Set(['the bus is full']));
  assert.is(statuses.length, 70 - 63);
  await bus.subscribe(both, async () => {});
  await world.run();
  assert.is(statuses.filter((status) => status === 'durable').length, 63);
  const again = bus.publish([message(FIRST, 'a', large)]);
  await world.run();
  assert.equal(await again, [{ status: 'durable' }]);
});

test('a subscriber of each-replica mode that stands still keeps its backlog, and sees what comes later', async () => {
  const { world, bus } = virtually(5);
  const watching = { ...both, topics: [FIRST], mode: 'each-replica' as const, maxBatch: 1000 };
  const counts = { slow: 0, quick: 0 };
  let go = (): void => {};
  const standstill = new Promise<void>((resolve) => {
    go = resolve;
  });
  await bus.subscribe(watching, async (batch) => {
    await standstill;
    counts.slow += batch.length;
  });
  await bus.subscribe(watching, async (batch) => {
    counts.quick += batch.length;
  });
  await bus.subscribe(both, async () => {});
  const publish500 = async (): Promise<void> => {
    void bus.publish(Array.from({ length: 500 }, (_, n) => message(FIRST, `${n}`, `${n}`)));
    await world.run();
  };
  for (let i = 0; i < 30; i++) await publish500();
  assert.equal(counts, { slow: 0, quick: 15_000 });
  go();
  await world.run();
  assert.equal(counts, { slow: 10_000, quick: 15_000 });
  await publish500();
  assert.equal(counts, { slow: 10_500, quick: 15_500 });
});

test('a rejection is reported with its cause and the wait that follows', async () => {
  const reports: unknown[][] = [];
  const { world, bus } = virtually(6, { rejected: (...report) => reports.push(report) });
  const cause = new Error('the database is away');
  let attempts = 0;
  await bus.subscribe(both, async () => {
    if (++attempts < 3) throw cause;
  });
  void bus.publish([message(FIRST, 'a', '1')]);
  await world.run();
  assert.is(reports.length, 2);
  for (const [subscription, reported, ms] of reports) {
    assert.is(subscription, 'both');
    assert.is(reported, cause);
    assert.ok((ms as number) > 0);
  }
});

test('a message that is lost on its way to the bus, or whose answer is, is retryable and stops its key', async () => {
  for (const fault of ['lost', 'answer lost'] as const) {
    const faults: BusFaults = {
      ...noFaults,
      publish: ({ payload }) => (Buffer.from(payload).toString() === '2' ? fault : undefined),
    };
    const { world, bus } = virtually(7, { faults });
    const handled: string[] = [];
    await bus.subscribe(both, async (batch) => void handled.push(...batch.map(text)));
    const published = bus.publish(['1', '2', '3'].map((payload) => message(FIRST, 'a', payload)));
    await world.run();
    const statuses = (await published).map(({ status }) => status);
    assert.equal(statuses, ['durable', 'retryable', 'retryable']);
    assert.equal(handled, fault === 'lost' ? ['1'] : ['1', '2']);
  }
});

test('a delayed message is overtaken by other topics of its key, and not by its own', async () => {
  const faults: BusFaults = {
    ...noFaults,
    transit: (_, delivery) => ({ delayMs: text(delivery) === 'slow' ? 1_000 : 0 }),
  };
  const { world, bus } = virtually(8, { faults });
  const handled: string[] = [];
  await bus.subscribe(both, async (batch) => void handled.push(...batch.map(text)));
  await bus.subscribe(other, async () => {});
  void bus.publish([message(FIRST, 'a', 'slow'), message(FIRST, 'a', 'next'), message(OTHER, 'a', 'undo')]);
  await world.run();
  assert.equal(handled, ['undo', 'slow', 'next']);
});

test('a second copy comes long after the first was handled, and settles nothing', async () => {
  const faults: BusFaults = { ...noFaults, transit: () => ({ delayMs: 0, duplicateAfterMs: 60_000 }) };
  const { world, bus } = virtually(9, { faults });
  const handled: number[] = [];
  const began = world.runtime.now();
  await bus.subscribe(both, async () => void handled.push(world.runtime.now() - began));
  const published = bus.publish([message(FIRST, 'a', '1')]);
  await world.run();
  assert.is((await published)[0]?.status, 'durable');
  assert.is(handled.length, 2);
  assert.ok((handled[1] as number) >= 60_000);
  assert.is(await bus.lag('both'), 0);
});

test('a batch that is lost never reaches its handler, one whose acknowledgement is lost comes twice', async () => {
  for (const [fault, times] of [
    ['lost', 1],
    ['acknowledgement lost', 2],
  ] as const) {
    let rest = 1;
    const faults: BusFaults = { ...noFaults, deliver: () => (rest-- > 0 ? fault : undefined) };
    const { world, bus } = virtually(10, { faults });
    const handled: string[] = [];
    await bus.subscribe(both, async (batch) => void handled.push(...batch.map(text)));
    void bus.publish([message(FIRST, 'a', '1')]);
    await world.run();
    assert.is(handled.length, times);
  }
});

/** A publisher with an outbox, two replicas one of which dies, and all faults: what holds whatever the seed. */
const underFaults = async (seed: number): Promise<string> => {
  const world = virtualTime({ seed });
  const rates = {
    publishLost: 0.05,
    publishAnswerLost: 0.05,
    delayed: 0.3,
    slowestMs: 500,
    duplicated: 0.1,
    latestDuplicateMs: 5_000,
    batchLost: 0.05,
    acknowledgementLost: 0.05,
    reordered: 0.5,
  };
  const bus = memoryBus({
    runtime: world.runtime,
    manifest,
    faults: seededBusFaults(world.random.fork('faults'), rates),
    scheduler: (task) => void world.schedule('bus', world.random.below(5), task),
  });
  const firstHandled = new Map<string, string[]>();
  const durable = new Set<string>();
  const handler = (runtime: Runtime, subscription: string) => async (batch: readonly Delivery[]) => {
    await new Promise<void>((resolve) => runtime.after(world.random.below(20), resolve));
    if (world.random.chance(0.1)) throw new Error('the database is away');
    for (const delivery of batch) {
      const stream = `${subscription} ${delivery.topic} ${delivery.key}`;
      const seen = firstHandled.get(stream) ?? [];
      if (!seen.includes(text(delivery))) seen.push(text(delivery));
      firstHandled.set(stream, seen);
      world.log(`${stream} ${text(delivery)}`);
    }
  };
  const replica = async (): Promise<void> => {
    const process = world.incarnation('replica');
    const connection = bus.connect();
    process.onCrash(() => connection.sever());
    await connection.subscribe(both, handler(process.runtime, 'both'));
    await connection.subscribe(other, handler(process.runtime, 'other'));
    world.schedule('kill', world.random.below(2_000), () => {
      if (world.events > 20_000) return;
      process.crash();
      return replica();
    });
  };
  await replica();
  await replica();
  const publishAll = async (topic: string, key: string): Promise<void> => {
    let rest = Array.from({ length: 8 }, (_, i) => message(topic, key, `${i}`));
    while (rest.length > 0) {
      const outcomes = await bus.publish(rest);
      for (const [i, { payload }] of rest.entries()) {
        if (outcomes[i]?.status === 'durable') durable.add(`${topic} ${key} ${Buffer.from(payload)}`);
      }
      rest = rest.filter((_, i) => outcomes[i]?.status !== 'durable');
    }
  };
  const keys = ['a', 'b', 'c', 'd', 'e'];
  for (const key of keys) for (const topic of [FIRST, OTHER]) void publishAll(topic, key);
  let lag = Number.POSITIVE_INFINITY;
  const look = async (): Promise<void> => {
    lag = (await bus.lag('both')) + (await bus.lag('other'));
    if (lag > 0 || durable.size < 80) world.schedule('look', 100, look);
  };
  world.schedule('look', 100, look);
  await world.run({ until: () => durable.size === 80 && lag === 0, horizonMs: 3_600_000 });
  assert.is(durable.size, 80);
  const inOrder = Array.from({ length: 8 }, (_, i) => `${i}`);
  assert.is(firstHandled.size, 3 * keys.length);
  for (const [stream, seen] of firstHandled) assert.equal(seen, inOrder, `seed ${seed}: ${stream}`);
  return world.hash();
};

test('under every fault at once each message reaches each subscription, in order by topic and key', async () => {
  for (let seed = 1; seed <= 60; seed++) await underFaults(seed);
});

test('a seed of faults gives the same run each time', async () => {
  assert.is(await underFaults(5), await underFaults(5));
  assert.is.not(await underFaults(5), await underFaults(6));
});

test.run();
