import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { declared } from '@cordada/infra/config/settings.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** How a process of the product ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** `npm start`, as a process of its own. */
export interface ProductProcess {
  readonly child: ChildProcess;
  readonly exit: Promise<Exit>;
  stdout(): string;
  stderr(): string;
  /** Resolves when the card stands on stdout. Rejects with all output when the process ends before. */
  up(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** A setting for the child; null leaves a variable of this process out. */
export type Environment = Readonly<Record<string, string | null>>;

/** This process's environment without the product's settings, so that a developer's own do not leak into a test. */
const environment = (settings: Environment): NodeJS.ProcessEnv => {
  const env: NodeJS.ProcessEnv = { ...process.env, LOG_LEVEL: 'warn' };
  for (const name of Object.keys(declared)) if (name !== 'LOG_LEVEL') delete env[name];
  for (const [name, value] of Object.entries(settings)) {
    if (value === null) delete env[name];
    else env[name] = value;
  }
  return env;
};

/** No process of a test is meant to live longer, unless it says so. */
const LIFETIME_MS = 120_000;

const running = new Set<ChildProcess>();

/** For `after.each`: what a failed test left running would keep its suite from ending. */
export const killLeftovers = (): void => {
  for (const { pid } of running) {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
};
process.on('exit', killLeftovers);

/** Runs any command of the checkout as `startProduct` runs the product. */
export const startCommand = (
  command: readonly [string, ...string[]],
  settings: Environment,
  { cwd = root, lifetimeMs = LIFETIME_MS }: { readonly cwd?: string; readonly lifetimeMs?: number } = {},
): ProductProcess => {
  const [file, ...args] = command;
  const child = spawn(file, args, {
    cwd,
    env: environment(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a process group of its own, so that nothing of it is left over
  });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exit = new Promise<Exit>((resolve, reject) => {
    const limit = setTimeout(() => {
      reject(new Error(`still running after ${lifetimeMs / 1000} s:\n${stdout}\n${stderr}`));
    }, lifetimeMs);
    child.on('error', reject);
    child.on('close', () => clearTimeout(limit));
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
  });
  return {
    child,
    exit,
    stdout: () => stdout,
    stderr: () => stderr,
    up: () =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (/^Cordada is up/m.test(stdout)) resolve();
        };
        child.stdout.on('data', look);
        look();
        exit.then(
          ({ code }) => reject(new Error(`ended with ${code} before it was up:\n${stdout}\n${stderr}`)),
          reject,
        );
      }),
    kill: (signal) => {
      child.kill(signal);
    },
  };
};

/** `npm start` without npm: the process that answers is the one that is started. */
export const startProduct = (settings: Environment, ...args: string[]): ProductProcess =>
  startCommand(
    [process.execPath, 'apps/embedded/launch.mjs', '--service', 'apps/embedded/src/main.ts', ...args],
    settings,
  );

/** A folder of this test's own; `remove` it at the end. */
export const temporaryFolder = async (): Promise<{ path: string; remove(): Promise<void> }> => {
  const path = await mkdtemp(join(tmpdir(), 'cordada-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
};
