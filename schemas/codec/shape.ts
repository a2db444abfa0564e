import type { SchemaJson } from './fingerprint.ts';

/** A schema whose names are resolved and whose rules are checked: what scanning, generating and comparing walk. */
export type Shape =
  | {
      readonly kind:
        | 'boolean'
        | 'int'
        | 'long'
        | 'float'
        | 'double'
        | 'string'
        | 'bytes'
        | 'timestamp-millis';
    }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'fixed'; readonly name: string; readonly size: number }
  | EnumShape
  | { readonly kind: 'array'; readonly items: Shape }
  | { readonly kind: 'map'; readonly values: Shape }
  | { readonly kind: 'optional'; readonly nullFirst: boolean; readonly value: Shape }
  | RecordShape;

export interface EnumShape {
  readonly kind: 'enum';
  readonly name: string;
  readonly doc: string | undefined;
  readonly symbols: readonly string[];
  /** What a reader makes of a symbol it does not know. */
  readonly default: string | undefined;
}

export interface RecordShape {
  readonly kind: 'record';
  readonly name: string;
  readonly doc: string | undefined;
  readonly fields: readonly FieldShape[];
}

export interface FieldShape {
  readonly name: string;
  readonly doc: string | undefined;
  readonly shape: Shape;
  /** As JSON, in the Avro encoding of defaults; undefined where there is none. */
  readonly default: unknown;
}

/** A schema that this product does not take, with the place in it. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
}

type Attributes = Readonly<Record<string, unknown>>;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const PRIMITIVES = new Set(['boolean', 'int', 'long', 'float', 'double', 'string', 'bytes']);

/** Attributes that each type may have: a misspelt `logicalType` would otherwise pass as if it were not there. */
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  record: ['name', 'namespace', 'doc', 'fields'],
  enum: ['name', 'namespace', 'doc', 'symbols', 'default'],
  fixed: ['name', 'namespace', 'doc', 'size'],
  array: ['items'],
  map: ['values'],
  long: ['logicalType'],
  bytes: ['logicalType', 'precision', 'scale'],
};

const refuse = (path: string, reason: string): never => {
  throw new SchemaError(path === '' ? reason : `${path}: ${reason}`);
};

/**
 * Reads a message's schema. Refused with the reason: anything but a record at the top, unknown logical types and
 * attributes, aliases (they resolve in one direction only), unions that are not `null` and one type, defaults of the
 * wrong type, names that JavaScript treats specially, records without fields.
 * @throws SchemaError
 */
export const parseSchema = (schema: SchemaJson): RecordShape => {
  const shape = new Parser().parse(schema, '', '');
  return shape.kind === 'record' ? shape : refuse('', `a message is a record, not ${shape.kind}`);
};

class Parser {
  readonly #named = new Map<string, Shape>();

  parse(schema: unknown, namespace: string, path: string): Shape {
    if (typeof schema === 'string') return this.#reference(schema, namespace, path);
    if (Array.isArray(schema)) return this.#union(schema, namespace, path);
    if (schema === null || typeof schema !== 'object')
      return refuse(path, `not a schema: ${JSON.stringify(schema)}`);
    const attributes = schema as Attributes;
    const { type } = attributes;
    if (typeof type !== 'string') return refuse(path, 'a type must be a name');
    const allowed = ATTRIBUTES[type] ?? [];
    for (const attribute of Object.keys(attributes)) {
      if (attribute !== 'type' && !allowed.includes(attribute)) {
        refuse(path, `${type} has no attribute ${JSON.stringify(attribute)} here`);
      }
    }
    if (attributes.logicalType !== undefined) return logical(attributes, path);
    switch (type) {
      case 'record':
        return this.#record(attributes, namespace, path);
      case 'enum':
        return this.#define(enumShape(attributes, namespace, path), path);
      case 'fixed':
        return this.#define(fixedShape(attributes, namespace, path), path);
      case 'array': {
        const items = this.parse(attributes.items, namespace, `${path}[]`);
        return { kind: 'array', items };
      }
      case 'map':
        return { kind: 'map', values: this.parse(attributes.values, namespace, `${path}{}`) };
      default:
        return this.#reference(type, namespace, path);
    }
  }

  #reference(name: string, namespace: string, path: string): Shape {
    if (PRIMITIVES.has(name)) return { kind: name } as Shape;
    if (name === 'null') return refuse(path, 'null only stands in an optional union');
    return this.#named.get(qualify(name, namespace)) ?? refuse(path, `unknown type ${JSON.stringify(name)}`);
  }

  #union(branches: readonly unknown[], namespace: string, path: string): Shape {
    const nullAt = branches.indexOf('null');
    if (branches.length !== 2 || nullAt < 0) return refuse(path, 'a union is null and one other type');
    const value = this.parse(branches[1 - nullAt], namespace, path);
    if (value.kind === 'optional') return refuse(path, 'a union cannot hold a union');
    return { kind: 'optional', nullFirst: nullAt === 0, value };
  }

  #record(attributes: Attributes, namespace: string, path: string): RecordShape {
    const fields: FieldShape[] = [];
    const { name, doc } = named(attributes, namespace, path);
    const record: RecordShape = { kind: 'record', name, doc, fields };
    this.#define(record, path);
    // One at least, so that every item of an array takes a byte: else five bytes could announce 10^9 of them.
    if (!Array.isArray(attributes.fields) || attributes.fields.length === 0) {
      return refuse(path, 'a record has fields');
    }
    const inner = name.slice(0, Math.max(0, name.lastIndexOf('.')));
    for (const field of attributes.fields as readonly Attributes[]) {
      const fieldName = identifier(field.name, path);
      const at = path === '' ? fieldName : `${path}.${fieldName}`;
      if (fields.some((other) => other.name === fieldName)) refuse(at, 'a field of that name exists already');
      for (const attribute of Object.keys(field)) {
        if (!['name', 'type', 'doc', 'default'].includes(attribute)) {
          refuse(at, `a field has no attribute ${JSON.stringify(attribute)} here`);
        }
      }
      const shape = this.parse(field.type, inner, at);
      if (field.default !== undefined) checkDefault(shape, field.default, at);
      fields.push({ name: fieldName, doc: text(field.doc, at), shape, default: field.default });
    }
    return record;
  }

  #define<S extends Shape & { readonly name: string }>(shape: S, path: string): S {
    if (this.#named.has(shape.name)) refuse(path, `${shape.name} is defined twice`);
    this.#named.set(shape.name, shape);
    return shape;
  }
}

const qualify = (name: string, namespace: string): string =>
  name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;

const identifier = (name: unknown, path: string): string => {
  if (typeof name !== 'string' || !NAME.test(name)) return refuse(path, `bad name ${JSON.stringify(name)}`);
  // A decoded record is a plain object, and these would not be properties of its own.
  return name === '__proto__' || name === 'constructor' ? refuse(path, `${name} cannot be a name`) : name;
};

const text = (doc: unknown, path: string): string | undefined =>
  doc === undefined || typeof doc === 'string' ? doc : refuse(path, 'doc is a text');

const named = (attributes: Attributes, namespace: string, path: string) => {
  if (typeof attributes.name === 'string' && attributes.name.includes('.')) {
    refuse(path, 'a namespace stands in its own attribute');
  }
  const name = identifier(attributes.name, path);
  const own = text(attributes.namespace, path) ?? namespace;
  return { name: qualify(name, own), doc: text(attributes.doc, path) };
};

const enumShape = (attributes: Attributes, namespace: string, path: string): EnumShape => {
  const symbols = attributes.symbols;
  if (!Array.isArray(symbols) || symbols.length === 0) return refuse(path, 'an enum has symbols');
  if (new Set(symbols).size < symbols.length) return refuse(path, 'a symbol stands twice');
  for (const symbol of symbols) identifier(symbol, path);
  const fallback = attributes.default;
  if (fallback !== undefined && !symbols.includes(fallback))
    return refuse(path, 'its default is no symbol of it');
  return {
    kind: 'enum',
    ...named(attributes, namespace, path),
    symbols,
    default: fallback as string | undefined,
  };
};

const fixedShape = (attributes: Attributes, namespace: string, path: string): Shape & { kind: 'fixed' } => {
  const { size } = attributes;
  if (!Number.isInteger(size) || (size as number) < 1)
    return refuse(path, 'a fixed has a size of at least 1');
  return { kind: 'fixed', name: named(attributes, namespace, path).name, size: size as number };
};

const logical = ({ type, logicalType, precision, scale = 0 }: Attributes, path: string): Shape => {
  if (logicalType === 'timestamp-millis' && type === 'long') return { kind: 'timestamp-millis' };
  if (logicalType !== 'decimal' || type !== 'bytes') {
    return refuse(path, `unknown logical type ${JSON.stringify(logicalType)} of ${type}`);
  }
  const digits = precision as number;
  const decimals = scale as number;
  if (!Number.isInteger(digits) || digits < 1 || digits > 100) {
    return refuse(path, 'the precision of a decimal is 1 to 100 digits');
  }
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > digits) {
    return refuse(path, 'the scale of a decimal is 0 to its precision');
  }
  return { kind: 'decimal', precision: digits, scale: decimals };
};

const INT = 2 ** 31;

/** Avro's JSON encoding of a default: bytes and decimals are texts of one character a byte. */
const checkDefault = (shape: Shape, value: unknown, path: string): void => {
  const wrong = (): never => refuse(path, `the default ${JSON.stringify(value)} is not of its type`);
  switch (shape.kind) {
    case 'boolean':
    case 'string':
      if (typeof value !== shape.kind) wrong();
      return;
    case 'int':
      if (!Number.isInteger(value) || (value as number) < -INT || (value as number) >= INT) wrong();
      return;
    case 'long':
    case 'timestamp-millis':
      if (!Number.isSafeInteger(value)) wrong();
      return;
    case 'float':
    case 'double':
      if (typeof value !== 'number') wrong();
      return;
    case 'bytes':
    case 'decimal':
    case 'fixed': {
      if (typeof value !== 'string' || /[^\u0000-\u00ff]/.test(value)) wrong();
      const { length } = value as string;
      if (shape.kind === 'fixed' ? length !== shape.size : shape.kind === 'decimal' && length === 0) wrong();
      return;
    }
    case 'enum':
      if (!shape.symbols.includes(value as string)) wrong();
      return;
    case 'array':
      if (!Array.isArray(value)) return wrong();
      for (const item of value) checkDefault(shape.items, item, path);
      return;
    case 'map':
      if (!isObject(value)) return wrong();
      for (const item of Object.values(value)) checkDefault(shape.values, item, path);
      return;
    case 'optional':
      // The specification: a union's default is of its first branch.
      if (shape.nullFirst) return value === null ? undefined : wrong();
      return checkDefault(shape.value, value, path);
    case 'record':
      if (!isObject(value)) return wrong();
      for (const field of shape.fields) {
        if (value[field.name] !== undefined) checkDefault(field.shape, value[field.name], path);
        else if (field.default === undefined) wrong();
      }
      return;
    default:
      return shape satisfies never;
  }
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
