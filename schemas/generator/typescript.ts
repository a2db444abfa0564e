import type { FieldShape, RecordShape, Shape } from '../codec/shape.ts';
import { byContract, contractName, type Source } from '../gate/sources.ts';

/**
 * The TypeScript of all contracts: an interface a record, a union of strings an enum, and the contracts themselves
 * with every schema that was ever published, so that nothing is read from disk when a service starts.
 */
export const generate = (sources: readonly Source[]): string => {
  const groups = byContract(sources);
  const contracts = groups.map((versions) => ({ versions, newest: versions.at(-1) as Source }));
  return [
    '// Generated from the .avsc files by `schemas/generate.ts`: do not edit.',
    "import { type ContractVersion, defineContract } from '../codec/codec.ts';",
    "import type { Contract } from '../codec/contract.ts';",
    '',
    ...declarations(contracts.map(({ newest }) => newest)),
    ...contracts.map(({ versions }) => schemasOf(versions)),
    '/** Every contract, by its name. */',
    'export const contracts = {',
    ...contracts.map(({ newest }) => {
      const name = contractName(newest);
      const topic = `${newest.owner}/${newest.contract}.v${newest.major}`;
      return `  ${name}: defineContract<${name}>('${newest.owner}', '${name}', '${topic}', ${constant(name)}),`;
    }),
    '};',
    '',
    '/** Every contract, by owner and name. */',
    'export const catalog: readonly Contract<unknown>[] = Object.values(contracts) as readonly Contract<unknown>[];',
    '',
    'const byName = new Map(catalog.map((contract) => [contract.name, contract]));',
    '',
    '/** The contract of a name that came from outside; undefined where there is none. */',
    'export const contractNamed = (name: string): Contract<unknown> | undefined => byName.get(name);',
    '',
  ].join('\n');
};

const constant = (name: string): string =>
  `${name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase()}_VERSIONS`;

const schemasOf = (versions: readonly Source[]): string => {
  const name = contractName(versions[0] as Source);
  const entries = versions.map(
    ({ major, minor, fingerprint, schema }) =>
      `  { version: '${major}.${minor}', fingerprint: '${fingerprint}', schema: ${JSON.stringify(schema)} },\n`,
  );
  return `const ${constant(name)}: readonly ContractVersion[] = [\n${entries.join('')}];\n`;
};

/** Names that a nested type may not shadow. */
const TAKEN = ['Contract', 'ContractVersion', 'Date', 'Buffer', 'Map', 'ReadonlyMap', 'Object'];

/**
 * Declares every type once. Nested types of one name share a declaration where they are the same in every contract;
 * where they differ each bears its contract's name in front.
 */
const declarations = (newest: readonly Source[]): readonly string[] => {
  const tops = new Set([...newest.map(contractName), ...TAKEN]);
  const variants = new Map<string, Set<string>>();
  for (const source of newest) {
    for (const nested of nestedIn(source.shape)) {
      const simple = simpleName(nested.name);
      variants.set(simple, (variants.get(simple) ?? new Set()).add(declarationKey(nested)));
    }
  }
  const shared = (simple: string): boolean => !tops.has(simple) && variants.get(simple)?.size === 1;

  const declared = new Map<string, string>();
  for (const source of newest) {
    const top = contractName(source);
    const nameOf = (name: string): string => {
      if (name === source.shape.name) return top;
      const simple = simpleName(name);
      return shared(simple) ? simple : `${top}${simple}`;
    };
    for (const nested of [...nestedIn(source.shape), source.shape]) {
      const name = nameOf(nested.name);
      const text = declare(nested, name, nameOf);
      const before = declared.get(name);
      if (before !== undefined && before !== text)
        throw new Error(`two different types would be called ${name}`);
      declared.set(name, text);
    }
  }
  return [...declared.values()];
};

type NamedShape = Extract<Shape, { readonly kind: 'record' | 'enum' }>;

const simpleName = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

/** The records and enums within a record, each once, inner ones first. */
const nestedIn = (record: RecordShape): readonly NamedShape[] => {
  const found = new Map<string, NamedShape>();
  const visited = new Set<string>([record.name]);
  const visit = (shape: Shape): void => {
    if (shape.kind === 'array') return visit(shape.items);
    if (shape.kind === 'map') return visit(shape.values);
    if (shape.kind === 'optional') return visit(shape.value);
    if (shape.kind !== 'record' && shape.kind !== 'enum') return;
    if (visited.has(shape.name)) return;
    visited.add(shape.name);
    if (shape.kind === 'record') for (const field of shape.fields) visit(field.shape);
    found.set(shape.name, shape);
  };
  for (const field of record.fields) visit(field.shape);
  return [...found.values()];
};

/** What a nested type looks like from outside, whatever the types within it come to be called. */
const declarationKey = (shape: NamedShape): string => {
  const seen = new Set<string>();
  const key = (at: Shape): string => {
    if (at.kind === 'record' || at.kind === 'enum') {
      const simple = simpleName(at.name);
      if (seen.has(at.name)) return simple;
      seen.add(at.name);
      if (at.kind === 'enum') return `${simple} ${at.doc} ${at.symbols.join('|')}`;
      return `${simple} ${at.doc} {${at.fields.map((f) => `${f.name} ${f.doc} ${key(f.shape)}`).join(';')}}`;
    }
    if (at.kind === 'array') return `${key(at.items)}[]`;
    if (at.kind === 'map') return `{${key(at.values)}}`;
    if (at.kind === 'optional') return `${key(at.value)}?`;
    return JSON.stringify(at);
  };
  return key(shape);
};

const declare = (shape: NamedShape, name: string, nameOf: (name: string) => string): string => {
  const doc = tsdoc(shape.doc === undefined ? [] : [shape.doc], '');
  if (shape.kind === 'enum') {
    return `${doc}export type ${name} = ${shape.symbols.map((symbol) => `'${symbol}'`).join(' | ')};\n`;
  }
  const fields = shape.fields.map(
    (field) => `${tsdoc(remarks(field), '  ')}  readonly ${field.name}: ${typeOf(field.shape, nameOf)};\n`,
  );
  return `${doc}export interface ${name} {\n${fields.join('')}}\n`;
};

/** What a field's type does not say: its doc, and the digits of a decimal. */
const remarks = ({ doc, shape }: FieldShape): readonly string[] => {
  const inner = shape.kind === 'optional' ? shape.value : shape;
  const digits =
    inner.kind === 'decimal' ? [`Decimal, ${inner.precision} digits, ${inner.scale} of them decimals.`] : [];
  return doc === undefined ? digits : [doc, ...digits];
};

const tsdoc = (lines: readonly string[], pad: string): string =>
  lines.length === 0 ? '' : `${pad}/** ${lines.join(' ').replaceAll('*/', '*\\/').replace(/\s+/g, ' ')} */\n`;

const typeOf = (shape: Shape, nameOf: (name: string) => string): string => {
  switch (shape.kind) {
    case 'boolean':
      return 'boolean';
    case 'int':
    case 'float':
    case 'double':
      return 'number';
    case 'long':
      return 'bigint';
    case 'string':
    case 'decimal':
      return 'string';
    case 'timestamp-millis':
      return 'Date';
    case 'bytes':
    case 'fixed':
      return 'Buffer';
    case 'record':
    case 'enum':
      return nameOf(shape.name);
    case 'array': {
      const items = typeOf(shape.items, nameOf);
      return `readonly ${items.includes(' ') ? `(${items})` : items}[]`;
    }
    case 'map':
      return `ReadonlyMap<string, ${typeOf(shape.values, nameOf)}>`;
    case 'optional':
      return `${typeOf(shape.value, nameOf)} | null`;
    default:
      return shape satisfies never;
  }
};
