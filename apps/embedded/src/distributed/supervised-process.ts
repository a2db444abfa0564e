import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Cancel, Runtime } from '@cordada/infra/runtime.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** One process that is started again whenever it ends, until it is stopped. */
export interface SupervisedProcess {
  /** The process that runs now; undefined between two of them. */
  pid(): number | undefined;
  /** How often it was started. */
  starts(): number;
  /** Has it drain and end, by force where it takes longer than a drain may. Starts it no more. */
  stop(): Promise<void>;
}

export interface SupervisedProcessOptions {
  /** A program of this checkout, and its arguments. */
  readonly program: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly runtime: Runtime;
  /** A line of its output. */
  line(text: string): void;
  /** It ended without being stopped, and is started again in `ms` milliseconds. */
  died(how: string, ms: number): void;
}

const firstPauseMs = 500;
const longestPauseMs = 10_000;
/** A process that lived so long died of something new. */
const healthyMs = 10_000;
/** Longer than a service may drain (graceful-process.ts). */
const patienceMs = 20_000;

const eachLine = (stream: Readable, line: (text: string) => void): void => {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', line);
};

/**
 * Starts a program of ours, in a process group of its own: a Ctrl-C at the terminal reaches it through us alone. It
 * holds a channel to us, and ends when that closes: it never outlives us, not even where we are killed.
 */
export const supervise = ({
  program,
  env,
  runtime,
  line,
  died,
}: SupervisedProcessOptions): SupervisedProcess => {
  let child: ChildProcess | undefined;
  let starts = 0;
  let pauseMs = firstPauseMs;
  let stopped = false;
  let cancelRestart: Cancel = () => {};
  let ended = Promise.resolve();

  const start = (): void => {
    starts += 1;
    const startedAt = runtime.now();
    const started = spawn(
      process.execPath,
      [...process.execArgv, 'apps/embedded/launch.mjs', '--service', ...program],
      {
        cwd: root,
        env: env as NodeJS.ProcessEnv,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        detached: true,
      },
    );
    child = started;
    for (const stream of [started.stdout, started.stderr]) if (stream) eachLine(stream, line);
    ended = new Promise((resolve) => {
      const end = (how: string): void => {
        if (child !== started) return;
        child = undefined;
        resolve();
        if (stopped) return;
        if (runtime.now() - startedAt > healthyMs) pauseMs = firstPauseMs;
        died(how, pauseMs);
        cancelRestart = runtime.after(pauseMs, start);
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      };
      started.once('error', (error) => end(error.message));
      started.once('close', (code, signal) =>
        end(signal === null ? `ended with ${code}` : `ended by ${signal}`),
      );
    });
  };
  start();

  return {
    pid: () => child?.pid,
    starts: () => starts,
    async stop() {
      stopped = true;
      cancelRestart();
      const last = child;
      if (last === undefined) return;
      last.kill('SIGTERM');
      const cancel = runtime.after(patienceMs, () => last.kill('SIGKILL'));
      await ended;
      cancel();
    },
  };
};
