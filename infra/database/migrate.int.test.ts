import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemRuntime } from '../system-runtime.ts';
import { freshDatabase, startTestPostgres } from '../testing/postgres.ts';
import { statement } from './database.ts';
import { sqlState } from './faults.ts';
import { MigrationRefused, migrate } from './migrate.ts';
import { openPGlite } from './pglite.ts';
import type { ServiceDatabase } from './pool-database.ts';
import { openPostgres } from './postgres.ts';
import { rejection } from './testing/databases.ts';

const runtime = systemRuntime();
const root = await mkdtemp(join(tmpdir(), 'cordada-migrate-'));
process.on('exit', () => rmSync(root, { recursive: true }));
let folders = 0;

/** A folder of migrations, by name. */
const folderOf = async (migrations: Readonly<Record<string, string>>): Promise<string> => {
  const folder = join(root, String(folders++));
  await mkdir(folder);
  await writeFile(join(folder, 'migration_lock.toml'), 'provider = "postgresql"\n');
  for (const [name, sql] of Object.entries(migrations)) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'migration.sql'), sql);
  }
  return folder;
};

const EXISTS = statement('test.exists', 'SELECT to_regclass($1) IS NOT NULL AS it');
const RECORDED = statement(
  'test.recorded',
  'SELECT migration_name, checksum, finished_at, applied_steps_count FROM _prisma_migrations ORDER BY started_at, id',
);
const RECORD = statement(
  'test.record',
  'INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, rolled_back_at) VALUES ($1, $2, $3, $4, $5)',
);

const migrations = (name: string, open: () => Promise<ServiceDatabase>, last: () => Promise<void>): void => {
  const test = suite(`migrations on ${name}`);
  let database: ServiceDatabase;
  const exists = async (table: string): Promise<boolean> => (await database.query(EXISTS, [table]))[0].it;
  const recorded = async (): Promise<string[]> =>
    (await database.query(RECORDED, [])).map((row) => row.migration_name);

  test.before.each(async () => {
    database = await open();
  });
  test.after.each(() => database.close());
  test.after(last);

  test('are applied folder by folder and by name, once, and recorded as Prisma does', async () => {
    const own = await folderOf({
      '20260102000000_second': 'ALTER TABLE first ADD COLUMN b int4',
      '20260101000000_first': 'CREATE TABLE first (a int4)',
    });
    const later = await folderOf({
      '20250101000000_third': 'ALTER TABLE first ADD COLUMN c int4; SELECT b FROM first',
    });
    const names = ['20260101000000_first', '20260102000000_second', '20250101000000_third'];
    const lines: string[] = [];
    assert.equal(await migrate(database, [own, later], runtime, (line) => lines.push(line)), names);
    assert.is(lines.length, 3);
    assert.match(lines[0] ?? '', /applied 20260101000000_first in \d+ ms$/);
    assert.equal(await migrate(database, [own, later], runtime), []);
    assert.equal(await recorded(), names);
    const [row] = await database.query(RECORDED, []);
    assert.match(row.checksum, /^[0-9a-f]{64}$/);
    assert.instance(row.finished_at, Date);
    assert.is(row.applied_steps_count, 1);
  });

  test('that are new are applied by the next start, wherever they stand', async () => {
    const before = { '20260102000000_b': 'CREATE TABLE b ()' };
    await migrate(database, [await folderOf(before)], runtime);
    const after = {
      ...before,
      '20260101000000_a': 'CREATE TABLE a ()',
      '20260103000000_c': 'CREATE TABLE c ()',
    };
    assert.equal(await migrate(database, [await folderOf(after)], runtime), [
      '20260101000000_a',
      '20260103000000_c',
    ]);
  });

  test('that were changed after they had been applied are refused by name', async () => {
    await migrate(database, [await folderOf({ '20260101000000_a': 'CREATE TABLE a ()' })], runtime);
    const changed = { '20260101000000_a': 'CREATE TABLE a () ', '20260102000000_b': 'CREATE TABLE b ()' };
    const error = await rejection(migrate(database, [await folderOf(changed)], runtime));
    assert.instance(error, MigrationRefused);
    assert.match(error.message, 'Migration 20260101000000_a was changed after it had been applied');
    assert.not(await exists('b'));
  });

  test('of a database that is newer than the code are refused, and all of them named', async () => {
    const all = { '20260101000000_a': 'CREATE TABLE a ()', '20270101000000_x': '', '20280101000000_y': '' };
    await migrate(database, [await folderOf(all)], runtime);
    const old = { '20260101000000_a': 'CREATE TABLE a ()', '20260102000000_b': 'CREATE TABLE b ()' };
    const error = await rejection(migrate(database, [await folderOf(old)], runtime));
    assert.instance(error, MigrationRefused);
    assert.is(
      error.message,
      'The database is newer than the code: it has 20270101000000_x, 20280101000000_y',
    );
    assert.not(await exists('b'));
  });

  test('that another tool began and did not finish are refused; those that it rolled back are applied', async () => {
    await migrate(database, [], runtime);
    const folder = await folderOf({ '20260101000000_a': 'CREATE TABLE a ()' });
    await database.query(RECORD, ['1', 'x', '20260101000000_a', null, new Date()]);
    assert.equal(await migrate(database, [folder], runtime), ['20260101000000_a']);
    await database.query(RECORD, ['2', 'x', '20260102000000_b', null, null]);
    const next = await folderOf({ '20260101000000_a': 'CREATE TABLE a ()', '20260102000000_b': '' });
    const error = await rejection(migrate(database, [next], runtime));
    assert.instance(error, MigrationRefused);
    assert.match(error.message, '20260102000000_b was begun by another tool and has not finished');
  });

  test('of one name in two folders are refused, before anything is applied', async () => {
    const one = await folderOf({ '20260101000000_a': 'CREATE TABLE a ()' });
    const other = await folderOf({ '20260101000000_a': 'CREATE TABLE b ()' });
    const error = await rejection(migrate(database, [one, other], runtime));
    assert.instance(error, MigrationRefused);
    assert.match(error.message, 'Two migrations are named 20260101000000_a');
    assert.not(await exists('a'));
  });

  test('that fail leave nothing of themselves, and what came before them stays', async () => {
    const bad = {
      '20260101000000_a': 'CREATE TABLE a ()',
      '20260102000000_b': 'CREATE TABLE b (); SELECT 1/0',
    };
    assert.is(sqlState(await rejection(migrate(database, [await folderOf(bad)], runtime))), '22012');
    assert.ok(await exists('a'));
    assert.not(await exists('b'));
    assert.equal(await recorded(), ['20260101000000_a']);
    const mended = { ...bad, '20260102000000_b': 'CREATE TABLE b ()' };
    assert.equal(await migrate(database, [await folderOf(mended)], runtime), ['20260102000000_b']);
  });

  test('are applied once by starters at the same time, who all find them applied', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 6 }, (_, i) => [
        `2026010${i}000000_m`,
        `CREATE TABLE m${i} (); SELECT pg_sleep(0.01)`,
      ]),
    );
    const folder = await folderOf(many);
    const applied = await Promise.all(Array.from({ length: 4 }, () => migrate(database, [folder], runtime)));
    assert.equal(applied.flat().sort(), Object.keys(many));
    assert.equal(await recorded(), Object.keys(many));
  });

  test('may take longer than any statement of a service', async () => {
    const folder = await folderOf({ '20260101000000_slow': 'SELECT pg_sleep(1.2); CREATE TABLE slow ()' });
    const starters = [migrate(database, [folder], runtime), migrate(database, [folder], runtime)];
    assert.equal((await Promise.all(starters)).flat(), ['20260101000000_slow']);
  });

  test.run();
};

const [embedded, server] = await Promise.all([openPGlite({ memory: true }), startTestPostgres()]);
let schemas = 0;
migrations(
  'PGlite',
  () => embedded.schema(`service ${schemas++}`),
  () => embedded.close(),
);
if (server !== undefined) {
  migrations(
    'Postgres',
    () =>
      openPostgres({
        url: server.url,
        database: freshDatabase('migrate'),
        poolSize: 4,
        applicationName: 'migrate test',
        statementTimeoutMs: 1_000,
        lockTimeoutMs: 500,
      }),
    () => server.stop(),
  );
}
