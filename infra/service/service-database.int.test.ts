// time limit: 120 s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSettings } from '../config/settings.ts';
import { statement } from '../database/database.ts';
import { DatabaseInUse } from '../database/hold.ts';
import type { ServiceDatabase } from '../database/pool-database.ts';
import { rejection } from '../database/testing/databases.ts';
import { systemRuntime } from '../system-runtime.ts';
import { freshDatabase, startTestPostgres } from '../testing/postgres.ts';
import { messagingMigrations } from './messaging.ts';
import { migrated, openServicePostgres } from './service-database.ts';

const SETTING = statement('test.setting', 'SELECT current_setting($1) AS value');
const PID = statement('test.pid', 'SELECT pg_backend_pid() AS pid, pg_sleep(0.2)');
const KILL = statement('test.kill', 'SELECT pg_terminate_backend($1)');

const test = suite('the Postgres database of a service');
const server = await startTestPostgres();

if (server === undefined) test.skip('no server');
else {
  const open = (
    prefix: string,
    exclusive: boolean,
    env: Record<string, string> = {},
  ): Promise<ServiceDatabase> =>
    openServicePostgres(readSettings(env), { url: server.url, prefix, service: 'partner', exclusive });
  test.after(() => server.stop());

  test('its pools and timeouts are as the settings say', async () => {
    const database = await open(freshDatabase('pools'), false, {
      DATABASE_POOL_SIZE: '3',
      DATABASE_STATEMENT_TIMEOUT: '7000',
      DATABASE_LOCK_TIMEOUT: '1500',
    });
    const setting = async (name: string): Promise<string> => (await database.query(SETTING, [name]))[0].value;
    assert.is(await setting('statement_timeout'), '7s');
    assert.is(await setting('lock_timeout'), '1500ms');
    assert.is(await setting('idle_in_transaction_session_timeout'), '7s');
    assert.is(await setting('application_name'), 'cordada partner');
    const pids = (await Promise.all(
      Array.from({ length: 12 }, () => database.transaction((tx) => tx.query<{ pid: number }>(PID, []))),
    )) as { pid: number }[][];
    assert.is(new Set(pids.map(([row]) => row?.pid)).size, 3);
    await database.close();
  });

  test('replicas share it; who wants it alone is refused while one of them lives, and had it then', async () => {
    const prefix = freshDatabase('shared');
    const [one, two] = await Promise.all([open(prefix, false), open(prefix, false)]);
    const error = await rejection(open(prefix, true));
    assert.instance(error, DatabaseInUse);
    assert.match(error.message, /^Database shared_.+ is served by another process: stop that one first/);
    await one.close();
    assert.instance(await rejection(open(prefix, true)), DatabaseInUse);
    await two.health();
    await two.close();
    const alone = await open(prefix, true);
    await alone.close();
  });

  test('replicas are refused a database that one process serves alone, and it cannot be shared by that one', async () => {
    const prefix = freshDatabase('alone');
    const alone = await open(prefix, true);
    assert.is(alone.listen, undefined);
    const error = await rejection(open(prefix, false));
    assert.instance(error, DatabaseInUse);
    assert.match(error.message, /is served by `npm start`, which wants it for itself: stop that first/);
    await alone.close();
    const shared = await open(prefix, false);
    assert.ok(shared.listen);
    await shared.close();
  });

  test('a replica whose hold was lost is told by its health that somebody has the database alone now', async () => {
    const prefix = freshDatabase('lost');
    const replica = await open(prefix, false);
    const holder = statement(
      'test.holder',
      "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    const [row] = await replica.query<{ pid: number }>(holder, []);
    await replica.query(KILL, [row?.pid]);
    const alone = await open(prefix, true);
    assert.instance(await rejection(replica.health()), DatabaseInUse);
    await alone.close();
    await replica.health();
    await replica.close();
  });

  test('four replicas that start at once make and migrate it together, each migration once', async () => {
    const prefix = freshDatabase('starters');
    const started = await Promise.all(
      Array.from({ length: 4 }, () =>
        migrated(() => open(prefix, false), [messagingMigrations], systemRuntime()),
      ),
    );
    const applied = started.flatMap((each) => each.applied);
    assert.is(new Set(applied).size, applied.length, applied.join());
    assert.ok(applied.includes('20260101000200_relay_lease'));
    await Promise.all(started.map(({ database }) => database.close()));
  });
}

test.run();
