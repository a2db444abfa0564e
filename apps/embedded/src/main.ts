import { resolve } from 'node:path';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import closeWithGrace from 'close-with-grace';
import { card } from './card.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { explain, UnknownArgument } from './refusal.ts';
import type { Place } from './stores.ts';

/** How long draining may take; what is accepted and unfinished then goes on after the next start. */
const DRAIN_LIMIT_MS = 15_000;
/** A Ctrl-C arrives twice: from the terminal, and from npm, which passes on its own. */
const ONE_CTRL_C_MS = 300;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const runtime = systemRuntime();
const abort = new AbortController();
let starting: Promise<Fleet | undefined> = Promise.resolve(undefined);
let stopRequestedAt: number | undefined;

// Signals come to us, for the sake of the second one; what else ends a process goes to close-with-grace.
const grace = closeWithGrace({ delay: DRAIN_LIMIT_MS, skip: ['SIGINT', 'SIGTERM'] }, async ({ err }) => {
  if (err) process.stderr.write(`✘ ${err.stack ?? err.message}\n`);
  abort.abort();
  const fleet = await starting;
  await fleet?.stop();
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopRequestedAt === undefined) {
      stopRequestedAt = runtime.now();
      say(`· ${signal}: finishing what is under way; once more ends at once`);
      void grace.close();
    } else if (runtime.now() - stopRequestedAt > ONE_CTRL_C_MS) {
      process.exit(1);
    }
  });
}

const start = async (): Promise<Fleet> => {
  const [argument] = process.argv.slice(2);
  if (argument !== undefined) {
    throw new UnknownArgument(
      `Unknown argument ${argument}: settings are variables of the environment, as in PORT_BASE=9000 npm start`,
    );
  }
  const settings = readSettings(process.env, { AUTH: 'demo' });
  const { DATABASE_URL } = settings;
  const place: Place =
    DATABASE_URL === undefined
      ? { kind: 'pglite', dataDir: resolve(settings.DATA_DIR) }
      : { kind: 'postgres', url: DATABASE_URL, prefix: 'cordada' };
  const readable =
    settings.LOG_FORMAT === 'readable' || (settings.LOG_FORMAT === 'auto' && process.stdout.isTTY);
  const fleet = await startFleet({
    settings,
    place,
    runtime,
    ports: 'listen',
    readable,
    signal: abort.signal,
    progress: (done, ms) => say(`✔ ${done} in ${(ms / 1000).toFixed(1)} s`),
  });
  say(card(settings, place, fleet.urls, process.uptime()));
  return fleet;
};

starting = start().catch((error: unknown) => {
  if (!abort.signal.aborted) {
    process.stderr.write(`✘ ${explain(error, process.env.DATABASE_URL)}\n`);
    process.exit(1);
  }
  return undefined;
});
