import { mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DataDirInUse, holdDataDir } from './data-dir.ts';
import { rejection } from './testing/databases.ts';

let folder: string;
test.before.each(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'cordada-data-dir-')));
});
test.after.each(() => rm(folder, { recursive: true, force: true }));

test('a folder is made with its parents, and held by its real path under any name', async () => {
  const deep = join(folder, 'one', 'two');
  const held = await holdDataDir(`${deep}/`);
  assert.is(held.path, deep);
  await symlink(deep, join(folder, 'alias'));
  assert.instance(await rejection(holdDataDir(join(folder, 'alias'))), DataDirInUse);
  await held.release();
  await (await holdDataDir(deep)).release();
});

test('of two that take a folder at once, one has it', async () => {
  const taken = await Promise.allSettled([holdDataDir(folder), holdDataDir(folder)]);
  assert.equal(taken.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  for (const each of taken) if (each.status === 'fulfilled') await each.value.release();
});

test('what cannot be made or is no folder is refused by its name', async () => {
  // Below /proc a parent says ENOENT when a folder is made in it: a naive making would try again for ever.
  for (const path of ['/proc/cordada/data', '/etc/passwd', '/etc/passwd/data']) {
    assert.match((await rejection(holdDataDir(path))).message, `The data folder ${path} cannot be written`);
  }
});

test.run();
