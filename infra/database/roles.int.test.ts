// time limit: 120 s
import pg from 'pg';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSettings } from '../config/settings.ts';
import { openServicePostgres } from '../service/service-database.ts';
import { startOwnPostgres } from '../testing/postgres.ts';
import { statement } from './database.ts';
import type { ServiceDatabase } from './pool-database.ts';
import { RoleRefused, serviceRole } from './role.ts';
import { rejection } from './testing/databases.ts';

const WHO = statement('test.who', 'SELECT current_user AS name, current_database() AS database');
const COUNT = statement('test.count', 'SELECT count(*)::int4 AS n FROM item');
const PASSWORD = 'the superuser of this test';

const test = suite('a role a service');
const server = await startOwnPostgres({ password: PASSWORD });

if (server === undefined) test.skip('no server');
else {
  const opened: ServiceDatabase[] = [];
  const told: string[] = [];
  const open = async (
    prefix: string,
    service: string,
    env: Record<string, string> = {},
    url = server.url,
  ): Promise<ServiceDatabase> => {
    const database = await openServicePostgres(readSettings(env), {
      url,
      prefix,
      service,
      exclusive: false,
      told: (line) => told.push(line),
    });
    opened.push(database);
    return database;
  };
  const who = async (database: ServiceDatabase): Promise<string> => (await database.query(WHO, []))[0].name;
  const admin = async (sql: string, database = 'postgres'): Promise<void> => {
    const client = new pg.Client({ connectionString: `${server.url}/${database}` });
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  const urlOf = (user: string, password: string): string => {
    const url = new URL(server.url);
    url.username = user;
    url.password = password;
    return url.href;
  };
  test.after(async () => {
    await Promise.all(opened.map((database) => database.close()));
    await server.stop();
  });

  test('it serves its database, makes tables in it, and reaches no other one', async () => {
    const [partner, tracking] = await Promise.all([open('own', 'partner'), open('own', 'tracking')]);
    assert.equal([await who(partner), await who(tracking)], ['own_partner', 'own_tracking']);
    await partner.transaction((tx) => tx.script('CREATE TABLE item (id int4)'));
    const { name, password } = serviceRole('own_partner', server.url, undefined);
    const intruder = new pg.Client({ connectionString: `${urlOf(name, password ?? '')}/own_tracking` });
    const error = await rejection(intruder.connect());
    assert.is(error.code, '42501');
    assert.match(error.message, 'permission denied for database "own_tracking"');
    const privileges = statement(
      'test.privileges',
      'SELECT rolsuper OR rolcreaterole OR rolcreatedb AS more FROM pg_roles WHERE rolname = current_user',
    );
    assert.is((await partner.query(privileges, []))[0].more, false);
  });

  test('four starters at once make it once', async () => {
    const databases = await Promise.all(Array.from({ length: 4 }, () => open('crowd', 'campaign')));
    assert.equal(await Promise.all(databases.map(who)), Array(4).fill('crowd_campaign'));
  });

  test('it takes over what the user of DATABASE_URL had made before there were roles', async () => {
    const before = await open('old', 'partner', { DATABASE_ROLES: 'off' });
    assert.is(await who(before), 'postgres');
    await before.transaction((tx) =>
      tx.script(
        'CREATE TABLE item (id int8 GENERATED ALWAYS AS IDENTITY, n int4); INSERT INTO item (n) VALUES (1)',
      ),
    );
    const after = await open('old', 'partner');
    assert.is(await who(after), 'old_partner');
    await after.transaction((tx) =>
      tx.script('INSERT INTO item (n) VALUES (2); ALTER TABLE item ADD note text'),
    );
    assert.is((await after.query(COUNT, []))[0].n, 2);
    assert.is((await before.query(COUNT, []))[0].n, 2, 'the superuser goes on');
  });

  test('its password follows from the secret; another secret gives it another password', async () => {
    const secret = 'a secret that roles of this test derive from';
    const first = await open('secret', 'partner', { DATABASE_ROLE_SECRET: secret });
    assert.is(await who(first), 'secret_partner');
    const derived = serviceRole('secret_partner', server.url, secret);
    const enter = async (): Promise<void> => {
      const url = `${urlOf(derived.name, derived.password ?? '')}/secret_partner`;
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => undefined);
      await client.connect();
      await client.end();
    };
    await enter();
    const second = await open('secret', 'partner', { DATABASE_ROLE_SECRET: `${secret}, changed` });
    assert.is(await who(second), 'secret_partner');
    assert.is((await rejection(enter())).code, '28P01');
  });

  test('a user that may not make roles serves the databases itself, and that is told', async () => {
    await admin("CREATE ROLE modest LOGIN CREATEDB PASSWORD 'modest'");
    told.length = 0;
    const database = await open('modest', 'partner', {}, urlOf('modest', 'modest'));
    assert.is(await who(database), 'modest');
    assert.is(told.length, 1);
    assert.match(told[0] ?? '', /^modest may not create roles: it serves modest_partner itself/);
  });

  test('a user that may make roles and databases, and is no superuser, makes them', async () => {
    await admin("CREATE ROLE maker LOGIN CREATEDB CREATEROLE PASSWORD 'maker'");
    const database = await open('made', 'partner', {}, urlOf('maker', 'maker'));
    assert.is(await who(database), 'made_partner');
    await database.transaction((tx) => tx.script('CREATE TABLE item (id int4)'));
    const again = await open('made', 'partner', {}, urlOf('maker', 'maker'));
    assert.is(await who(again), 'made_partner');
  });

  test('a role that the user may not touch is refused in one line', async () => {
    await admin('CREATE ROLE taken_partner SUPERUSER');
    const error = await rejection(open('taken', 'partner', {}, urlOf('maker', 'maker')));
    assert.instance(error, RoleRefused);
    assert.match(
      error.message,
      /^maker may not make taken_partner the owner of its database \(.+\): .+DATABASE_ROLES=off$/,
    );
    assert.not.match(error.message, /\n/);
  });
}

test.run();
