import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { array } from './array.ts';
import { encodeParameter } from './values.ts';

const test = suite('a parameter');

test('goes as bytes in binary, and all else as its text', () => {
  assert.is(encodeParameter(null), null);
  assert.is(encodeParameter('NULL'), 'NULL');
  assert.is(encodeParameter(2n ** 63n - 1n), '9223372036854775807');
  assert.is(encodeParameter(-0.5), '-0.5');
  assert.is(encodeParameter(false), 'false');
  assert.is(encodeParameter(new Date(0)), '1970-01-01T00:00:00.000Z');
  assert.equal(encodeParameter(Uint8Array.of(9, 8, 7).subarray(1)), Buffer.of(8, 7));
  const ids = array('int4', [1]);
  assert.is(encodeParameter(ids), ids.wire);
});

test('is refused when it is no scalar: undefined would silently become NULL', () => {
  for (const value of [
    undefined,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
    {},
    new Map(),
    Symbol('x'),
    () => 1,
  ]) {
    assert.throws(() => encodeParameter(value), TypeError as never);
  }
  assert.throws(() => encodeParameter(['a']), /must be a scalar or made by array\(\), not an Array/);
  assert.throws(() => encodeParameter(new Date(Number.NaN)), RangeError as never);
});

test.run();
