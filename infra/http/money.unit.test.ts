import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stringifyJson } from './json-body.ts';
import { money, moneyOf } from './money.ts';

const test = suite('money');

const amounts: readonly [string, string | undefined][] = [
  ['0', '0.00'],
  ['0.5', '0.50'],
  ['1250000.5', '1250000.50'],
  ['9999999999999999.99', '9999999999999999.99'],
  ['1e3', '1000.00'],
  ['1.5E2', '150.00'],
  ['15e-1', '1.50'],
  ['5e-2', '0.05'],
  ['0e999', '0.00'],
  ['10000000000000000', undefined],
  ['1.000', undefined],
  ['0.001', undefined],
  ['1e-3', undefined],
  ['1e16', undefined],
  ['1e999', undefined],
  ['1e999999999999', undefined],
  ['-1', undefined],
  ['-0', undefined],
  ['007', undefined],
  ['1.', undefined],
  ['.5', undefined],
  ['', undefined],
  [' 1', undefined],
  ['1,5', undefined],
  ['0x10', undefined],
  ['NaN', undefined],
];

for (const [text, amount] of amounts)
  test(`«${text}» is ${amount ?? 'not money'}`, () => {
    assert.is(moneyOf(text), amount);
  });

test('every amount of 16 digits and 2 decimals goes in and out with every digit', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 18n - 1n), (cents) => {
      const text = `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`;
      assert.is(moneyOf(text), text);
      assert.is(stringifyJson({ a: text }, { properties: { a: money } }), `{"a":${text}}`);
    }),
  );
});

test('what is not money never goes out as money', () => {
  assert.throws(() => stringifyJson('1}', money), TypeError);
});

test.run();
