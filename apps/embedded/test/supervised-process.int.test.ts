// time limit: 180 s
import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { supervise } from '../src/distributed/supervised-process.ts';

const test = suite('processes that are started again');

const program = fileURLToPath(new URL('obedient-program.ts', import.meta.url)).replace(
  /^.*\/apps\//,
  'apps/',
);
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (let tries = 0; tries < 900; tries += 1) {
    if (holds()) return;
    await wait(100);
  }
  throw new Error(`it did not come to that: ${what}`);
};

const given = (env: Record<string, string> = {}) => {
  const lines: string[] = [];
  const deaths: [string, number][] = [];
  const supervised = supervise({
    program: [program],
    env: { ...process.env, ...env },
    runtime: systemRuntime(),
    line: (text) => lines.push(text),
    died: (how, ms) => deaths.push([how, ms]),
  });
  const ups = (): number => lines.filter((line) => line === 'up').length;
  return { supervised, lines, deaths, ups };
};

test('a process that is killed comes back, and is drained at the end', async () => {
  const { supervised, lines, deaths, ups } = given();
  await until('it runs', () => ups() === 1);
  const first = supervised.pid() ?? 0;
  process.kill(first, 'SIGKILL');
  await until('it runs again', () => ups() === 2);
  assert.is.not(supervised.pid(), first);
  assert.equal(deaths, [['ended by SIGKILL', 500]]);
  const last = supervised.pid() ?? 0;
  await supervised.stop();
  assert.not(isAlive(last));
  assert.ok(lines.includes('drained'), lines.join('\n'));
  assert.is(supervised.starts(), 2);
  await wait(700);
  assert.is(supervised.pid(), undefined, 'it is not started any more');
});

test('one that ends again and again is started ever more slowly', async () => {
  const { supervised, deaths } = given({ OBEDIENT: 'refuses' });
  await until('it has ended three times', () => deaths.length === 3);
  assert.equal(deaths, [
    ['ended with 1', 500],
    ['ended with 1', 1_000],
    ['ended with 1', 2_000],
  ]);
  await supervised.stop();
});

test('none outlives whoever supervises it, also where that is killed', async () => {
  const parent = spawn(process.execPath, ['apps/embedded/launch.mjs', program], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    env: { ...process.env, OBEDIENT: 'supervises' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  parent.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await until('its child runs', () => /^child \d+ up$/m.test(output));
  const child = Number(/^child (\d+) up$/m.exec(output)?.[1]);
  assert.ok(isAlive(child));
  parent.kill('SIGKILL');
  await until('the child has ended', () => !isAlive(child));
});

test.run();
