import { freshDatabase, startTestPostgres } from '@cordada/infra/testing/postgres.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openEmbedded } from './embedded-product.ts';
import { openFloor } from './floor.ts';
import { serverPool } from './server-pool.ts';
import { contest, type System, type WorkName, works } from './work.ts';

const test = suite('bench of works');

const postgres = await startTestPostgres();
test.after(() => postgres?.stop());

/** Does a little of all that is measured; `checkStock` then reads back what became of it. */
const doAll = async (system: System): Promise<void> => {
  try {
    for (const work of Object.keys(works) as WorkName[]) {
      const [result] = await contest([(count) => system.work[work](count, 10)], 20, 2);
      assert.ok(result && result.perSecond > 0 && result.p99 >= result.p50, work);
    }
    await system.checkStock();
  } finally {
    await system.close();
  }
};

test('what is measured really happens: as many units leave the stock as are bought', async () => {
  await doAll(await openEmbedded('memory', { kind: 'memory' }, 20));
});

if (postgres) {
  test('the floor does the same business', async () => {
    await doAll(await openFloor(postgres.url, freshDatabase('floor')));
  });

  /** What one campaign writes to the floor's log, a row a transaction. */
  const stepsOf = async (approves: boolean): Promise<unknown[]> => {
    const database = freshDatabase('floor');
    const floor = await openFloor(postgres.url, database, { approves });
    const pool = serverPool(postgres.url, database, 1);
    try {
      await floor.work.campaign(1, 1);
      const { rows } = await pool.query('SELECT entry, xmin::text AS transaction FROM saga_log ORDER BY id');
      assert.is(new Set(rows.map(({ transaction }) => transaction)).size, rows.length);
      return rows.map(({ entry }) => entry);
    } finally {
      await pool.end();
      await floor.close();
    }
  };

  test('a campaign of the floor takes a transaction a step of its saga, or three as in the design', async () => {
    const three = ['campaigns', 'partners', 'events'];
    assert.equal(await stepsOf(true), [...three, 'approved campaigns']);
    assert.equal(await stepsOf(false), three);
  });
}

test.run();
