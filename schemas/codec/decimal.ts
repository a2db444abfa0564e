const PLAIN = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$/;

/** A number of so many digits fits 64 bits of two's complement. */
const DIGITS_OF_64_BITS = 18;

/**
 * The bytes of a decimal: its unscaled value, two's complement, big-endian, as short as can be (Avro specification,
 * "Decimal").
 * @param text plain, e.g. `-12.5`: no exponent, no plus sign, no leading zeros
 * @throws Error when it is not plain or has more digits than `precision` and `scale` leave
 */
export const encodeDecimal = (text: unknown, precision: number, scale: number): Buffer => {
  if (typeof text !== 'string') throw new Error(`a decimal is a string, not ${typeof text}`);
  // Before the pattern runs and before a number is made of it.
  const parts = text.length <= precision + 3 ? PLAIN.exec(text) : null;
  if (parts === null)
    throw new Error(`${JSON.stringify(text.slice(0, 120))} is no plain decimal of ${precision} digits`);
  const [, sign = '', whole = '', decimals = ''] = parts;
  if (decimals.length > scale) throw new Error(`${text} has more than ${scale} decimals`);
  if (whole !== '0' && whole.length > precision - scale) {
    throw new Error(`${text} has more than ${precision - scale} digits before the point`);
  }
  const unscaled = BigInt(sign + whole + decimals.padEnd(scale, '0'));
  return precision <= DIGITS_OF_64_BITS ? shortBytes(unscaled) : longBytes(unscaled);
};

const shortBytes = (value: bigint): Buffer => {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(value);
  let start = 0;
  while (start < 7 && isPadding(bytes[start] as number, bytes[start + 1] as number)) start++;
  return bytes.subarray(start);
};

/** Whether a leading byte only repeats the sign of the next one. */
const isPadding = (byte: number, next: number): boolean =>
  (byte === 0 && next < 0x80) || (byte === 0xff && next >= 0x80);

const longBytes = (value: bigint): Buffer => {
  // The bits of the magnitude (one less of a negative number), and one for the sign.
  const size = ((value < 0n ? ~value : value).toString(2).length >> 3) + 1;
  const hex = BigInt.asUintN(size * 8, value).toString(16);
  return Buffer.from(hex.padStart(size * 2, '0'), 'hex');
};

/**
 * The value of a decimal's bytes, with exactly `scale` decimals: `10.00`, `-0.50`, `0.00`.
 * @throws Error when it has more than `precision` digits
 */
export const decodeDecimal = (bytes: Buffer, precision: number, scale: number): string => {
  const unscaled = bytes.length <= 6 ? bytes.readIntBE(0, bytes.length) : bigintOf(bytes);
  const negative = unscaled < 0;
  const digits = String(negative ? -unscaled : unscaled).padStart(scale + 1, '0');
  if (digits.length > precision && digits[0] !== '0')
    throw new Error(`a decimal of more than ${precision} digits`);
  const point = digits.length - scale;
  const plain = scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return negative ? `-${plain}` : plain;
};

const bigintOf = (bytes: Buffer): bigint =>
  BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
