import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { closedLoop } from './closed-loop.ts';

const test = suite('closed loop');

/** Tasks that end in the order in which they were begun. */
const run = async (count: number, inFlight: number) => {
  const done: number[] = [];
  let most = 0;
  let under = 0;
  const { latencies, seconds } = await closedLoop(count, inFlight, async (i) => {
    under += 1;
    most = Math.max(most, under);
    await new Promise((resolve) => setImmediate(resolve));
    under -= 1;
    done.push(i);
  });
  return { done, most, counted: latencies.length, seconds };
};

test('does each once, so many at a time; what ends while fewer are in flight does not count', async () => {
  const { done, most, counted, seconds } = await run(20, 3);
  assert.equal(
    done,
    Array.from({ length: 20 }, (_, i) => i),
  );
  assert.is(most, 3);
  assert.is(counted, 14);
  assert.ok(seconds > 0);
});

test('all count where there are too few for any to be left', async () => {
  assert.is((await run(6, 3)).counted, 6);
  assert.is((await run(1, 1)).counted, 1);
  assert.is((await run(3, 1)).counted, 1);
});

test.run();
