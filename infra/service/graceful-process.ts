import closeWithGrace from 'close-with-grace';
import type { Runtime } from '../runtime.ts';
import { explain } from './refusal.ts';

/** How long draining may take; what is accepted and unfinished then goes on after the next start. */
const DRAIN_LIMIT_MS = 15_000;
/** A Ctrl-C arrives twice: from the terminal, and from npm, which passes on its own. */
const ONE_CTRL_C_MS = 300;

/** What runs until it is told to stop. */
export interface Running {
  /** Drains. */
  stop(): Promise<void>;
}

/** Writes a line for whoever started the process. */
export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

export interface GracefulProcess {
  readonly runtime: Runtime;
  /** DATABASE_URL, where it is set: a server that is away is told by its name. */
  readonly databaseUrl: string | undefined;
  /** How long a stop may take, in milliseconds; 15 s where absent. */
  readonly drainLimitMs?: number;
  /** Starts all; ends where it is once `signal` aborts. */
  start(signal: AbortSignal): Promise<Running>;
}

/**
 * Runs a program that serves until SIGINT or SIGTERM, also while it starts: it drains and ends with 0; a second
 * signal ends it at once with 1. What keeps it from starting is told in one line, and ends it with 1. A program that
 * another one of ours has started ends as by a signal when that one is gone, however it went.
 */
export const runGracefully = ({
  runtime,
  databaseUrl,
  drainLimitMs = DRAIN_LIMIT_MS,
  start,
}: GracefulProcess): void => {
  const abort = new AbortController();
  let starting: Promise<Running | undefined> = Promise.resolve(undefined);
  let stopRequestedAt: number | undefined;

  // Signals come to us, for the sake of the second one; what else ends a process goes to close-with-grace.
  const grace = closeWithGrace({ delay: drainLimitMs, skip: ['SIGINT', 'SIGTERM'] }, async ({ err }) => {
    if (err) process.stderr.write(`✘ ${err.stack ?? err.message}\n`);
    abort.abort();
    const running = await starting;
    await running?.stop();
  });
  const stop = (why: string): void => {
    if (stopRequestedAt === undefined) {
      stopRequestedAt = runtime.now();
      say(`· ${why}: finishing what is under way; once more ends at once`);
      void grace.close();
    } else if (runtime.now() - stopRequestedAt > ONE_CTRL_C_MS) {
      process.exit(1);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(signal));
  if (process.channel !== undefined && process.channel !== null) {
    process.channel.unref();
    process.once('disconnect', () => stop('whoever started this is gone'));
  }

  starting = start(abort.signal).catch((error: unknown) => {
    if (!abort.signal.aborted) {
      process.stderr.write(`✘ ${explain(error, databaseUrl)}\n`);
      process.exit(1);
    }
    return undefined;
  });
};
