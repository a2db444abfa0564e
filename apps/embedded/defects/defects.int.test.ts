import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { applyPatches, PatchDoesNotApply, root } from './copy.ts';
import { defects } from './defects.ts';

const test = suite<{ folder: string }>('the defects', { folder: '' });

test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cordada-defects-test-'));
  await mkdir(join(context.folder, 'src'));
  await writeFile(join(context.folder, 'src/a.ts'), 'one two two');
});

test.after.each(({ folder }) => rm(folder, { recursive: true }));

test('are at least a dozen of each system, each of another name', () => {
  assert.ok(defects.length >= 24);
  assert.is(new Set(defects.map(({ name }) => name)).size, defects.length);
});

test('each apply to the code as it stands, exactly once', async () => {
  for (const { name, patches } of defects)
    for (const { file, find, replace } of patches) {
      const text = await readFile(join(root, file), 'utf8');
      assert.is(text.split(find).length - 1, 1, `${name}: ${file}`);
      assert.is.not(find, replace, name);
    }
});

test('are taken back when they have been tried', async ({ folder }) => {
  const path = join(folder, 'src/a.ts');
  const undo = applyPatches(folder, [{ file: 'src/a.ts', find: 'one', replace: 'three $&' }]);
  assert.is(await readFile(path, 'utf8'), 'three $& two two');
  undo();
  assert.is(await readFile(path, 'utf8'), 'one two two');
});

for (const [why, find] of [
  ['no longer stands there', 'four'],
  ['stands there twice', 'two'],
] as const)
  test(`are refused when their text ${why}, and nothing of them stays`, async ({ folder }) => {
    const patches = [
      { file: 'src/a.ts', find: 'one', replace: 'three' },
      { file: 'src/a.ts', find, replace: 'five' },
    ];
    assert.throws(
      () => applyPatches(folder, patches),
      (error: unknown) => error instanceof PatchDoesNotApply,
    );
    assert.is(await readFile(join(folder, 'src/a.ts'), 'utf8'), 'one two two');
  });

test.run();
