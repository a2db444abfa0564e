import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findSuites } from './suite-files.ts';
import { judgeSuite, type SuiteOutcome } from './suite-outcome.ts';
import { runSuite } from './suite-process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const head = `import { test } from 'uvu';\n`;

const test = suite<{ folder: string }>('a suite as a process', { folder: '' });

test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cordada-suite-'));
  await symlink(join(root, 'node_modules'), join(context.folder, 'node_modules'));
  await writeFile(join(context.folder, 'package.json'), '{ "type": "module" }');
});

test.after.each(({ folder }) => rm(folder, { recursive: true, force: true }));

/** Runs one suite of that text, and judges it. */
const outcomeOf = async (folder: string, text: string, timeLimitMs = 10_000): Promise<SuiteOutcome> => {
  await writeFile(join(folder, 'a.test.ts'), head + text);
  const program = ['--import', import.meta.resolve('tsx'), 'a.test.ts'];
  const ended = await runSuite(folder, program, { timeLimitMs }, { ...process.env, NO_COLOR: '1' });
  return judgeSuite(ended, timeLimitMs, false);
};

test('passes with its tests counted', async ({ folder }) => {
  const text = `test('a', () => {}); test('b', () => {}); test.run();`;
  assert.equal(await outcomeOf(folder, text), { passed: 2, failed: 0, skipped: 0, missing: [] });
});

test('is red when a test fails, when before throws, and when it ends before its summary', async ({
  folder,
}) => {
  const failing = `test('a', () => { throw new Error('no'); }); test('b', () => {}); test.run();`;
  assert.match((await outcomeOf(folder, failing)).problem ?? '', '1 of 2 did not pass');
  const before = `test.before(() => { throw new Error('no'); }); test('a', () => {}); test.run();`;
  assert.ok((await outcomeOf(folder, before)).problem);
  assert.match(
    (await outcomeOf(folder, `test('a', () => process.exit(0)); test.run();`)).problem ?? '',
    'no summary',
  );
  assert.match((await outcomeOf(folder, `test('a', () => {});`)).problem ?? '', 'no summary');
  assert.match((await outcomeOf(folder, 'test.run();')).problem ?? '', 'no test registered');
});

test('is red when an open handle keeps it from ending, and what it started is gone', async ({ folder }) => {
  const outcome = await outcomeOf(
    folder,
    `test('a', () => {}); test.run(); setInterval(() => {}, 1_000);`,
    1_500,
  );
  assert.match(outcome.problem ?? '', 'not over after 1.5 s');
});

test('leaves no process behind that would hold its output open', async ({ folder }) => {
  const text = `import { spawn } from 'node:child_process';
    test('a', () => { spawn('sleep', ['60'], { stdio: 'inherit' }).unref(); }); test.run();`;
  const began = performance.now();
  assert.is((await outcomeOf(folder, text)).passed, 1);
  assert.ok(performance.now() - began < 8_000, 'waited for what the suite left behind');
});

test('is found by any part of its path, those with long limits first', async ({ folder }) => {
  for (const [name, text] of [
    ['b.unit.test.ts', ''],
    ['a.int.test.ts', ''],
    ['long.int.test.ts', '// time limit: 300 s'],
    ['no-suite.ts', ''],
  ] as const)
    await writeFile(join(folder, name), text);
  const paths = (...parts: string[]): string[] => findSuites(folder, parts).map(({ path }) => path);
  assert.equal(paths(), ['long.int.test.ts', 'a.int.test.ts', 'b.unit.test.ts']);
  assert.equal(paths('unit', 'a.'), ['a.int.test.ts', 'b.unit.test.ts']);
});

test.run();
