import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { textOf } from './sources.ts';

/** What was published of one version: neither may ever change. */
export interface Published {
  readonly fingerprint: string;
  /** SHA-256 of the `.avsc`, hex. */
  readonly schema: string;
  /** SHA-256 of its golden bytes, hex. */
  readonly golden: string;
}

/** By the path of the `.avsc`. */
export type Lock = Readonly<Record<string, Published>>;

const LOCK = 'published.json';

export const lockPath = (root: string): string => join(root, LOCK);

/** The lock file of a folder; empty where there is none. */
export const readLock = (root: string): Lock => JSON.parse(textOf(lockPath(root)) ?? '{}') as Lock;

export const printLock = (lock: Lock): string => {
  const sorted = Object.fromEntries(Object.entries(lock).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify(sorted, null, 2)}\n`;
};

/** All that any commit up to this one ever published, and in which. */
export type History = ReadonlyMap<string, Published & { readonly commit: string }>;

/**
 * Reads the history of the lock file, so that changing a schema together with its line in the lock is seen too.
 * @returns undefined where there is no git to ask; a shallow clone answers what it has
 */
export const readHistory = (root: string): History | undefined => {
  const git = (...args: string[]): string | undefined => {
    try {
      return execFileSync('git', ['-C', root, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    } catch {
      // No git, no repository, no commit yet, or no such file in that commit.
      return undefined;
    }
  };
  if (git('rev-parse', '--is-inside-work-tree') === undefined) return undefined;
  const commits = git('log', '--full-history', '--format=%H', '--', LOCK)?.split('\n').filter(Boolean) ?? [];
  const history = new Map<string, Published & { commit: string }>();
  // Newest commit first, so that the oldest one has the last word.
  for (const commit of commits) {
    const lock = JSON.parse(git('show', `${commit}:./${LOCK}`) ?? '{}') as Lock;
    for (const [path, published] of Object.entries(lock)) {
      history.set(path, { ...published, commit: commit.slice(0, 12) });
    }
  }
  return history;
};
