// time limit: 180 s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { virtualTime } from '../testing/virtual-time.ts';
import { type TestReplica, testReplicas } from './testing/replica.ts';

const test = suite('three relays of one outbox');

/** Each seed is another interleaving; it is named by the assertion that fails. */
const SEEDS = Array.from({ length: 5 }, (_, seed) => seed + 1);
const KEYS = ['a', 'b', 'c'];

const fleet = (seed: number, hear = true) => {
  const world = virtualTime({ seed });
  const replicas = testReplicas({ world, hear });
  const all = ['one', 'two', 'three'].map(replicas.start);
  const written = new Map<string, string[]>(KEYS.map((key) => [key, []]));
  let writing = 0;
  let n = 0;
  /** Has random replicas write to random keys for `ms`, each key's rows one after the other as its lock orders them. */
  const load = (ms: number, from: readonly TestReplica[] = all): void => {
    const until = world.runtime.now() + ms;
    for (const key of KEYS) {
      const next = async (): Promise<void> => {
        const writer = world.random.pick(from);
        const label = String(++n);
        await writer.write(key, label);
        written.get(key)?.push(label);
        if (world.runtime.now() < until) world.schedule('write', world.random.below(40), next);
        else writing -= 1;
      };
      writing += 1;
      world.schedule('write', world.random.below(40), next);
    }
  };
  const settle = async (): Promise<void> => {
    await world.run({ until: () => writing === 0 });
    await world.run({ horizonMs: 15_000 });
  };
  const expectAll = async (): Promise<void> => {
    for (const [key, labels] of written)
      assert.equal(replicas.effective(key), labels, `seed ${seed}, ${key}`);
    let left: number | undefined;
    void replicas.left().then((rows) => {
      left = rows;
    });
    await world.run({ until: () => left !== undefined });
    assert.is(left, 0, `seed ${seed}: rows are left`);
  };
  const leader = (): TestReplica | undefined => all.find((replica) => replica.leads());
  const led = async (): Promise<TestReplica> => {
    await world.run({ until: () => leader() !== undefined, horizonMs: 20_000 });
    const found = leader();
    if (!found) throw new Error('nobody leads');
    return found;
  };
  return { ...replicas, world, all, load, settle, expectAll, leader, led };
};

test('one of them publishes what all have written, in order per key, each message once', async () => {
  for (const seed of SEEDS) {
    const f = fleet(seed);
    const { name } = await f.led();
    f.load(5_000);
    await f.settle();
    await f.expectAll();
    assert.equal([...new Set(f.sent.map(({ by }) => by))], [name], `seed ${seed}`);
    assert.is(new Set(f.sent.map(({ label }) => label)).size, f.sent.length, `seed ${seed}: one twice`);
  }
});

test('those who do not hear one another lose nothing: the one that publishes looks by itself', async () => {
  for (const seed of SEEDS) {
    const f = fleet(seed, false);
    await f.led();
    f.load(3_000);
    await f.settle();
    await f.expectAll();
  }
});

test('never do two of them hold the lease, whenever one is killed or frozen', async () => {
  for (const seed of SEEDS) {
    const f = fleet(seed);
    f.load(30_000);
    let most = 0;
    const watch = (): void => {
      most = Math.max(most, f.all.filter((replica) => replica.leads()).length);
      f.world.schedule('watch', 5, watch);
    };
    watch();
    for (let i = 0; i < 4; i += 1) {
      const victim = await f.led();
      victim.freeze();
      await f.world.run({ horizonMs: f.world.random.below(9_000) });
      victim.thaw();
      await f.world.run({ horizonMs: f.world.random.below(2_000) });
    }
    assert.is(most, 1, `seed ${seed}`);
  }
});

test('when the holder is killed another one publishes within 5 s', async () => {
  for (const seed of SEEDS) {
    const f = fleet(seed);
    const victim = await f.led();
    const others = f.all.filter((replica) => replica !== victim);
    f.load(20_000, others);
    await f.world.run({ horizonMs: 3_000 + f.world.random.below(3_000) });
    const killedAt = f.world.runtime.now();
    victim.crash();
    await f.settle();
    await f.expectAll();
    const after = f.sent.find(({ by }) => by !== victim.name);
    assert.ok(after && after.at - killedAt < 5_000, `seed ${seed}: after ${(after?.at ?? 0) - killedAt} ms`);
  }
});

test('when the holder stops it hands over at once, and no message goes twice', async () => {
  for (const seed of SEEDS) {
    const f = fleet(seed);
    const first = await f.led();
    f.load(10_000);
    await f.world.run({ horizonMs: 4_000 });
    let drainedAt = 0;
    f.world.schedule('drain', 0, async () => {
      await first.relay.drain(5_000);
      drainedAt = f.world.runtime.now();
    });
    await f.settle();
    await f.expectAll();
    const after = f.sent.find(({ by }) => by !== first.name);
    assert.ok(
      drainedAt > 0 && after && after.at - drainedAt < 500,
      `seed ${seed}: ${after?.at} ${drainedAt}`,
    );
    assert.is(new Set(f.sent.map(({ label }) => label)).size, f.sent.length, `seed ${seed}: one twice`);
  }
});

test('a holder that is frozen for longer than its lease, and wakes, only duplicates, in order', async () => {
  let duplicates = 0;
  for (const seed of SEEDS) {
    const f = fleet(seed);
    const victim = await f.led();
    f.load(
      40_000,
      f.all.filter((replica) => replica !== victim),
    );
    await f.world.run({ horizonMs: 1_000 + f.world.random.below(2_000) });
    victim.freeze();
    await f.world.run({ until: () => f.all.some((replica) => replica !== victim && replica.leads()) });
    await f.world.run({ horizonMs: f.world.random.below(4_000) });
    victim.thaw();
    assert.not(victim.leads(), `seed ${seed}: it knows before any timer has run`);
    await f.settle();
    await f.expectAll();
    duplicates += f.sent.length - new Set(f.sent.map(({ label }) => label)).size;
  }
  assert.ok(duplicates > 0, 'some seed must have caught it in the midst of publishing');
});

test.run();
