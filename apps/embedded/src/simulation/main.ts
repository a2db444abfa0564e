import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Level, runSeed, type SeedResult } from './seed-run.ts';

const USAGE = `npm run simulate -- --seed N | --seeds A..B [--level engine|services]
  engine    the engine, pipeline and bus over memory stores (the default)
  services  the real services on their SQL, on PGlite`;

interface Task {
  readonly level: Level;
}

const isTask = (data: unknown): data is Task => typeof data === 'object' && data !== null && 'level' in data;

/** A worker: runs the seeds that it is sent, one after another. */
const work = (port: MessagePort, { level }: Task): void => {
  port.on('message', async (seed: number) => {
    port.postMessage(await runSeed(seed, level));
  });
};

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const report = ({ seed, breaches, trace }: SeedResult, level: Level): void => {
  say(`✘ seed ${seed}`);
  for (const { sentence, saga, what } of breaches.slice(0, 5))
    say(`    ${sentence}\n      ${saga ? `saga ${saga} ` : ''}${what}`);
  for (const line of trace) say(`    │ ${line}`);
  say(`    again: npm run simulate -- --seed ${seed} --level ${level}`);
};

/** Spreads the seeds over the machine's cores. @returns how many failed */
const runAll = async (first: number, last: number, level: Level): Promise<number> => {
  let next = first;
  let failed = 0;
  let done = 0;
  const count = last - first + 1;
  const began = performance.now();
  const workers = Math.min(availableParallelism(), count);
  await Promise.all(
    Array.from(
      { length: workers },
      () =>
        new Promise<void>((resolve, reject) => {
          const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { level } satisfies Task });
          const give = (): void => {
            if (next <= last) worker.postMessage(next++);
            else void worker.terminate().then(() => resolve());
          };
          worker.on('message', (result: SeedResult) => {
            done += 1;
            if (result.breaches.length > 0) {
              failed += 1;
              report(result, level);
            }
            if (done % 250 === 0) say(`· ${done} of ${count} seeds, ${failed} failed`);
            give();
          });
          worker.on('error', reject);
          give();
        }),
    ),
  );
  const seconds = (performance.now() - began) / 1000;
  say(
    `${count} seeds at level ${level}, ${failed} failed, in ${seconds.toFixed(0)} s (${(count / seconds).toFixed(1)} a second)`,
  );
  return failed;
};

const seedsOf = (values: {
  seed?: string | undefined;
  seeds?: string | undefined;
}): [number, number] | undefined => {
  const [, from = values.seed, to = values.seed] = /^(\d+)\.\.(\d+)$/.exec(values.seeds ?? '') ?? [];
  const range: [number, number] = [Number(from), Number(to)];
  return range.every(Number.isSafeInteger) && range[0] <= range[1] ? range : undefined;
};

const main = async (): Promise<void> => {
  let options: { seed?: string | undefined; seeds?: string | undefined; level: string };
  try {
    ({ values: options } = parseArgs({
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string' },
        level: { type: 'string', default: 'engine' },
      },
    }));
  } catch (error) {
    process.stderr.write(`✘ ${(error as Error).message}\n${USAGE}\n`);
    process.exit(2);
  }
  const range = seedsOf(options);
  const { level } = options;
  if (!range || (level !== 'engine' && level !== 'services')) {
    process.stderr.write(`${USAGE}\n`);
    process.exit(2);
  }
  const [first, last] = range;
  if (first === last) {
    const result = await runSeed(first, level);
    if (result.breaches.length > 0) report(result, level);
    say(`seed ${first}: ${result.events} events, log ${result.hash}`);
    say(`\n${result.breaches.length === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed'}`);
    process.exit(result.breaches.length === 0 ? 0 : 1);
  }
  const failed = await runAll(first, last, level);
  say(`\n${last - first + 1 - failed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
};

if (parentPort && isTask(workerData)) work(parentPort, workerData);
else await main();
