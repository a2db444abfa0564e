import type { RecordShape, Shape } from '../codec/shape.ts';

/** How full a sample is: the least that the schema allows, an everyday value, the most that a type holds. */
type Fullness = 'least' | 'usual' | 'most';

/** Deterministic values of a schema: every branch of an optional, both ends of the numbers, text of many scripts. */
export const samplesOf = (record: RecordShape): readonly unknown[] =>
  (['least', 'usual', 'most'] as const).map((fullness) => sample(record, fullness, record.name, 0));

/** A schema may contain itself: beyond this depth only the least of it. */
const DEPTH = 4;

const sample = (shape: Shape, fullness: Fullness, name: string, depth: number): unknown => {
  const full = depth > DEPTH ? 'least' : fullness;
  const pick = <T>(least: T, usual: T, most: T): T =>
    full === 'least' ? least : full === 'usual' ? usual : most;
  const inner = (part: Shape, partName: string) => sample(part, full, partName, depth + 1);
  switch (shape.kind) {
    case 'boolean':
      return full !== 'least';
    case 'int':
      return pick(-(2 ** 31), 7, 2 ** 31 - 1);
    case 'long':
      return pick(-(2n ** 63n), 7n, 2n ** 63n - 1n);
    case 'float':
    case 'double':
      return pick(-0.5, 1.5, 1024.25);
    case 'string':
      return pick('', `${name} 1`, `${name}: Ñandú, Привет, 中文, مرحبا, 🎉 ${'x'.repeat(100)}`);
    case 'bytes':
      return Buffer.from(pick('', '0102', '00ff7f80'), 'hex');
    case 'fixed':
      return Buffer.alloc(shape.size, pick(0, 1, 0xff));
    case 'timestamp-millis':
      return new Date(pick(-1, 1_700_000_000_123, 8.64e15));
    case 'decimal':
      return pick(`-${decimal('9', shape)}`, decimal('1', shape), decimal('9', shape));
    case 'enum':
      return pick(shape.symbols[0], shape.symbols[0], shape.symbols.at(-1));
    case 'optional':
      return full === 'least' ? null : inner(shape.value, name);
    case 'array':
      return pick(
        [],
        [inner(shape.items, name)],
        Array.from({ length: 3 }, () => inner(shape.items, name)),
      );
    case 'map': {
      const values = shape.values;
      const entry = (key: string): [string, unknown] => [key, inner(values, key)];
      return new Map(pick<[string, unknown][]>([], [entry('clave')], [entry('clave'), entry('__proto__')]));
    }
    case 'record':
      return Object.fromEntries(shape.fields.map((field) => [field.name, inner(field.shape, field.name)]));
    default:
      return shape satisfies never;
  }
};

const decimal = (digit: string, { precision, scale }: { precision: number; scale: number }): string => {
  const whole = digit.repeat(precision - scale) || '0';
  return scale === 0 ? whole : `${whole}.${digit.repeat(scale)}`;
};
