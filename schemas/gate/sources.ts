import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintOf, type SchemaJson } from '../codec/fingerprint.ts';
import { parseSchema, type RecordShape } from '../codec/shape.ts';

/** One `.avsc`: a version of a contract. */
export interface Source {
  /** `<owner>/<Contract>/v<major>.<minor>.avsc`, with forward slashes. */
  readonly path: string;
  readonly owner: string;
  readonly contract: string;
  readonly major: number;
  readonly minor: number;
  readonly text: string;
  /** SHA-256 of the file, hex. */
  readonly hash: string;
  readonly schema: SchemaJson;
  readonly shape: RecordShape;
  readonly fingerprint: string;
}

export interface Sources {
  /** By owner, contract, major and minor. */
  readonly sources: readonly Source[];
  /** What is wrong with the files themselves, one sentence each. */
  readonly refusals: readonly string[];
}

/** Folders of `schemas/` that are no owner's. */
const CODE = new Set(['codec', 'gate', 'generated', 'generator', 'golden', 'node_modules']);
const PLACE = /^([a-z][a-z0-9-]*)\/([A-Z][A-Za-z0-9]*)\/v([1-9][0-9]*)\.(0|[1-9][0-9]*)\.avsc$/;

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Reads every schema under `root` and checks that file, folder, record and namespace agree. */
export const readSources = (root: string): Sources => {
  const sources: Source[] = [];
  const refusals: string[] = [];
  const owners = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of owners.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (CODE.has(name) || name.startsWith('.')) continue;
    for (const path of filesUnder(root, name)) {
      try {
        sources.push(readSource(root, path));
      } catch (error) {
        refusals.push(`${path}: ${(error as Error).message}`);
      }
    }
  }
  sources.sort(byPlace);
  return { sources, refusals: [...refusals, ...gaps(sources)] };
};

const filesUnder = (root: string, folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesUnder(root, path) : [path];
  });

const byPlace = (a: Source, b: Source): number => {
  const [left, right] = [`${a.owner}/${a.contract}`, `${b.owner}/${b.contract}`];
  return left === right ? a.major - b.major || a.minor - b.minor : left < right ? -1 : 1;
};

const readSource = (root: string, path: string): Source => {
  const place = PLACE.exec(path);
  if (place === null) throw new Error('is not <owner>/<Contract>/v<major>.<minor>.avsc');
  const [, owner = '', contract = '', major = '', minor = ''] = place;
  const text = readFileSync(join(root, path), 'utf8');
  const schema = JSON.parse(text) as SchemaJson;
  const shape = parseSchema(schema);
  // A dash is no letter of an Avro name.
  const expected = `cordada.${owner.replaceAll('-', '_')}.${contract}`;
  if (shape.name !== expected)
    throw new Error(`its record is ${shape.name}, not ${expected} as its folder says`);
  return {
    path,
    owner,
    contract,
    major: Number(major),
    minor: Number(minor),
    text,
    hash: sha256(text),
    schema,
    shape,
    fingerprint: fingerprintOf(schema),
  };
};

const gaps = (sources: readonly Source[]): string[] => {
  const refusals: string[] = [];
  const owners = new Map<string, string>();
  for (const [at, { path, owner, contract, major, minor }] of sources.entries()) {
    const other = owners.get(contract);
    if (other !== undefined && other !== owner)
      refusals.push(`${path}: ${other} owns a contract of that name already`);
    owners.set(contract, owner);
    const before = sources[at - 1];
    const follows = before?.owner === owner && before.contract === contract ? before : undefined;
    if (
      follows?.major === major
        ? minor !== follows.minor + 1
        : minor !== 0 || major !== (follows?.major ?? 0) + 1
    ) {
      refusals.push(
        `${path}: follows ${follows === undefined ? 'nothing' : `v${follows.major}.${follows.minor}`}, so a version is left out`,
      );
    }
  }
  return refusals;
};

/** The versions of each contract and major, oldest first. */
export const byContract = (sources: readonly Source[]): readonly (readonly Source[])[] => {
  const groups = new Map<string, Source[]>();
  for (const source of sources) {
    const name = contractName(source);
    groups.set(name, [...(groups.get(name) ?? []), source]);
  }
  return [...groups.values()];
};

/** How code names a contract: `PartnerRegistrado`, and `PartnerRegistradoV2` for its second major. */
export const contractName = ({ contract, major }: Pick<Source, 'contract' | 'major'>): string =>
  major === 1 ? contract : `${contract}V${major}`;

/** A file's text, or undefined where there is none. */
export const textOf = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, 'utf8') : undefined;
