import { writeUuid } from '../uuid-bytes.ts';

/** The element types that `array()` can send. */
export type ArrayType =
  | 'uuid'
  | 'int2'
  | 'int4'
  | 'int8'
  | 'text'
  | 'bytea'
  | 'json'
  | 'jsonb'
  | 'timestamptz'
  | 'bool'
  | 'numeric';

interface Encoding {
  readonly oid: number;
  /** Appends one value to `scratch`, without its length word. */
  write(value: unknown): void;
}

/**
 * An array as Postgres reads it in binary: several times cheaper than the text form, and free of quoting.
 * The statement casts the parameter to the type that it was made with, e.g. `unnest($1::uuid[])`.
 */
export class ArrayParameter {
  readonly type: ArrayType;
  readonly wire: Buffer;

  constructor(type: ArrayType, wire: Buffer) {
    this.type = type;
    this.wire = wire;
  }
}

const HEADER_BYTES = 12;
const DIMENSION_BYTES = 8;
const NUMERIC = /^(-?)(\d+)(?:\.(\d+))?$/;
/** Milliseconds from the Unix epoch to 2000-01-01T00:00Z, from which Postgres counts. */
const POSTGRES_EPOCH_MS = 946_684_800_000;

/** Between two arrays no more than this is kept, in bytes. */
const SCRATCH_BYTES = 256 * 1024;
/** The array that is being written, up to `end`: its size is only known when it is complete. */
let scratch = Buffer.allocUnsafe(SCRATCH_BYTES);
let end = 0;

/** Makes room for so many bytes more, for which `scratch` may be replaced. @returns where they begin */
const take = (bytes: number): number => {
  const begin = end;
  end += bytes;
  if (end > scratch.length) {
    const grown = Buffer.allocUnsafe(Math.max(end, 2 * scratch.length));
    grown.set(scratch.subarray(0, begin));
    scratch = grown;
  }
  return begin;
};

/** A code unit of UTF-16 takes at most three bytes of UTF-8. */
const putText = (value: string): void => {
  const begin = take(3 * value.length);
  end = begin + scratch.write(value, begin);
};

const refuse = (type: ArrayType, value: unknown): never => {
  throw new TypeError(
    `array('${type}') cannot hold ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`,
  );
};

const integer = (type: ArrayType, value: unknown): number =>
  typeof value === 'number' && Number.isInteger(value) ? value : refuse(type, value);

const long = (value: unknown): bigint => {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : refuse('int8', value);
};

const text = (value: unknown): string => (typeof value === 'string' ? value : refuse('text', value));

const json = (value: unknown): string => text(JSON.stringify(value));

const bytes = (value: unknown): Uint8Array => (value instanceof Uint8Array ? value : refuse('bytea', value));

const putUuid = (value: unknown): void => {
  if (typeof value !== 'string') return refuse('uuid', value);
  const begin = take(16);
  if (!writeUuid(value, scratch, begin)) refuse('uuid', value);
};

/** Microseconds since Postgres's epoch, exact in two words: as one number they would be beyond 2^53 in the year 2286. */
const putInstant = (value: unknown): void => {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) return refuse('timestamptz', value);
  const millis = value.getTime() - POSTGRES_EPOCH_MS;
  const begin = take(8);
  const micros = millis * 1000;
  if (!Number.isSafeInteger(micros)) {
    scratch.writeBigInt64BE(BigInt(millis) * 1000n, begin);
    return;
  }
  const high = Math.floor(micros / 2 ** 32);
  scratch.writeInt32BE(high, begin);
  scratch.writeUInt32BE(micros - high * 2 ** 32, begin + 4);
};

const bool = (value: unknown): number => (typeof value === 'boolean' ? Number(value) : refuse('bool', value));

/** A decimal in base 10 000, as `numeric_send` of Postgres writes it. */
interface Decimal {
  readonly negative: boolean;
  /** Power of 10 000 of the first digit. */
  readonly weight: number;
  /** Decimal digits after the point, trailing zeros included. */
  readonly scale: number;
  readonly digits: readonly number[];
}

const decimal = (value: unknown): Decimal => {
  const [, sign, whole = '', fraction = ''] =
    (typeof value === 'string' && NUMERIC.exec(value)) || refuse('numeric', value);
  const padded =
    whole.padStart(Math.ceil(whole.length / 4) * 4, '0') +
    fraction.padEnd(Math.ceil(fraction.length / 4) * 4, '0');
  const digits = (padded.match(/.{4}/g) ?? []).map(Number);
  let weight = Math.ceil(whole.length / 4) - 1;
  while (digits[0] === 0) {
    digits.shift();
    weight -= 1;
  }
  while (digits.at(-1) === 0) digits.pop();
  if (digits.length === 0) return { negative: false, weight: 0, scale: fraction.length, digits };
  return { negative: sign === '-', weight, scale: fraction.length, digits };
};

const encodings: Record<ArrayType, Encoding> = {
  uuid: { oid: 2950, write: putUuid },
  int2: {
    oid: 21,
    write: (value) => {
      const begin = take(2);
      scratch.writeInt16BE(integer('int2', value), begin);
    },
  },
  int4: {
    oid: 23,
    write: (value) => {
      const begin = take(4);
      scratch.writeInt32BE(integer('int4', value), begin);
    },
  },
  int8: {
    oid: 20,
    write: (value) => {
      const begin = take(8);
      scratch.writeBigInt64BE(long(value), begin);
    },
  },
  text: { oid: 25, write: (value) => putText(text(value)) },
  bytea: {
    oid: 17,
    write: (value) => {
      const from = bytes(value);
      const begin = take(from.byteLength);
      scratch.set(from, begin);
    },
  },
  json: { oid: 114, write: (value) => putText(json(value)) },
  jsonb: {
    oid: 3802,
    write: (value) => {
      const begin = take(1);
      scratch[begin] = 1; // the version of jsonb's binary form
      putText(json(value));
    },
  },
  timestamptz: { oid: 1184, write: putInstant },
  bool: {
    oid: 16,
    write: (value) => {
      const begin = take(1);
      scratch[begin] = bool(value);
    },
  },
  numeric: {
    oid: 1700,
    write: (value) => {
      const { digits, weight, negative, scale } = decimal(value);
      const begin = take(8 + 2 * digits.length);
      scratch.writeInt16BE(digits.length, begin);
      scratch.writeInt16BE(weight, begin + 2);
      scratch.writeUInt16BE(negative ? 0x4000 : 0, begin + 4);
      scratch.writeInt16BE(scale, begin + 6);
      digits.forEach((digit, i) => {
        scratch.writeInt16BE(digit, begin + 8 + 2 * i);
      });
    },
  },
};

/**
 * A one-dimensional array parameter, for both databases; null stands for SQL NULL in any type.
 * Values: `uuid` a string, `int2`/`int4` a number, `int8` a bigint or a safe number, `bytea` a Uint8Array,
 * `timestamptz` a Date, `bool` a boolean, `numeric` a decimal string, `json` and `jsonb` anything that JSON can write.
 * @throws TypeError or RangeError when a value is not of the type
 */
export function array(type: ArrayType, values: readonly unknown[]): ArrayParameter {
  const { oid, write } = encodings[type];
  end = 0;
  take(HEADER_BYTES + (values.length > 0 ? DIMENSION_BYTES : 0));
  scratch.writeInt32BE(values.length > 0 ? 1 : 0, 0);
  scratch.writeInt32BE(oid, 8);
  if (values.length > 0) {
    scratch.writeInt32BE(values.length, HEADER_BYTES);
    scratch.writeInt32BE(1, HEADER_BYTES + 4); // the lower bound, as SQL counts
  }
  let hasNull = false;
  for (const value of values) {
    const begin = take(4);
    if (value === null) {
      hasNull = true;
      scratch.writeInt32BE(-1, begin);
    } else {
      write(value);
      scratch.writeInt32BE(end - begin - 4, begin);
    }
  }
  scratch.writeInt32BE(hasNull ? 1 : 0, 4);
  const wire = Buffer.from(scratch.subarray(0, end));
  if (scratch.length > SCRATCH_BYTES) scratch = Buffer.allocUnsafe(SCRATCH_BYTES);
  return new ArrayParameter(type, wire);
}

/** A column of a set of rows, as `array` sends it. */
export const column = <R>(type: ArrayType, rows: readonly R[], of: (row: R) => unknown): ArrayParameter =>
  array(type, rows.map(of));
