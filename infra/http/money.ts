import Type, { type TUnsafe } from 'typebox';
import { decimalOf } from './json-text.ts';

const written = /^(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,2})?$/;
const wholeDigits = 16;
const decimals = 2;

/** What a value that is not money is told. */
export const moneyRule =
  'Debe ser un importe no negativo de hasta 16 dígitos enteros y 2 decimales, número o texto';

/**
 * Money in a body: in as a JSON number or a string, up to 16 digits before and 2 after the point. A handler sees a
 * string with two decimals (`1250000.50`); in an answer such a string goes out as a JSON number with every digit.
 */
export const money: TUnsafe<string> = Type.Unsafe<string>({
  'x-money': true,
  anyOf: [
    { type: 'number', minimum: 0, multipleOf: 0.01 },
    { type: 'string', pattern: written.source },
  ],
  description: 'Importe: hasta 16 dígitos enteros y 2 decimales',
});

/** Whether `schema` is `money`. */
export const isMoney = (schema: unknown): boolean =>
  typeof schema === 'object' && schema !== null && (schema as { 'x-money'?: boolean })['x-money'] === true;

/**
 * The amount that a number's text or a string stands for, with two decimals.
 * @returns undefined when it is not money; a third decimal is not, even when it is zero
 */
export const moneyOf = (text: string): string | undefined => {
  const plain = written.test(text) ? text : expanded(text);
  if (plain === undefined) return undefined;
  const [whole = '', fraction = ''] = plain.split('.');
  return `${whole}.${fraction.padEnd(decimals, '0')}`;
};

/** `15e2` as `1500`; undefined for what is not a number with an exponent within the bounds. */
const expanded = (text: string): string | undefined => {
  if (!/^[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+$/.test(text)) return undefined;
  const { digits, exponent } = decimalOf(text);
  if (digits === '') return '0';
  const whole = digits.length + exponent;
  if (whole > wholeDigits || exponent < -decimals) return undefined;
  if (exponent >= 0) return digits + '0'.repeat(exponent);
  const padded = digits.padStart(1 - exponent, '0');
  return `${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
};
