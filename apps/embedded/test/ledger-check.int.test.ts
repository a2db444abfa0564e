// time limit: 300 s
import { join } from 'node:path';
import { migrations } from '@cordada/consolidador/service.ts';
import { migrate } from '@cordada/infra/database/migrate.ts';
import { openPGlite } from '@cordada/infra/database/pglite.ts';
import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import { openPostgres } from '@cordada/infra/database/postgres.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { startOwnPostgres } from '@cordada/infra/testing/postgres.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Environment, killLeftovers, startCommand, temporaryFolder } from './product-process.ts';

test.after.each(() => killLeftovers());

const check = async (settings: Environment) => {
  const program = ['apps/embedded/launch.mjs', 'apps/embedded/src/ledger-check.ts'];
  const run = startCommand([process.execPath, ...program], settings);
  const { code } = await run.exit;
  return { code, stdout: run.stdout(), stderr: run.stderr() };
};

/** An item of five units, none of which its ledger knows. */
const UNEXPLAINED = `INSERT INTO item VALUES ('0190d5a0-0000-7000-8000-000000000001', 1, 'P-1', 'p-1', 'Uno', 'uno', NULL,
    5, 0, 1, now(), now());
  INSERT INTO existencia VALUES ('0190d5a0-0000-7000-8000-000000000001', 'principal', 5, 0, 1)`;
const EXPLAINED = `INSERT INTO movimiento (tipo, item, bodega, delta_cantidad, delta_reservada, origen, fecha)
  VALUES ('ALTA', '0190d5a0-0000-7000-8000-000000000001', 'principal', 5, 0, 'test', now())`;

const script = (database: ServiceDatabase, sql: string) => database.transaction((tx) => tx.script(sql));

test('npm run ledger:check proves an embedded stock, tells what differs, and leaves one alone that is being served', async () => {
  const { path, remove } = await temporaryFolder();
  const settings = { DATA_DIR: path };
  const nothing = await check(settings);
  assert.is(nothing.code, 1);
  assert.match(nothing.stderr, /^✘ there is no stock here: .*pglite does not exist\n$/);
  const change = async (work: (database: ServiceDatabase) => Promise<unknown>): Promise<void> => {
    const embedded = await openPGlite({ dataDir: join(path, 'pglite') });
    const database = await embedded.schema('consolidador');
    await work(database);
    await database.close();
    await embedded.close();
  };
  await change(async (database) => {
    await migrate(database, migrations, systemRuntime());
    await script(database, UNEXPLAINED);
    const busy = await check(settings);
    assert.is(busy.code, 1);
    assert.match(busy.stderr, /^✘ The data folder .* is served by another process/);
  });
  const wrong = await check(settings);
  assert.is(wrong.code, 1);
  assert.match(wrong.stdout, /✘ every quantity is the sum of its movements\n {4}item 0190.* has 5 units/);
  await change((database) => script(database, EXPLAINED));
  const right = await check(settings);
  assert.is(right.code, 0, right.stderr);
  assert.is(right.stdout.match(/^✔/gm)?.length, 6);
  await remove();
});

test('npm run ledger:check proves a stock on Postgres beside those who serve it', async () => {
  const server = await startOwnPostgres();
  if (server === undefined) return;
  const database = await openPostgres({
    url: server.url,
    database: 'cordada_consolidador',
    poolSize: 2,
    applicationName: 'ledger test',
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 5_000,
    hold: 'exclusive',
  });
  const settings = { DATABASE_URL: server.url, DATABASE_ROLES: 'off' };
  try {
    assert.match((await check(settings)).stderr, /nothing has served this database yet/);
    await migrate(database, migrations, systemRuntime());
    await script(database, UNEXPLAINED);
    assert.is((await check(settings)).code, 1);
    await script(database, EXPLAINED);
    const right = await check(settings);
    assert.is(right.code, 0, right.stdout + right.stderr);
  } finally {
    await database.close();
    await server.stop();
  }
});

test.run();
