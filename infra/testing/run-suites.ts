/**
 * Runs uvu suites, a process each: `run-suites.ts [part of a path …]`. Red where uvu is silently green (see
 * suite-source.ts and suite-outcome.ts). All suites of a run share one Postgres server, at `TEST_DATABASE_URL`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestPostgres, type TestPostgres } from './postgres.ts';
import { judgeSuite, type SuiteOutcome, type SuiteProcess } from './suite-outcome.ts';
import { readSuiteSource, type SuiteSource } from './suite-source.ts';

interface Suite extends SuiteSource {
  /** Relative to the root. */
  readonly path: string;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const NO_SUITES = new Set(['node_modules', '.git', '.data', '.turbo', 'generated']);

/** Every file under `folder` whose name ends in `.test.ts`. */
function* testFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && !NO_SUITES.has(entry.name)) yield* testFiles(join(folder, entry.name));
    else if (entry.isFile() && entry.name.endsWith('.test.ts')) yield join(folder, entry.name);
  }
}

/** The suites whose path holds one of `parts`; all of them without any. Those with the longest limits come first. */
export const findSuites = (parts: readonly string[], folder = root): Suite[] =>
  [...testFiles(folder)]
    .map((file) => ({ path: relative(folder, file), ...readSuiteSource(readFileSync(file, 'utf8')) }))
    .filter(({ path }) => parts.length === 0 || parts.some((part) => path.includes(part)))
    .sort((a, b) => b.timeLimitMs - a.timeLimitMs || a.path.localeCompare(b.path));

/** A line for each mistake that uvu would answer with green, in any suite of the checkout. */
export const inspectSuites = (): string[] =>
  findSuites([]).flatMap(({ path, mistakes }) => mistakes.map((mistake) => `${path}: ${mistake}`));

/** The process groups under way: a suite's children must not outlive it, nor it the run. */
const groups = new Set<number>();

const killGroup = (pid: number): void => {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: nothing is left of the group, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

const runSuite = (suite: Suite, environment: NodeJS.ProcessEnv): Promise<SuiteProcess> =>
  new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', suite.path], {
      cwd: root,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const { pid } = child;
    if (pid !== undefined) groups.add(pid);
    let output = '';
    let timedOut = false;
    const limit = setTimeout(() => {
      timedOut = true;
      if (pid !== undefined) killGroup(pid);
    }, suite.timeLimitMs);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    // What the suite left running would hold its pipes open, and `close` back.
    child.on('exit', () => {
      if (pid !== undefined) killGroup(pid);
    });
    child.on('close', (code) => {
      clearTimeout(limit);
      if (pid !== undefined) groups.delete(pid);
      resolve({ output, code, timedOut });
    });
  });

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

const main = async (parts: readonly string[]): Promise<number> => {
  const began = performance.now();
  const suites = findSuites(parts);
  if (suites.length === 0) {
    console.log(`no suite matches ${parts.join(' ')}\n\n0 passed, 1 failed`);
    return 1;
  }
  const skipsFail = process.env.CI === 'true';
  const postgres = await startPostgres(suites);
  const environment = {
    ...process.env,
    NO_COLOR: '1',
    ...(postgres === undefined ? {} : { TEST_DATABASE_URL: postgres.url }),
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const pid of groups) killGroup(pid);
      void Promise.resolve(postgres?.stop()).finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
    });
  }

  const sum = { passed: 0, failed: 0, skipped: 0 };
  const red: string[] = [];
  const waiting = [...suites];
  const work = async (): Promise<void> => {
    for (let suite = waiting.shift(); suite !== undefined; suite = waiting.shift()) {
      const start = performance.now();
      const [mistake] = suite.mistakes;
      const ended = mistake === undefined ? await runSuite(suite, environment) : undefined;
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
    await Promise.all(Array.from({ length: availableParallelism() }, work));
  } finally {
    await postgres?.stop();
  }

  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`\n${suites.length} suites in ${seconds} s${red.length > 0 ? `; red: ${red.join(', ')}` : ''}`);
  const skips = sum.skipped > 0 ? `, ${sum.skipped} skipped` : '';
  console.log(`${sum.passed} passed, ${sum.failed} failed${skips}`);
  return sum.failed > 0 ? 1 : 0;
};

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
