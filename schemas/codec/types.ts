/// <reference lib="es2024.string" />
import avro from 'avsc';
import { decodeDecimal, encodeDecimal } from './decimal.ts';
import type { SchemaJson } from './fingerprint.ts';

/*
 * avsc's own types, mended where they lose something: longs above 2^53, lone surrogates, the map key `__proto__`,
 * enum values such as `toString`; and plain objects instead of records with methods. avsc has its subclasses override
 * members that its typings do not know: they are declared here.
 */
interface Tap {
  readLong(): number;
  skipLong(): void;
  readString(): string;
  writeLong(value: number): void;
  writeString(value: string): void;
}
type Hook = (value: unknown, type: avro.Type) => void;
interface Inner {
  _check(value: unknown, flags?: unknown, hook?: Hook, path?: string[]): boolean;
  _read(tap: Tap): unknown;
  _write(tap: Tap, value: unknown): void;
  _copy(value: unknown, options?: unknown): unknown;
}
const inner = (type: avro.Type): Inner => type as unknown as Inner;

const refuse = (value: unknown, type: avro.Type): never => {
  throw new Error(`invalid ${JSON.stringify(type.typeName)}: ${typeof value}`);
};

/** `long` as a bigint: a double loses digits above 2^53. */
const LONG = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  // Only used for defaults, which `parseSchema` keeps within the safe integers.
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

/** avsc throws a TypeError of its own for a bigint, which names no field. */
class Int32 extends avro.types.IntType {
  _check(value: unknown, _flags: unknown, hook?: Hook): boolean {
    const valid = typeof value === 'number' && (value | 0) === value;
    if (!valid) hook?.(value, this);
    return valid;
  }

  _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'number' || (value | 0) !== value) return refuse(value, this);
    tap.writeLong(value);
  }
}
const INT = new Int32();

/** Refuses lone surrogates: UTF-8 has none, so they would come back as something else. */
class WellFormedString extends avro.types.StringType {
  _check(value: unknown, _flags: unknown, hook?: Hook): boolean {
    const valid = typeof value === 'string' && value.isWellFormed();
    if (!valid) hook?.(value, this);
    return valid;
  }

  _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'string' || !value.isWellFormed()) return refuse(value, this);
    tap.writeString(value);
  }
}
const STRING = new WellFormedString();

/** A `ReadonlyMap` in TypeScript: in an object the key `__proto__` would replace its prototype. */
class MapOfStrings extends avro.types.MapType {
  _check(value: unknown, flags: unknown, hook?: Hook, path?: string[]): boolean {
    if (!(value instanceof Map)) {
      hook?.(value, this);
      return false;
    }
    const values = inner(this.valuesType);
    let valid = true;
    for (const [key, item] of value) {
      path?.push(String(key));
      if (!inner(STRING)._check(key, flags, hook) || !values._check(item, flags, hook, path)) valid = false;
      path?.pop();
    }
    return valid;
  }

  _read(tap: Tap): Map<string, unknown> {
    const values = inner(this.valuesType);
    const map = new Map<string, unknown>();
    for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
      if (count < 0) tap.skipLong();
      for (let n = Math.abs(count); n > 0; n--) map.set(tap.readString(), values._read(tap));
    }
    return map;
  }

  _write(tap: Tap, value: unknown): void {
    if (!(value instanceof Map)) return refuse(value, this);
    const values = inner(this.valuesType);
    if (value.size > 0) {
      tap.writeLong(value.size);
      for (const [key, item] of value) {
        inner(STRING)._write(tap, key);
        values._write(tap, item);
      }
    }
    tap.writeLong(0);
  }

  /** Only used for defaults: once from their JSON, then from a map. */
  _copy(value: unknown, options: unknown): Map<string, unknown> {
    const entries = value instanceof Map ? value.entries() : Object.entries(value as object);
    const values = inner(this.valuesType);
    return new Map(Array.from(entries, ([key, item]) => [key, values._copy(item, options)]));
  }
}

/** Refuses `toString` and the like, which avsc takes for the first symbol. */
class ExactEnum extends avro.types.EnumType {
  _check(value: unknown, _flags: unknown, hook?: Hook): boolean {
    const valid = this.symbols.includes(value as string);
    if (!valid) hook?.(value, this);
    return valid;
  }

  _write(tap: Tap, value: unknown): void {
    const index = this.symbols.indexOf(value as string);
    if (index < 0) return refuse(value, this);
    tap.writeLong(index);
  }
}

/** Decodes to plain objects: their prototype is Object's. */
class PlainRecord extends avro.types.RecordType {
  constructor(schema: avro.Schema, options: unknown) {
    super(schema, options);
    this.recordConstructor.prototype = Object.prototype;
  }
}

/** A `decimal` as a plain decimal string, with exactly `scale` decimals when read. */
class Decimal extends avro.types.LogicalType {
  readonly precision: number;
  readonly scale: number;

  constructor(schema: avro.Schema, options: unknown) {
    super(schema, options);
    const { precision, scale = 0 } = schema as unknown as { precision: number; scale?: number };
    this.precision = precision;
    this.scale = scale;
  }

  override _fromValue(bytes: Buffer): string {
    return decodeDecimal(bytes, this.precision, this.scale);
  }

  override _toValue(text: unknown): Buffer {
    return encodeDecimal(text, this.precision, this.scale);
  }

  override _resolve(writer: avro.Type) {
    const same =
      writer instanceof Decimal && writer.precision === this.precision && writer.scale === this.scale;
    return same ? identity : undefined;
  }
}

/**
 * Instants before this (the year 140,700 BC) are refused: avsc computes with zigzag numbers as doubles, and takes odd
 * ones above 2^53, which stand for negatives, for positives.
 */
export const FIRST_INSTANT = -(2 ** 52) + 1;

/** A `timestamp-millis` as a Date. */
class TimestampMillis extends avro.types.LogicalType {
  override _fromValue(millis: number): Date {
    return new Date(millis);
  }

  override _toValue(date: unknown): number {
    // An invalid Date is NaN, which is not above anything either.
    if (!(date instanceof Date) || !(date.getTime() >= FIRST_INSTANT)) {
      throw new Error('an instant is a valid Date');
    }
    return date.getTime();
  }

  override _resolve(writer: avro.Type) {
    return writer instanceof TimestampMillis ? identity : undefined;
  }
}

const identity = <T>(value: T): T => value;

/** Why a value is not of an avsc type, in words. */
export const reasonAgainst = (value: unknown, type: avro.Type): string => {
  if (type instanceof Decimal || type instanceof TimestampMillis) {
    try {
      type._toValue(value);
    } catch (error) {
      return (error as Error).message;
    }
  }
  if (type instanceof avro.types.UnwrappedUnionType) {
    const branch = type.types.find(({ typeName }) => typeName !== 'null');
    if (branch !== undefined && value !== undefined) return reasonAgainst(value, branch);
  }
  if (value === undefined) return 'missing';
  if (typeof value === 'string' && !value.isWellFormed()) return 'a lone surrogate is no text';
  return `${typeof value} is no ${type instanceof ExactEnum ? type.symbols.join(' | ') : type.typeName.replace('abstract:', '')}`;
};

/** avsc's type for a schema that `parseSchema` took. */
export const avscType = (schema: SchemaJson): avro.Type =>
  avro.Type.forSchema(schema as avro.Schema, {
    assertLogicalTypes: true,
    logicalTypes: { decimal: Decimal, 'timestamp-millis': TimestampMillis },
    omitRecordMethods: true,
    wrapUnions: 'never',
    typeHook: mended,
  });

const mended = (schema: avro.Schema, options: unknown): avro.Type | undefined => {
  const { type, logicalType } = (typeof schema === 'string' ? { type: schema } : schema) as {
    type?: unknown;
    logicalType?: unknown;
  };
  if (logicalType !== undefined) return undefined;
  if (type === 'string') return STRING;
  if (type === 'int') return INT;
  if (type === 'long') return LONG;
  if (type === 'record') return new PlainRecord(schema, options);
  if (type === 'enum') return new ExactEnum(schema, options);
  if (type === 'map') return new MapOfStrings(schema, options);
  return undefined;
};
