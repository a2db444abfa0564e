/**
 * Runs uvu suites, a process each: `run-suites.ts [--one-by-one] [part of a path …]`. Red where uvu is silently green (see
 * suite-source.ts and suite-outcome.ts). All suites of a run share one Postgres server, at `TEST_DATABASE_URL`.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundlesOf } from '../bundle/bundle.mjs';
import { startTestPostgres, type TestPostgres } from './postgres.ts';
import { preparePulsar } from './pulsar.ts';
import { findSuites, type Suite } from './suite-files.ts';
import { judgeSuite, type SuiteOutcome } from './suite-outcome.ts';
import { killSuites, runSuite } from './suite-process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const report = (suite: Suite, outcome: SuiteOutcome, ms: number, output: string): void => {
  const mark = outcome.problem !== undefined ? '✘' : outcome.passed === 0 ? '–' : '✔';
  const total = outcome.passed + outcome.failed + outcome.skipped;
  const lines = [`${mark} ${suite.path}  ${outcome.passed}/${total}  ${(ms / 1000).toFixed(1)} s`];
  if (outcome.problem !== undefined) {
    lines[0] += `  ${outcome.problem}`;
    lines.push(
      ...output
        .trimEnd()
        .split('\n')
        .map((line) => `    ${line}`),
    );
  } else {
    lines.push(...outcome.missing.map((what) => `    skipped ${outcome.skipped}: ${what}`));
  }
  console.log(lines.join('\n'));
};

/** The run's own server. Where this machine has none, the suites that need it say so, and skip. */
const startPostgres = async (suites: readonly Suite[]): Promise<TestPostgres | undefined> =>
  suites.some((suite) => suite.wantsPostgres) ? startTestPostgres() : undefined;

/** Where this run's bundles stand: below the root, from where they find their packages. */
const builtFolder = (): string => {
  const parent = join(root, '.data/suites');
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(`${parent}/`);
};

const ONE_BY_ONE = '--one-by-one';

const main = async (args: readonly string[]): Promise<number> => {
  const parts = args.filter((arg) => arg !== ONE_BY_ONE);
  const workers = args.includes(ONE_BY_ONE) ? 1 : availableParallelism();
  const began = performance.now();
  const suites = findSuites(root, parts);
  if (suites.length === 0) {
    console.log(`no suite matches ${parts.join(' ')}\n\n0 passed, 1 failed`);
    return 1;
  }
  const skipsFail = process.env.CI === 'true';
  const built = builtFolder();
  const unbuilt = (): void => rmSync(built, { recursive: true, force: true });
  let bundleIn: (path: string) => string;
  try {
    const paths = suites.map(({ path }) => path);
    bundleIn = await bundlesOf(root, paths, built);
  } catch (error) {
    unbuilt();
    console.log(`${(error as Error).message}\n\n0 passed, 1 failed`);
    return 1;
  }
  const postgres = await startPostgres(suites);
  if (suites.some((suite) => suite.wantsBroker)) await preparePulsar();
  const environment = {
    ...process.env,
    NO_COLOR: '1',
    ...(postgres === undefined ? {} : { TEST_DATABASE_URL: postgres.url }),
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      killSuites();
      unbuilt();
      void Promise.resolve(postgres?.stop()).finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
    });
  }

  const sum = { passed: 0, failed: 0, skipped: 0 };
  const red: string[] = [];
  const alone = suites.filter((suite) => suite.runsAlone);
  const waiting = suites.filter((suite) => !suite.runsAlone);
  const work = async (): Promise<void> => {
    for (let suite = waiting.shift(); suite !== undefined; suite = waiting.shift()) {
      const start = performance.now();
      const [mistake] = suite.mistakes;
      const ended =
        mistake === undefined
          ? await runSuite(root, ['--enable-source-maps', bundleIn(suite.path)], suite, environment)
          : undefined;
      const outcome: SuiteOutcome =
        ended === undefined
          ? { passed: 0, failed: 1, skipped: 0, problem: suite.mistakes.join('; '), missing: [] }
          : judgeSuite(ended, suite.timeLimitMs, skipsFail);
      report(suite, outcome, performance.now() - start, ended?.output ?? '');
      sum.passed += outcome.passed;
      sum.failed += outcome.failed;
      sum.skipped += outcome.skipped;
      if (outcome.problem !== undefined) red.push(suite.path);
    }
  };
  try {
    await Promise.all(Array.from({ length: workers }, work));
    waiting.push(...alone);
    await work();
  } finally {
    unbuilt();
    await postgres?.stop();
  }

  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`\n${suites.length} suites in ${seconds} s${red.length > 0 ? `; red: ${red.join(', ')}` : ''}`);
  const skips = sum.skipped > 0 ? `, ${sum.skipped} skipped` : '';
  console.log(`${sum.passed} passed, ${sum.failed} failed${skips}`);
  return sum.failed > 0 ? 1 : 0;
};

process.exitCode = await main(process.argv.slice(2));
