import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readSuiteSource, type SuiteSource } from './suite-source.ts';

export interface Suite extends SuiteSource {
  /** Relative to the folder that was searched. */
  readonly path: string;
}

const NO_SUITES = new Set(['node_modules', '.git', '.data', '.turbo', 'generated']);

/** Every file under `folder` whose name ends in `.test.ts`. */
function* testFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && !NO_SUITES.has(entry.name)) yield* testFiles(join(folder, entry.name));
    else if (entry.isFile() && entry.name.endsWith('.test.ts')) yield join(folder, entry.name);
  }
}

/** The suites whose path holds one of `parts`; all of them without any. Those with the longest limits come first. */
export const findSuites = (folder: string, parts: readonly string[] = []): Suite[] =>
  [...testFiles(folder)]
    .map((file) => ({ path: relative(folder, file), ...readSuiteSource(readFileSync(file, 'utf8')) }))
    .filter(({ path }) => parts.length === 0 || parts.some((part) => path.includes(part)))
    .sort((a, b) => b.timeLimitMs - a.timeLimitMs || a.path.localeCompare(b.path));
