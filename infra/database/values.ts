import pg from 'pg';
import { ArrayParameter } from './array.ts';

/**
 * A parameter as it goes on the wire: bytes in binary, all else as text.
 * @throws TypeError for what is no scalar: undefined (a forgotten value would silently become NULL), NaN, objects
 */
export function encodeParameter(value: unknown): Buffer | string | null {
  if (value === null) return null;
  switch (typeof value) {
    case 'string':
      return value;
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'number':
      if (Number.isFinite(value)) return String(value);
      break;
    case 'object':
      if (value instanceof ArrayParameter) return value.wire;
      if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      if (value instanceof Date) return value.toISOString();
  }
  throw new TypeError(
    `A parameter must be a scalar or made by array(), not ${Array.isArray(value) ? 'an Array' : String(value)}`,
  );
}

const INT8 = 20;
const TIMESTAMPTZ = 1184;
const INT8_ARRAY = 1016;
const NUMERIC_ARRAY = 1231;

type Parser = (value: string) => unknown;

/** pg exposes its array reader at run time only. */
const { arrayParser } = pg.types as unknown as {
  arrayParser: { create(source: string, element: Parser): { parse(): unknown[] } };
};

const arrayOf =
  (element: Parser): Parser =>
  (value) =>
    arrayParser.create(value, element).parse();

/** As Postgres writes an instant between the years 1 and 9999 to a session in UTC. */
const UTC_INSTANT = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?\+00$/;
const otherInstant = pg.types.getTypeParser(TIMESTAMPTZ) as Parser;

const digits = (value: string, from: number, to: number): number => {
  let number = 0;
  for (let i = from; i < to; i++) number = number * 10 + value.charCodeAt(i) - 0x30;
  return number;
};

/** pg's own parser takes three times as long. */
const instant: Parser = (value) => {
  if (!UTC_INSTANT.test(value)) return otherInstant(value);
  const year = digits(value, 0, 4);
  if (year < 100) return otherInstant(value); // which Date.UTC takes for one of the 20th century
  const fraction = value.length > 22 ? digits(value.slice(20, -3).padEnd(3, '0'), 0, 3) : 0;
  return new Date(
    Date.UTC(
      year,
      digits(value, 5, 7) - 1,
      digits(value, 8, 10),
      digits(value, 11, 13),
      digits(value, 14, 16),
      digits(value, 17, 19),
      fraction,
    ),
  );
};

const parsers: Readonly<Record<number, Parser>> = {
  [INT8]: BigInt,
  [TIMESTAMPTZ]: instant,
  [INT8_ARRAY]: arrayOf(BigInt),
  [NUMERIC_ARRAY]: arrayOf((value) => value),
};

/**
 * How columns become values, on both databases: int8 a bigint, numeric a string, timestamptz a Date, bytea a Buffer,
 * json and jsonb what JSON.parse makes of it, int2, int4 and floats a number, bool a boolean, anything else its text.
 */
export const columnTypes = {
  getTypeParser: (oid: number, format?: 'text' | 'binary'): Parser =>
    parsers[oid] ?? (pg.types.getTypeParser(oid, format) as Parser),
};
