import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { virtualTime } from '../testing/virtual-time.ts';
import { backoffMs, batchQueue } from './batching.ts';

const test = suite('batching');

interface Item {
  readonly key: string;
  readonly n: number;
}

const items = (count: number, keys: number): Item[] =>
  Array.from({ length: count }, (_, n) => ({ key: `${n % keys}`, n }));

/** A queue on virtual time, whose handlers the test ends one by one. */
const begin = () => {
  const world = virtualTime({ seed: 1 });
  const acknowledged: Item[] = [];
  const queue = batchQueue<Item>({
    runtime: world.runtime,
    schedule: (task) => void world.schedule('turn', 0, task),
    acknowledged: (batch) => void acknowledged.push(...batch),
  });
  const batches: { readonly items: readonly Item[]; resolve(): void; reject(cause: Error): void }[] = [];
  const handler = (batch: readonly Item[]): Promise<void> =>
    new Promise((resolve, reject) => batches.push({ items: batch, resolve, reject }));
  /** What has been handed out up to now. */
  const settle = async (): Promise<Item[][]> => {
    await world.run({ horizonMs: 0 });
    return batches.map((batch) => [...batch.items]);
  };
  return { world, queue, batches, handler, settle, acknowledged };
};

test('what is pushed in one turn is shared between two batches by half, and none waits for more', async () => {
  const { queue, handler, settle } = begin();
  queue.attach(500, handler);
  for (const item of items(100, 100)) queue.push(item);
  assert.equal(
    (await settle()).map((batch) => batch.length),
    [50, 50],
  );
});

test('a batch holds no more than its most, and a few messages are not split', async () => {
  const large = begin();
  large.queue.attach(20, large.handler);
  for (const item of items(100, 100)) large.queue.push(item);
  assert.equal(
    (await large.settle()).map((batch) => batch.length),
    [20, 20],
  );
  const small = begin();
  small.queue.attach(20, small.handler);
  for (const item of items(5, 5)) small.queue.push(item);
  assert.equal(
    (await small.settle()).map((batch) => batch.length),
    [5],
  );
});

test('several messages of one key share a batch in order, and the rest of the key waits for it', async () => {
  const { queue, handler, settle, batches, acknowledged } = begin();
  queue.attach(10, handler);
  for (const item of items(30, 1)) queue.push(item);
  const [first] = await settle();
  assert.equal(
    first?.map(({ n }) => n),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  assert.is(batches.length, 1);
  batches[0]?.resolve();
  const [, second] = await settle();
  assert.is(second?.[0]?.n, 10);
  assert.is(acknowledged.length, 10);
});

test('a key with much to do does not keep the others waiting', async () => {
  const { queue, handler, settle, batches } = begin();
  queue.attach(10, handler);
  for (let n = 0; n < 1000; n++) queue.push({ key: 'hot', n });
  queue.push({ key: 'cool', n: 0 });
  const handedOut = await settle();
  assert.is(batches.length, 2);
  assert.equal(handedOut[1], [{ key: 'cool', n: 0 }]);
});

test('a rejected batch comes again in front and in order, later after each rejection', async () => {
  const { world, queue, handler, batches, settle } = begin();
  queue.attach(4, handler);
  for (const item of items(4, 2)) queue.push(item);
  await settle();
  queue.push({ key: '0', n: 99 });
  const waits: number[] = [];
  for (let attempt = 0; attempt < 6; attempt++) {
    const known = batches.length;
    const rejectedAt = world.runtime.now();
    batches.at(-1)?.reject(new Error('no'));
    await world.run({ until: () => batches.length > known });
    waits.push(world.runtime.now() - rejectedAt);
    const handedOut = batches.slice(known).flatMap((batch) => batch.items);
    const ofKey = handedOut.filter(({ key }) => key === '0').map(({ n }) => n);
    assert.equal(ofKey, [0, 2, 99].slice(0, ofKey.length));
  }
  for (const [i, wait] of waits.entries()) {
    assert.ok(wait >= 25 * 2 ** i && wait <= 50 * 2 ** i + 1, `${waits}`);
  }
});

test('the backoff doubles to its longest and is spread by half', () => {
  assert.is(backoffMs(1, 1), 50);
  assert.is(backoffMs(1, 0), 25);
  assert.is(backoffMs(4, 1), 400);
  assert.is(backoffMs(60, 1), 5_000);
  assert.is(backoffMs(2_000, 0), 2_500);
});

test('after a success the backoff of a key begins anew', async () => {
  const { world, queue, handler, batches } = begin();
  queue.attach(10, handler);
  queue.push({ key: 'a', n: 1 });
  const failFor = async (): Promise<number> => {
    const known = batches.length;
    const from = world.runtime.now();
    batches.at(-1)?.reject(new Error('no'));
    await world.run({ until: () => batches.length > known });
    return world.runtime.now() - from;
  };
  await world.run({ until: () => batches.length === 1 });
  for (let i = 0; i < 5; i++) await failFor();
  queue.push({ key: 'a', n: 2 });
  const known = batches.length;
  batches.at(-1)?.resolve();
  await world.run({ until: () => batches.length > known });
  assert.ok((await failFor()) <= 51);
});

test('a handler that throws at once is a rejection', async () => {
  const { world, queue } = begin();
  let attempts = 0;
  queue.attach(10, () => {
    attempts++;
    throw new Error('no');
  });
  queue.push({ key: 'a', n: 1 });
  await world.run({ until: () => attempts === 3 });
});

test('consumers share the queue evenly, two batches each', async () => {
  const { queue, settle } = begin();
  const taken = [0, 0, 0];
  for (const i of taken.keys()) {
    queue.attach(10, () => {
      taken[i] = (taken[i] ?? 0) + 1;
      return new Promise(() => {});
    });
  }
  for (const item of items(200, 200)) queue.push(item);
  await settle();
  assert.equal(taken, [2, 2, 2]);
});

test('a key that is under way at one consumer is not given to another until that has ended', async () => {
  const { queue, batches, handler, settle } = begin();
  const leaver = queue.attach(10, handler);
  queue.push({ key: 'a', n: 1 });
  await settle();
  queue.attach(10, handler);
  queue.push({ key: 'a', n: 2 });
  const left = leaver.detach();
  assert.is((await settle()).length, 1);
  batches[0]?.resolve();
  await left;
  assert.equal((await settle())[1], [{ key: 'a', n: 2 }]);
});

test('an abandoned batch is handed out again at once, however it ends', async () => {
  const { queue, batches, handler, settle, acknowledged } = begin();
  const dead = queue.attach(10, handler);
  for (const item of items(4, 2)) queue.push(item);
  await settle();
  assert.is(queue.underWay().size, 4);
  dead.abandon();
  assert.is(queue.underWay().size, 0);
  batches[0]?.resolve();
  queue.attach(10, handler);
  const [first, second] = await settle();
  assert.equal(second, first);
  assert.equal(acknowledged, []);
  batches[1]?.resolve();
  await settle();
  assert.is(acknowledged.length, 4);
});

test('a hundred thousand messages of as many keys pass within a second or so', async () => {
  const { world, queue } = begin();
  let handled = 0;
  for (const item of items(100_000, 100_000)) queue.push(item);
  const began = performance.now();
  queue.attach(100, async (batch) => {
    handled += batch.length;
  });
  await world.run({ until: () => handled === 100_000 });
  assert.ok(performance.now() - began < 3_000);
});

test('what waits can be discarded, what is under way is finished, and what comes again keeps the order', async () => {
  const { queue, handler, batches, settle, acknowledged } = begin();
  queue.attach(2, handler);
  for (let n = 0; n < 4; n++) queue.push({ key: 'a', n });
  await settle();
  queue.push({ key: 'b', n: 0 });
  queue.push({ key: 'c', n: 0 });
  const discarded = queue.discard(({ key }) => key !== 'c');
  assert.equal(
    discarded.map(({ key, n }) => `${key}${n}`),
    ['a2', 'a3', 'b0'],
  );
  for (let n = 2; n < 4; n++) queue.push({ key: 'a', n });
  batches[0]?.resolve();
  await settle();
  for (const batch of batches.slice(1)) batch.resolve();
  await settle();
  for (const batch of batches) batch.resolve();
  await settle();
  const ofA = acknowledged.filter(({ key }) => key === 'a').map(({ n }) => n);
  assert.equal(ofA, [0, 1, 2, 3]);
  assert.equal(
    acknowledged.filter(({ key }) => key !== 'a'),
    [{ key: 'c', n: 0 }],
  );
});

test('a rejected batch that is discarded while it waits does not come again', async () => {
  const { world, queue, handler, batches, settle } = begin();
  queue.attach(4, handler);
  for (const item of items(4, 2)) queue.push(item);
  await settle();
  batches[0]?.reject(new Error('no'));
  await world.run({ horizonMs: 0 });
  assert.is(queue.discard(() => true).length, 4);
  queue.push({ key: '0', n: 9 });
  await world.run({ horizonMs: 60_000, until: () => batches.length > 1 });
  assert.equal(batches[1]?.items, [{ key: '0', n: 9 }]);
  batches[1]?.resolve();
  await world.run({ horizonMs: 60_000 });
  assert.is(batches.length, 2);
});

test.run();
