import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { defineContract } from '../codec/codec.ts';
import { checkGolden, GOLDEN_FOLDER, goldenPath, newGolden } from '../generator/golden.ts';
import { generate } from '../generator/typescript.ts';
import { incompatibilities } from './compatibility.ts';
import {
  type History,
  type Lock,
  lockPath,
  type Published,
  printLock,
  readHistory,
  readLock,
} from './published.ts';
import { byContract, contractName, readSources, type Source, sha256, textOf } from './sources.ts';

const GENERATED = 'generated/contracts.ts';
const REMEDY = 'run `npm run generate`';

/**
 * Checks a folder of schemas as it stands.
 * @param root the folder that holds the owners' folders, `published.json`, `generated/` and `golden/`
 * @returns why it is refused, one sentence a fault; empty when all holds
 */
export const check = (root: string): readonly string[] => {
  const { sources, refusals } = readSources(root);
  const lock = readLock(root);
  const history = readHistory(root);
  const broken = [...refusals, ...changed(sources, lock, history), ...incompatible(sources)];
  // What is generated from schemas that are refused says nothing more.
  return broken.length > 0 ? broken : [...unrecorded(sources, lock), ...stale(root, sources, lock)];
};

export interface Recorded {
  /** Why nothing was written. */
  readonly refusals: readonly string[];
  /** The files written, relative to `root`; those that were right already are not among them. */
  readonly written: readonly string[];
}

/**
 * Publishes the versions that are new: their golden bytes, their line in `published.json`, the generated code. A
 * version that no commit holds yet may be recorded again after a change.
 */
export const record = (root: string): Recorded => {
  const { sources, refusals } = readSources(root);
  const history = readHistory(root);
  const before = readLock(root);
  const lock = history === undefined ? before : withoutDrafts(before, sources, history);
  const broken = [...refusals, ...changed(sources, lock, history), ...incompatible(sources)];
  if (broken.length > 0) return { refusals: broken, written: [] };

  const written: string[] = [];
  const write = (path: string, text: string): void => {
    if (textOf(path) === text) return;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    written.push(relative(root, path));
  };
  const after: Record<string, Published> = { ...lock };
  for (const source of sources) {
    if (after[source.path] !== undefined) continue;
    const golden = newGolden(source);
    write(goldenPath(root, source), golden);
    after[source.path] = { fingerprint: source.fingerprint, schema: source.hash, golden: sha256(golden) };
  }
  write(lockPath(root), printLock(after));
  write(join(root, GENERATED), generate(sources));
  return { refusals: stale(root, sources, after), written };
};

/** The lock without the versions that only this working copy has, and has changed or dropped since. */
const withoutDrafts = (lock: Lock, sources: readonly Source[], history: History): Lock =>
  Object.fromEntries(
    Object.entries(lock).filter(
      ([path, published]) =>
        history.has(path) ||
        sources.some((source) => source.path === path && source.hash === published.schema),
    ),
  );

const changed = (sources: readonly Source[], lock: Lock, history: History | undefined): readonly string[] => {
  const refusals: string[] = [];
  const files = new Map(sources.map((source) => [source.path, source]));
  for (const [path, published] of Object.entries(lock)) {
    const source = files.get(path);
    if (source === undefined) refusals.push(`${path}: was published and is gone or unreadable`);
    else if (source.hash !== published.schema || source.fingerprint !== published.fingerprint) {
      refusals.push(`${path}: changed after it was published; restore it and add the next version beside it`);
    }
  }
  for (const [path, { commit, schema, golden, fingerprint }] of history ?? []) {
    const now = lock[path];
    if (now === undefined)
      refusals.push(`${path}: published.json lost it, and commit ${commit} had published it`);
    else if (now.schema !== schema || now.golden !== golden || now.fingerprint !== fingerprint) {
      refusals.push(`${path}: published.json says something else than commit ${commit}, which published it`);
    }
  }
  return refusals;
};

const incompatible = (sources: readonly Source[]): readonly string[] =>
  byContract(sources).flatMap((versions) =>
    versions.flatMap((newer, at) =>
      versions.slice(0, at).flatMap((older) => incompatibilities(newer, older)),
    ),
  );

const unrecorded = (sources: readonly Source[], lock: Lock): readonly string[] =>
  sources
    .filter(({ path }) => lock[path] === undefined)
    .map(({ path }) => `${path}: is not in published.json; ${REMEDY}`);

/** What was made of the schemas and is not what they make today. */
const stale = (root: string, sources: readonly Source[], lock: Lock): readonly string[] => {
  const refusals: string[] = [];
  if (textOf(join(root, GENERATED)) !== generate(sources)) refusals.push(`${GENERATED}: is stale; ${REMEDY}`);
  const expected = new Set<string>();
  for (const versions of byContract(sources)) {
    const contract = contractOf(versions);
    for (const source of versions) {
      const path = goldenPath(root, source);
      expected.add(relative(join(root, GOLDEN_FOLDER), path));
      const published = lock[source.path];
      if (published === undefined) continue;
      const file = relative(root, path);
      const text = textOf(path);
      if (text === undefined) refusals.push(`${file}: is missing; restore it`);
      else if (sha256(text) !== published.golden)
        refusals.push(`${file}: changed after it was published; restore it`);
      else refusals.push(...checkGolden(source, text, contract).map((reason) => `${file}: ${reason}`));
    }
  }
  for (const file of goldenFiles(root)) {
    if (!expected.has(file)) refusals.push(`${GOLDEN_FOLDER}/${file}: belongs to no version`);
  }
  return refusals;
};

const contractOf = (versions: readonly Source[]) => {
  const { owner, contract, major } = versions[0] as Source;
  return defineContract<unknown>(
    owner,
    contractName({ contract, major }),
    '',
    versions.map(({ minor, fingerprint, schema }) => ({ version: `${major}.${minor}`, fingerprint, schema })),
  );
};

const goldenFiles = (root: string): readonly string[] => {
  try {
    return readdirSync(join(root, GOLDEN_FOLDER));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};
