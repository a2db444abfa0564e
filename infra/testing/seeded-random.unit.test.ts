import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from './seeded-random.ts';

const test = suite('seeded random');

const draws = (count: number, next: () => number): number[] => Array.from({ length: count }, next);

test('a seed gives one stream, another seed another, beyond 32 bits too', () => {
  assert.equal(draws(50, seededRandom(9).next), draws(50, seededRandom(9).next));
  const firsts = new Set([0, 1, 2, 3, 2 ** 32, 2 ** 33, 2 ** 52].map((seed) => seededRandom(seed).next()));
  assert.is(firsts.size, 7);
});

test('draws are spread evenly', () => {
  const random = seededRandom(4);
  const buckets = new Array(16).fill(0);
  for (let i = 0; i < 160_000; i++) buckets[random.below(16)]++;
  assert.ok(
    buckets.every((count) => count > 9_500 && count < 10_500),
    buckets.join(' '),
  );
  const bytes = new Uint8Array(100_000);
  random.fill(bytes);
  assert.is(new Set(bytes).size, 256);
});

test('a fork depends on its label, and not on what its parent has drawn', () => {
  const fresh = seededRandom(1);
  const used = seededRandom(1);
  draws(1_000, used.next);
  assert.equal(draws(10, used.fork('a').next), draws(10, fresh.fork('a').next));
  assert.not.equal(draws(10, fresh.fork('a').next), draws(10, fresh.fork('b').next));
  assert.not.equal(draws(10, fresh.fork('a').next), draws(10, fresh.next));
});

test('chance and pick keep to their bounds', () => {
  const random = seededRandom(2);
  assert.not(draws(1_000, random.next).some((n) => n < 0 || n >= 1));
  assert.is(Array.from({ length: 1_000 }, () => random.chance(0)).filter(Boolean).length, 0);
  assert.is(Array.from({ length: 1_000 }, () => random.chance(1)).filter(Boolean).length, 1_000);
  assert.equal(new Set(Array.from({ length: 100 }, () => random.pick(['a', 'b']))), new Set(['a', 'b']));
});

test.run();
