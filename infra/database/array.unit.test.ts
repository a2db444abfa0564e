import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ArrayType, array } from './array.ts';

const test = suite('array()');

/** For each type, values that it cannot hold. */
const refused: Record<ArrayType, readonly unknown[]> = {
  uuid: ['', 'x', '0192f0c17d3a7bcd8e1f0123456789ab', '0192f0c1-7d3a-7bcd-8e1f-0123456789ag', 1],
  int2: [1.5, 32_768, -32_769, Number.NaN, '1', 1n],
  int4: [1.5, 2 ** 31, -(2 ** 31) - 1, Number.POSITIVE_INFINITY, '1', 1n],
  int8: [1.5, 2 ** 53, '1', 2n ** 63n],
  text: [1, {}, Buffer.from('x')],
  bytea: ['x', [1], new ArrayBuffer(1)],
  json: [() => 1, 1n],
  jsonb: [() => 1, 1n],
  timestamptz: ['2024-01-01', 0, new Date(Number.NaN)],
  bool: [0, 'true'],
  numeric: [1, 1n, '', '1.', '.5', '1e3', 'NaN', '+1', '1 '],
};

for (const [type, values] of Object.entries(refused) as [ArrayType, readonly unknown[]][]) {
  test(`of ${type} refuses what is not of the type, undefined too`, () => {
    for (const value of [...values, undefined]) {
      assert.throws(
        () => array(type, [null, value]),
        (error: unknown) => error instanceof TypeError || error instanceof RangeError,
        `${type} took ${String(value)}`,
      );
    }
  });
}

test('says which type and which value it refuses', () => {
  assert.throws(() => array('uuid', ['no "id"']), /array\('uuid'\) cannot hold "no \\"id\\""/);
});

test('takes its bytes at once: what is changed later is not sent', () => {
  const bytes = Buffer.from('before');
  const { wire } = array('bytea', [bytes]);
  bytes.write('after!');
  assert.ok(wire.includes('before'));
});

test('keeps every value of an array that outgrows the place where it is written', () => {
  const id = '0192f0c1-7d3a-7bcd-8e1f-0123456789ab';
  const one: Record<ArrayType, unknown> = {
    uuid: id,
    int2: 1,
    int4: 1,
    int8: 1n,
    text: 'ñ',
    bytea: Buffer.from('x'),
    json: { a: 1 },
    jsonb: { a: 1 },
    timestamptz: new Date(0),
    bool: true,
    numeric: '1.5',
  };
  const count = 70_000;
  for (const [type, value] of Object.entries(one) as [ArrayType, unknown][]) {
    const header = 20;
    const element = array(type, [value]).wire.subarray(header);
    const { wire } = array(type, new Array(count).fill(value));
    assert.is(wire.length, header + count * element.length, type);
    for (let at = header; at < wire.length; at += element.length)
      if (!wire.subarray(at, at + element.length).equals(element)) assert.unreachable(`${type} at ${at}`);
  }
});

test.run();
