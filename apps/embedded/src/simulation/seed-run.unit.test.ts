import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Level, runSeed } from './seed-run.ts';

const test = suite('seed runs');

/** Services crash in each of them. */
const SEEDS = [4, 8, 23];

for (const level of ['engine', 'services'] satisfies Level[]) {
  test(`at level ${level} the same seed writes the same log, whatever ran before it`, async () => {
    const first = [];
    for (const seed of SEEDS) first.push(await runSeed(seed, level));
    const again = [];
    for (const seed of SEEDS.toReversed()) again.unshift(await runSeed(seed, level));
    for (const [i, { seed, hash, events, breaches }] of first.entries()) {
      assert.equal(breaches, [], `seed ${seed} holds`);
      assert.is(again[i]?.hash, hash, `seed ${seed} repeats`);
      assert.is(again[i]?.events, events);
    }
    assert.is(new Set(first.map(({ hash }) => hash)).size, SEEDS.length, 'each seed is a run of its own');
  });
}

test.run();
