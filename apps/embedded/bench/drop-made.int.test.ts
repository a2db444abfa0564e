import { freshDatabase, startTestPostgres } from '@cordada/infra/testing/postgres.ts';
import pg from 'pg';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dropMade } from './drop-made.ts';
import { openFloor } from './floor.ts';

const test = suite('what a bench leaves on a server');

const postgres = await startTestPostgres();
if (postgres) {
  const client = new pg.Client({ connectionString: postgres.url, database: 'postgres' });
  await client.connect();
  test.after(async () => {
    await client.end();
    await postgres.stop();
  });

  /** Databases and roles whose names begin so. */
  const standing = async (prefix: string): Promise<string[]> => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT name FROM (SELECT datname::text FROM pg_database UNION ALL SELECT rolname::text FROM pg_roles) made (name)
       WHERE starts_with(name, $1) ORDER BY name`,
      [prefix],
    );
    return rows.map(({ name }) => name);
  };

  test('its databases and their roles go, and no others', async () => {
    for (const name of ['made_1_a', 'made_1_b', 'made_12_a']) {
      await client.query(`CREATE ROLE ${name}`);
      await client.query(`GRANT ${name} TO CURRENT_USER`);
      await client.query(`CREATE DATABASE ${name} OWNER ${name}`);
    }
    const inUse = new pg.Client({ connectionString: postgres.url, database: 'made_1_a' });
    inUse.on('error', () => {}); // it is cut off
    await inUse.connect();
    await dropMade(postgres.url, 'made_1_');
    inUse.end().catch(() => {});
    assert.equal(await standing('made_1'), ['made_12_a', 'made_12_a']);
    await dropMade(postgres.url, 'made_12_');
    assert.equal(await standing('made_1'), []);
  });

  test('the floor takes its database along', async () => {
    const database = freshDatabase('floor');
    const floor = await openFloor(postgres.url, database);
    assert.equal(await standing(database), [database]);
    await floor.close();
    assert.equal(await standing(database), []);
  });
}

test.run();
