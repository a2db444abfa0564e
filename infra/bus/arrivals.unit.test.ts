import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Arrival, Arrivals } from './arrivals.ts';

const test = suite('arrivals');

test('keep their order whichever of them are removed, as an array does', () => {
  // Each number removes the one at that place of those that are there; null adds the next.
  const moves = fc.array(fc.option(fc.nat(5), { freq: 2 }), { maxLength: 60 });
  fc.assert(
    fc.property(moves, (each) => {
      const arrivals = new Arrivals<number>();
      const expected: Arrival<number>[] = [];
      for (const [value, place] of each.entries()) {
        if (place === null) expected.push(arrivals.add(value));
        else for (const gone of expected.splice(place, 1)) arrivals.remove(gone);
        const values = expected.map((arrival) => arrival.value);
        assert.equal([...arrivals], values);
        assert.is(arrivals.size, values.length);
        assert.is(arrivals.first, values[0]);
      }
    }),
  );
});

test('one that is removed leads to no other', () => {
  const arrivals = new Arrivals<string>();
  const [, middle] = ['a', 'b', 'c'].map((value) => arrivals.add(value)) as [
    Arrival<string>,
    Arrival<string>,
    Arrival<string>,
  ];
  arrivals.remove(middle);
  assert.equal(middle, { value: 'b', earlier: undefined, later: undefined });
});

test.run();
