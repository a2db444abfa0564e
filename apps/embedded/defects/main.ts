/**
 * `npm run defects`: plants one fault at a time in a copy of the checkout, and shows that the simulation catches it.
 * A fault that survives, or a patch that no longer applies, fails the command. There is a copy for each core.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { applyPatches, copyCheckout, PatchDoesNotApply } from './copy.ts';
import type { Defect } from './defect.ts';
import { defects } from './defects.ts';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const { values: options } = parseArgs({
  options: { seeds: { type: 'string', default: '800' }, only: { type: 'string' } },
});
const runtime = systemRuntime();
const folders: string[] = [];
const removeCopies = async (): Promise<void> => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
};
process.once('SIGINT', () => void removeCopies().then(() => process.exit(130)));

/** What the simulation of the copy said. */
interface Caught {
  readonly seeds: number;
  /** The sentence that was broken; undefined where all held. */
  readonly by: string | undefined;
}

const simulate = (folder: string, seeds: number, system?: string): Promise<Caught> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        ...['apps/embedded/launch.mjs', '--bundle', 'apps/embedded/src/simulation/main.ts'],
        ...['--seeds', `1..${seeds}`],
        ...['--jobs', '1', '--bail'], // a copy runs on a core of its own
        ...(system === undefined ? [] : ['--system', system]),
      ],
      { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) return resolve({ seeds, by: undefined });
      const [, seed, sentence] = /✘ seed (\d+)\n\s+(.+)/.exec(output) ?? [];
      if (seed === undefined)
        return reject(new Error(`the simulation ended with ${code}:\n${output.slice(-2_000)}`));
      resolve({ seeds: Number(seed), by: sentence });
    });
  });

/** A suite takes seconds; one that a fault keeps from its end has not passed either. */
const SUITE_TIMEOUT_MS = 30_000;

/** Runs a suite of the copy. @returns its name where it failed */
const runSuite = (folder: string, suite: string): Promise<Caught> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', suite], {
      cwd: folder,
      stdio: 'ignore',
      timeout: SUITE_TIMEOUT_MS,
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ seeds: 0, by: code === 0 ? undefined : suite }));
  });

const verdict = async (folder: string, { name, patches, suite, system }: Defect): Promise<boolean> => {
  const began = runtime.now();
  const line = (result: string): void =>
    say(`${name.padEnd(32)} │ ${result} │ ${((runtime.now() - began) / 1000).toFixed(0)} s`);
  let undo: () => void;
  try {
    undo = applyPatches(folder, patches);
  } catch (error) {
    if (!(error instanceof PatchDoesNotApply)) throw error;
    line(`✘ cannot be planted: ${error.message}`);
    return false;
  }
  try {
    const { seeds, by } = await (suite
      ? runSuite(folder, suite)
      : simulate(folder, Number(options.seeds), system));
    const where = suite ? '' : `seed ${String(seeds).padStart(3)}: `;
    line(by === undefined ? `✘ survives ${suite ?? `${seeds} seeds`}` : `✔ ${where}${by}`);
    return by !== undefined;
  } finally {
    undo();
  }
};

const waiting = defects.filter(({ name }) => options.only === undefined || name === options.only);
let failed = 0;
let passed = 0;

const work = async (): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'cordada-defects-'));
  folders.push(folder);
  copyCheckout(folder);
  const { by } = await simulate(folder, 20);
  if (by !== undefined) throw new Error(`without any defect the simulation already fails: ${by}`);
  for (let defect = waiting.shift(); defect !== undefined; defect = waiting.shift()) {
    if (await verdict(folder, defect)) passed += 1;
    else failed += 1;
  }
};

try {
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), waiting.length) }, work));
} finally {
  await removeCopies();
}
say(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
