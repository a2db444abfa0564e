import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { array } from './array.ts';
import { columnTypes, encodeParameter } from './values.ts';

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

test('an instant is read to the millisecond, in any form in which Postgres writes one', () => {
  const read = columnTypes.getTypeParser(1184);
  const forms: Readonly<Record<string, string>> = {
    '2024-05-06 11:22:33+00': '2024-05-06T11:22:33.000Z',
    '2024-05-06 11:22:33.4+00': '2024-05-06T11:22:33.400Z',
    '2024-05-06 11:22:33.04+00': '2024-05-06T11:22:33.040Z',
    '2024-05-06 11:22:33.004999+00': '2024-05-06T11:22:33.004Z',
    '2024-05-06 11:22:33.004+05:30': '2024-05-06T05:52:33.004Z',
    '2024-05-06 11:22:33-03': '2024-05-06T14:22:33.000Z',
    '0044-03-15 10:00:00+00': '0044-03-15T10:00:00.000Z',
    '0044-03-15 10:00:00+00 BC': '-000043-03-15T10:00:00.000Z',
    '12024-01-01 00:00:00+00': '+012024-01-01T00:00:00.000Z',
  };
  for (const [text, iso] of Object.entries(forms)) assert.is((read(text) as Date).toISOString(), iso, text);
  assert.is(read('infinity'), Number.POSITIVE_INFINITY);
});

test.run();
