import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeDecimal, encodeDecimal } from './decimal.ts';

/** Text, its bytes (two's complement, big-endian, shortest) and how it reads back, as decimal(18,2). */
const TABLE = [
  ['0', '00', '0.00'],
  ['-0.00', '00', '0.00'],
  ['0.5', '32', '0.50'],
  ['-0.01', 'ff', '-0.01'],
  ['1.27', '7f', '1.27'],
  ['1.28', '0080', '1.28'],
  ['-1.28', '80', '-1.28'],
  ['-1.29', 'ff7f', '-1.29'],
  ['10', '03e8', '10.00'],
  ['10.0', '03e8', '10.00'],
  ['90071992547409.93', '20000000000001', '90071992547409.93'],
  ['9999999999999999.99', '0de0b6b3a763ffff', '9999999999999999.99'],
  ['-9999999999999999.99', 'f21f494c589c0001', '-9999999999999999.99'],
] as const;

for (const [text, hex, read] of TABLE) {
  test(`${text} is written as ${hex} and read as ${read}`, () => {
    assert.is(encodeDecimal(text, 18, 2).toString('hex'), hex);
    assert.is(decodeDecimal(Buffer.from(hex, 'hex'), 18, 2), read);
  });
}

const REFUSED: readonly unknown[] = [
  '1.234',
  '1.230',
  '99999999999999999',
  '10000000000000000.00',
  '1e3',
  '+1',
  '01',
  '.5',
  '5.',
  '',
  ' 1',
  '1,5',
  'NaN',
  '1'.repeat(1_000_000),
  '١',
  1,
  10n,
  null,
];

for (const text of REFUSED) {
  test(`${String(text).slice(0, 30)} (${typeof text}) is refused as a decimal(18,2)`, () => {
    assert.throws(() => encodeDecimal(text, 18, 2));
  });
}

test('bytes that hold more digits than the precision are refused', () => {
  assert.is(decodeDecimal(Buffer.from('03e7', 'hex'), 3, 2), '9.99');
  assert.throws(() => decodeDecimal(Buffer.from('03e8', 'hex'), 3, 2), /more than 3 digits/);
  assert.throws(() => decodeDecimal(Buffer.from('fc18', 'hex'), 3, 3), /more than 3 digits/);
});

test('a scale of the whole precision leaves no digit before the point', () => {
  assert.is(decodeDecimal(encodeDecimal('0.999', 3, 3), 3, 3), '0.999');
  assert.throws(() => encodeDecimal('1.000', 3, 3), /0 digits before the point/);
});

test('every digit of any decimal comes back, whatever its precision', () => {
  const decimals = fc
    .tuple(fc.integer({ min: 1, max: 60 }), fc.nat(60))
    .map(([precision, scale]) => ({ precision, scale: Math.min(scale, precision) }))
    .chain(({ precision, scale }) =>
      fc.record({
        precision: fc.constant(precision),
        scale: fc.constant(scale),
        unscaled: fc.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n }),
      }),
    );
  fc.assert(
    fc.property(decimals, ({ precision, scale, unscaled }) => {
      const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
      const whole = digits.slice(0, digits.length - scale);
      const text = `${unscaled < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
      const bytes = encodeDecimal(text, precision, scale);
      assert.is(decodeDecimal(bytes, precision, scale), text);
      assert.is(BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`)), unscaled);
      const shorter = bytes.subarray(1);
      const tooShort =
        shorter.length === 0 ||
        BigInt.asIntN(shorter.length * 8, BigInt(`0x${shorter.toString('hex')}`)) !== unscaled;
      assert.ok(tooShort, 'the bytes are the fewest that hold it');
    }),
  );
});

test.run();
