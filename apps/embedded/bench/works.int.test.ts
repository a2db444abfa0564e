import { freshDatabase, startTestPostgres } from '@cordada/infra/testing/postgres.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openEmbedded } from './embedded-product.ts';
import { openFloor } from './floor.ts';
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

if (postgres)
  test('the floor does the same business', async () => {
    await doAll(await openFloor(postgres.url, freshDatabase('floor')));
  });

test.run();
