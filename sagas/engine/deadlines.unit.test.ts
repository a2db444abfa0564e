import { virtualTime } from '@cordada/infra/testing/virtual-time.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { deadlines } from './deadlines.ts';

const test = suite('the deadlines of sagas');

/** Deadlines that are a day overdue when they start, over a subscription that catches up `readAfterMs` later. */
const overdue = (readAfterMs: number) => {
  const world = virtualTime({ seed: 1 });
  const { runtime } = world;
  const started = runtime.now();
  const fired: number[] = [];
  const clock = deadlines({
    upcoming: async () => (fired.length === 0 ? [{ id: 'a', at: started - 86_400_000 }] : []),
    caughtUp: async () => runtime.now() - started >= readAfterMs,
    wake: async () => void fired.push(runtime.now() - started),
    runtime,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  clock.start();
  return { world, fired };
};

// Found by simulation: seed 134 of level engine.
test('wait after a long downtime until the answers that came meanwhile are read', async () => {
  const { world, fired } = overdue(10_000);
  await world.run({ horizonMs: 120_000 });
  assert.is(fired.length, 1);
  assert.ok((fired[0] ?? 0) >= 10_000, `fired after ${fired[0]} ms`);
});

test('do not wait for ever for a subscription that never catches up', async () => {
  const { world, fired } = overdue(Number.POSITIVE_INFINITY);
  await world.run({ horizonMs: 120_000 });
  assert.is(fired.length, 1);
  assert.ok((fired[0] ?? 0) >= 60_000 && (fired[0] ?? 0) < 70_000, `fired after ${fired[0]} ms`);
});

test.run();
