import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { type Level, runSeed, type SeedResult } from './seed-run.ts';
import { type System, systems } from './systems.ts';

const LAUNCH = fileURLToPath(new URL('../../launch.mjs', import.meta.url));
const PROGRAM = 'apps/embedded/src/simulation/main.ts';
/** The first argument of a worker process. */
const WORKER = 'worker';

const USAGE = `npm run simulate -- --seed N | --seeds A..B [--level engine|services] [--system campaign|compra] [--jobs N] [--bail]
  engine    the engine, pipeline and bus over memory stores (the default)
  services  the real services on their SQL, on PGlite
  --system  simulates that one only; without it a seed has one of them, or both
  --jobs    seeds at a time, as many as the machine has cores unless told
  --bail    begins no further seed once one has failed`;

/** A worker process: runs the seeds that it is sent, one after another. */
const work = (level: Level, only?: System): void => {
  process.on('message', async (seed: number) => {
    process.send?.(await runSeed(seed, level, only));
  });
};

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const report = ({ seed, breaches, trace }: SeedResult, level: Level, only?: System): void => {
  say(`✘ seed ${seed}`);
  for (const { sentence, saga, what } of breaches.slice(0, 5))
    say(`    ${sentence}\n      ${saga ? `saga ${saga} ` : ''}${what}`);
  for (const line of trace) say(`    │ ${line}`);
  say(`    again: npm run simulate -- --seed ${seed} --level ${level}${only ? ` --system ${only}` : ''}`);
};

/** Spreads the seeds over processes, `jobs` of them; one is this one. @returns how many failed */
const runAll = async (
  [first, last]: readonly [number, number],
  level: Level,
  only: System | undefined,
  { jobs, bail }: { readonly jobs: number; readonly bail: boolean },
): Promise<number> => {
  let next = first;
  let failed = 0;
  let done = 0;
  const count = last - first + 1;
  const runtime = systemRuntime();
  const began = runtime.now();
  const take = (result: SeedResult): void => {
    done += 1;
    if (result.breaches.length > 0) {
      failed += 1;
      report(result, level, only);
    }
    if (done % 250 === 0) say(`· ${done} of ${count} seeds, ${failed} failed`);
  };
  const isOver = (): boolean => next > last || (bail && failed > 0);
  const runShare = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = fork(LAUNCH, ['--bundle', PROGRAM, WORKER, level, ...(only ? [only] : [])], {
        execArgv: ['--max-semi-space-size=64'],
      });
      let ended = false;
      const give = (): void => {
        ended = isOver();
        if (ended) worker.kill();
        else worker.send(next++);
      };
      worker.on('message', (message) => {
        take(message as SeedResult);
        give();
      });
      worker.on('exit', (code) => (ended ? resolve() : reject(new Error(`a worker ended with ${code}`))));
      give();
    });
  if (jobs === 1) while (!isOver()) take(await runSeed(next++, level, only));
  else await Promise.all(Array.from({ length: Math.min(jobs, count) }, runShare));
  const seconds = (runtime.now() - began) / 1000;
  say(
    `${count} seeds at level ${level}, ${failed} failed, in ${seconds.toFixed(0)} s (${(count / seconds).toFixed(1)} a second)`,
  );
  return failed;
};

const isSystem = (name: string | undefined): name is System =>
  name !== undefined && Object.hasOwn(systems, name);

const seedsOf = (values: {
  seed?: string | undefined;
  seeds?: string | undefined;
}): [number, number] | undefined => {
  const [, from = values.seed, to = values.seed] = /^(\d+)\.\.(\d+)$/.exec(values.seeds ?? '') ?? [];
  const range: [number, number] = [Number(from), Number(to)];
  return range.every(Number.isSafeInteger) && range[0] <= range[1] ? range : undefined;
};

const main = async (): Promise<void> => {
  let options: {
    seed?: string | undefined;
    seeds?: string | undefined;
    system?: string | undefined;
    level: string;
    jobs: string;
    bail: boolean;
  };
  try {
    ({ values: options } = parseArgs({
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string' },
        level: { type: 'string', default: 'engine' },
        system: { type: 'string' },
        jobs: { type: 'string', default: String(availableParallelism()) },
        bail: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    process.stderr.write(`✘ ${(error as Error).message}\n${USAGE}\n`);
    process.exit(2);
  }
  const range = seedsOf(options);
  const { level, system, bail } = options;
  const jobs = Number(options.jobs);
  const only = system === undefined || isSystem(system) ? system : null;
  if (
    !range ||
    only === null ||
    !Number.isSafeInteger(jobs) ||
    jobs < 1 ||
    (level !== 'engine' && level !== 'services')
  ) {
    process.stderr.write(`${USAGE}\n`);
    process.exit(2);
  }
  const [first, last] = range;
  if (first === last) {
    const result = await runSeed(first, level, only);
    if (result.breaches.length > 0) report(result, level, only);
    say(`seed ${first}: ${result.events} events, log ${result.hash}`);
    say(`\n${result.breaches.length === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed'}`);
    process.exit(result.breaches.length === 0 ? 0 : 1);
  }
  const failed = await runAll(range, level, only, { jobs, bail });
  say(`\n${last - first + 1 - failed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
};

const [role, level, only] = process.argv.slice(2);
if (role === WORKER) work(level === 'services' ? 'services' : 'engine', isSystem(only) ? only : undefined);
else await main();
