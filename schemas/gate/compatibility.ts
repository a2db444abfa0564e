import type { RecordShape, Shape } from '../codec/shape.ts';
import { avscType } from '../codec/types.ts';
import type { Source } from './sources.ts';

/**
 * Why two versions of one major cannot read each other; empty where each reads all that the other writes. Compared
 * with every published version, this is Pulsar's `FULL_TRANSITIVE`, and stricter: it sees logical types, and takes no
 * promotion (`int` to `long` is readable in one direction only).
 */
export const incompatibilities = (a: Source, b: Source): readonly string[] => [
  ...cannotRead(a, b),
  ...cannotRead(b, a),
];

const cannotRead = (reader: Source, writer: Source): readonly string[] => {
  const reasons = differences(reader.shape, writer.shape);
  const sentence = (reason: string) =>
    `${reader.contract}: v${reader.major}.${reader.minor} cannot read v${writer.major}.${writer.minor}: ${reason}`;
  if (reasons.length > 0) return reasons.map(sentence);
  try {
    avscType(reader.schema).createResolver(avscType(writer.schema));
    return [];
  } catch (error) {
    return [sentence((error as Error).message)];
  }
};

const differences = (reader: RecordShape, writer: RecordShape): readonly string[] => {
  const reasons: string[] = [];
  const compared = new Set<string>();
  const refuse = (path: string, reason: string): void =>
    void reasons.push(path === '' ? reason : `${path}: ${reason}`);

  const compare = (read: Shape, written: Shape, path: string): void => {
    if (read.kind === 'optional') {
      return compare(read.value, written.kind === 'optional' ? written.value : written, path);
    }
    if (written.kind === 'optional') return refuse(path, 'may be null there');
    if (read.kind !== written.kind) return refuse(path, `is ${read.kind} here and ${written.kind} there`);
    switch (read.kind) {
      case 'decimal': {
        const other = written as typeof read;
        if (read.precision === other.precision && read.scale === other.scale) return;
        return refuse(path, `is ${digits(read)} here and ${digits(other)} there`);
      }
      case 'fixed': {
        const other = written as typeof read;
        if (read.name !== other.name)
          return refuse(path, `is called ${read.name} here and ${other.name} there`);
        if (read.size !== other.size) refuse(path, `has ${read.size} bytes here and ${other.size} there`);
        return;
      }
      case 'enum': {
        const other = written as typeof read;
        if (read.name !== other.name)
          return refuse(path, `is called ${read.name} here and ${other.name} there`);
        const unknown = other.symbols.filter((symbol) => !read.symbols.includes(symbol));
        if (unknown.length === 0 || read.default !== undefined) return;
        return refuse(path, `has no ${unknown.join(', ')} here, and no default for it`);
      }
      case 'array':
        return compare(read.items, (written as typeof read).items, `${path}[]`);
      case 'map':
        return compare(read.values, (written as typeof read).values, `${path}{}`);
      case 'record':
        return compareRecords(read, written as typeof read, path);
      default:
        return;
    }
  };

  const compareRecords = (read: RecordShape, written: RecordShape, path: string): void => {
    if (read.name !== written.name)
      return refuse(path, `is called ${read.name} here and ${written.name} there`);
    // A record within itself is compared once.
    if (compared.has(read.name)) return;
    compared.add(read.name);
    for (const field of read.fields) {
      const at = path === '' ? field.name : `${path}.${field.name}`;
      const other = written.fields.find(({ name }) => name === field.name);
      if (other !== undefined) compare(field.shape, other.shape, at);
      else if (field.default === undefined) refuse(at, 'is not there, and has no default here');
    }
  };

  compareRecords(reader, writer, '');
  return reasons;
};

const digits = ({ precision, scale }: { precision: number; scale: number }): string =>
  `decimal(${precision},${scale})`;
