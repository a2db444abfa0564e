import { isUtf8 } from 'node:buffer';
import { ContractError } from './contract.ts';
import type { RecordShape, Shape } from './shape.ts';
import { FIRST_INSTANT } from './types.ts';

/** Bounds of one payload, on both sides: what they refuse is never written either. */
export const BOUNDS = {
  /** Bytes; below Pulsar's default `maxMessageSize` of 5 MiB with its properties. */
  payload: 4 * 1024 * 1024,
  /** Items of all arrays and maps together. */
  items: 100_000,
  /** Records, arrays and maps within one another. */
  depth: 32,
} as const;

/** A value that is not what its schema says, with the path to it. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
  readonly path: readonly (string | number)[];
  readonly reason: string;

  constructor(reason: string, path: readonly (string | number)[] = []) {
    super(reason);
    this.reason = reason;
    this.path = path;
  }
}

/** `participantes[3].nombre` */
export const printPath = (path: readonly (string | number)[]): string =>
  path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');

interface Cursor {
  readonly bytes: Buffer;
  position: number;
  items: number;
  depth: number;
}

type Scanner = (cursor: Cursor) => void;

/**
 * Compiles a check of payloads against a schema, to be run before they are decoded: avsc allocates an array of the
 * announced length before it sees that the bytes are not there, and passes invalid UTF-8.
 * @returns a function that throws `Unreadable` unless the payload is exactly one such record within `BOUNDS`
 */
export const compileScan = (record: RecordShape): ((payload: Buffer) => void) => {
  const scan = compile(record, new Map());
  return (payload) => {
    if (payload.length > BOUNDS.payload) {
      throw new Unreadable(`${payload.length} bytes exceed the bound of ${BOUNDS.payload}`);
    }
    const cursor: Cursor = { bytes: payload, position: 0, items: 0, depth: 0 };
    scan(cursor);
    if (cursor.position !== payload.length) {
      throw new Unreadable(`${payload.length - cursor.position} bytes follow the record`);
    }
  };
};

const compile = (shape: Shape, records: Map<RecordShape, Scanner>): Scanner => {
  switch (shape.kind) {
    case 'boolean':
      return (cursor) => {
        if (byteAt(cursor) > 1) throw new Unreadable('a boolean is 0 or 1');
      };
    case 'int':
      return (cursor) => {
        const value = readLong(cursor);
        if (value < -0x80000000 || value > 0x7fffffff) throw new Unreadable('an int has 32 bits');
      };
    case 'long':
      return readLong;
    case 'timestamp-millis':
      return (cursor) => {
        const value = readLong(cursor);
        if (value < FIRST_INSTANT || value > LAST_INSTANT)
          throw new Unreadable('no instant that a Date can hold');
      };
    case 'float':
      return (cursor) => skip(cursor, 4);
    case 'double':
      return (cursor) => skip(cursor, 8);
    case 'fixed':
      return (cursor) => skip(cursor, shape.size);
    case 'string':
      return scanString;
    case 'bytes':
      return (cursor) => skip(cursor, readLong(cursor));
    case 'decimal': {
      const most = decimalBytes(shape.precision);
      return (cursor) => {
        const length = readLong(cursor);
        if (length < 1 || length > most)
          throw new Unreadable(`a decimal of ${length} bytes, not 1 to ${most}`);
        skip(cursor, length);
      };
    }
    case 'enum': {
      const { length } = shape.symbols;
      return (cursor) => {
        const index = readLong(cursor);
        if (index < 0 || index >= length) throw new Unreadable(`no symbol has the index ${index}`);
      };
    }
    case 'optional': {
      const value = compile(shape.value, records);
      const nullIndex = shape.nullFirst ? 0 : 1;
      return (cursor) => {
        const index = readLong(cursor);
        if (index !== 0 && index !== 1) throw new Unreadable(`no branch has the index ${index}`);
        if (index !== nullIndex) value(cursor);
      };
    }
    case 'array':
      return scanBlocks(compile(shape.items, records));
    case 'map': {
      const values = compile(shape.values, records);
      return scanBlocks((cursor) => {
        scanString(cursor);
        values(cursor);
      });
    }
    case 'record':
      return records.get(shape) ?? scanRecord(shape, records);
    default:
      return shape satisfies never;
  }
};

const scanRecord = (shape: RecordShape, records: Map<RecordShape, Scanner>): Scanner => {
  const names = shape.fields.map((field) => field.name);
  const fields: Scanner[] = [];
  const scanner: Scanner = (cursor) => {
    enter(cursor);
    let i = 0;
    try {
      for (; i < fields.length; i++) (fields[i] as Scanner)(cursor);
    } catch (error) {
      throw within(names[i] as string, error);
    }
    cursor.depth--;
  };
  // Registered before its fields are compiled: a record may contain itself.
  records.set(shape, scanner);
  for (const field of shape.fields) fields.push(compile(field.shape, records));
  return scanner;
};

const scanBlocks =
  (item: Scanner): Scanner =>
  (cursor) => {
    enter(cursor);
    let index = 0;
    for (;;) {
      let count = readLong(cursor);
      if (count === 0) break;
      let end = -1;
      if (count < 0) {
        count = -count;
        const size = readLong(cursor);
        end = cursor.position + size;
        if (size < 0 || end > cursor.bytes.length)
          throw new Unreadable(`a block of ${size} bytes, which are not there`);
      }
      // Each item takes at least a byte, so a count that promises more is known to be false before any is read.
      if (count > cursor.bytes.length - cursor.position)
        throw new Unreadable(`${count} items, which are not there`);
      cursor.items += count;
      if (cursor.items > BOUNDS.items) throw new Unreadable(`more than ${BOUNDS.items} items`);
      try {
        for (const stop = index + count; index < stop; index++) item(cursor);
      } catch (error) {
        throw within(index, error);
      }
      if (end >= 0 && cursor.position !== end) throw new Unreadable('a block is not of the size it says');
    }
    cursor.depth--;
  };

const within = (step: string | number, error: unknown): unknown =>
  error instanceof Unreadable ? new Unreadable(error.reason, [step, ...error.path]) : error;

const enter = (cursor: Cursor): void => {
  if (++cursor.depth > BOUNDS.depth) throw new Unreadable(`nested deeper than ${BOUNDS.depth}`);
};

const byteAt = (cursor: Cursor): number => {
  const byte = cursor.bytes[cursor.position++];
  if (byte === undefined) throw new Unreadable('the bytes end early');
  return byte;
};

const skip = (cursor: Cursor, length: number): void => {
  if (length < 0) throw new Unreadable(`a length of ${length}`);
  cursor.position += length;
  if (cursor.position > cursor.bytes.length) throw new Unreadable('the bytes end early');
};

/** Above this many bytes the native check wins over the loop. */
const SHORT = 48;

const scanString: Scanner = (cursor) => {
  const length = readLong(cursor);
  const start = cursor.position;
  skip(cursor, length);
  const end = cursor.position;
  const { bytes } = cursor;
  if (length <= SHORT) {
    let i = start;
    while (i < end && (bytes[i] as number) < 0x80) i++;
    if (i === end) return;
  }
  if (!isUtf8(bytes.subarray(start, end))) throw new Unreadable('not UTF-8');
};

/**
 * A zigzag varint of at most 64 bits. Exact up to 2^53, which is beyond every bound; above that only its size counts.
 */
const readLong = (cursor: Cursor): number => {
  const first = byteAt(cursor);
  if (first < 0x80) return (first >>> 1) ^ -(first & 1);
  let value = first & 0x7f;
  let unit = 0x80;
  for (let n = 2; ; n++) {
    const byte = byteAt(cursor);
    if (n === 10 && byte > 1) throw new Unreadable('a number of more than 64 bits');
    value += (byte & 0x7f) * unit;
    if (byte < 0x80) break;
    unit *= 0x80;
  }
  return first & 1 ? -(value + 1) / 2 : value / 2;
};

/** The last that a Date holds, ECMA-262 "Time Values": 10^8 days from the epoch, in milliseconds. */
const LAST_INSTANT = 8.64e15;

/** The most bytes that the two's complement of a number of so many decimal digits takes. */
const decimalBytes = (precision: number): number => ((10n ** BigInt(precision)).toString(2).length + 8) >> 3;

/** The error that a caller sees: contract, version and path. */
export const contractError = (contract: string, error: unknown): ContractError => {
  if (error instanceof Unreadable) {
    const path = printPath(error.path);
    return new ContractError(`${contract}: ${path === '' ? '' : `${path}: `}${error.reason}`, {
      cause: error,
    });
  }
  return new ContractError(`${contract}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
};
