/**
 * `npm run verify`: all that must hold before a change is taken, in the order in which it is cheap to learn of a
 * mistake. Each check has a line with its time; the first one that fails ends it, with its output.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findSuites } from '../testing/suite-files.ts';

interface Check {
  readonly name: string;
  /** What to run, as in a script of package.json. */
  readonly command: readonly [string, ...string[]];
}

interface Ended {
  readonly name: string;
  readonly ok: boolean;
  readonly output: string;
  readonly seconds: number;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const script = (path: string): [string, ...string[]] => [process.execPath, '--import', 'tsx', path];

/** Cheap, and independent of one another. */
const STATIC: readonly Check[] = [
  { name: 'format and lint', command: ['node_modules/.bin/biome', 'check', '--error-on-warnings'] },
  { name: 'types', command: ['node_modules/.bin/tsc', '-p', '.'] },
  { name: 'boundaries', command: ['node_modules/.bin/turbo', 'boundaries'] },
  { name: 'dead code', command: ['node_modules/.bin/knip', '--no-progress'] },
  { name: 'contracts', command: script('schemas/gate/check.ts') },
];

/** These share the machine's servers and ports: one after another, and their output is shown as it comes. */
const RUNNING: readonly Check[] = [
  { name: 'tests', command: script('infra/testing/run-suites.ts') },
  { name: 'collection', command: script('postman/run.ts') },
];

const running = new Set<ReturnType<typeof spawn>>();

const run = ({ name, command: [file, ...args] }: Check, live: boolean): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(file, args, {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1', DO_NOT_TRACK: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (live) process.stdout.write(text);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => {
      running.delete(child);
      resolve({ name, ok: code === 0, output, seconds: (performance.now() - began) / 1000 });
    });
  });

const suites = async (): Promise<Ended> => {
  const began = performance.now();
  const mistakes = findSuites(root).flatMap(({ path, mistakes }) =>
    mistakes.map((mistake) => `${path}: ${mistake}`),
  );
  return {
    name: 'suites that run whole',
    ok: mistakes.length === 0,
    output: mistakes.join('\n'),
    seconds: (performance.now() - began) / 1000,
  };
};

/** The closing line of a check that counts what it ran: `12 passed, 0 failed`; otherwise the check counts as one. */
const counts = ({ ok, output }: Ended): { passed: number; failed: number } => {
  const closing = [...output.matchAll(/^(\d+) passed, (\d+) failed/gm)].at(-1);
  return closing === undefined
    ? { passed: ok ? 1 : 0, failed: ok ? 0 : 1 }
    : { passed: Number(closing[1]), failed: ok ? 0 : Math.max(1, Number(closing[2])) };
};

const main = async (): Promise<number> => {
  const began = performance.now();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const child of running) child.kill(signal);
      process.exit(signal === 'SIGINT' ? 130 : 143);
    });
  }
  const sum = { passed: 0, failed: 0 };
  const conclude = (ended: Ended, shown: boolean): boolean => {
    const { passed, failed } = counts(ended);
    sum.passed += passed;
    sum.failed += failed;
    console.log(`${ended.ok ? '✔' : '✘'} ${ended.name}  ${ended.seconds.toFixed(1)} s`);
    if (!ended.ok && !shown) console.log(ended.output.trimEnd());
    return ended.ok;
  };

  const lines = await Promise.all([
    suites().then((ended) => conclude(ended, false)),
    ...STATIC.map((check) => run(check, false).then((ended) => conclude(ended, false))),
  ]);
  let ok = lines.every(Boolean);
  for (const check of RUNNING) {
    if (!ok) break;
    ok = conclude(await run(check, true), true);
  }
  console.log(`\nverified in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  console.log(`${sum.passed} passed, ${sum.failed} failed`);
  return ok ? 0 : 1;
};

process.exitCode = await main();
