import { statement } from '@cordada/infra/database/database.ts';
import { openPGlite } from '@cordada/infra/database/pglite.ts';
import type { Incarnation } from '@cordada/infra/testing/virtual-time.ts';
import { virtualTime } from '@cordada/infra/testing/virtual-time.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type DatabaseFaults, SessionQueue, simulateDatabase } from './simulated-database.ts';

const INSERT = statement('test.insert', 'INSERT INTO item (id) VALUES ($1)');
const READ = statement('test.read', 'SELECT id FROM item ORDER BY id');

const test = suite('simulated database');
const embedded = await openPGlite({ memory: true });
const real = await embedded.schema('test');
await real.transaction((tx) => tx.script('CREATE TABLE item (id int PRIMARY KEY)'));

test.before.each(() => real.transaction((tx) => tx.script('TRUNCATE item')));
test.after(async () => {
  await real.close();
  await embedded.close();
});

/** A world of several processes on one session; each tells what it meets at its nth chance to meet something. */
const simulated = () => {
  const world = virtualTime({ seed: 1 });
  const session = new SessionQueue();
  const start = (meets: (chance: number, life: Incarnation) => ReturnType<DatabaseFaults['meet']>) => {
    const life = world.incarnation('process');
    let chances = 0;
    const ran: string[][] = [];
    const { database, abort } = simulateDatabase(real, session, life, {
      meet: () => meets(++chances, life),
      refuses: (name, before) => name === 'test.read' && before.has('test.read'),
      runs: (names) => ran.push([...names]),
    });
    life.onCrash(abort);
    return { life, database, ran };
  };
  return { world, start };
};

const never = (): undefined => undefined;
const crashAt =
  (when: number) =>
  (chance: number, life: Incarnation): 'crash' | undefined => {
    if (chance !== when) return undefined;
    life.crash();
    return 'crash';
  };

const committed = async (): Promise<number[]> =>
  (await real.query<{ id: number }>(READ, [])).map(({ id }) => id);

/** A read, and a write with the commit behind it: two flights. */
const readAndWrite = (database: ReturnType<ReturnType<typeof simulated>['start']>['database'], id: number) =>
  database.transaction(async (tx) => {
    const rows = await tx.query<{ id: number }>(READ, []);
    void tx.write(INSERT, [id]);
    return rows.length;
  });

test('the statements of one turn are one flight, and writes go with their commit', async () => {
  const { world, start } = simulated();
  const { database, ran } = start(never);
  let found: number | undefined;
  void readAndWrite(database, 1).then((rows) => {
    found = rows;
  });
  await world.run();
  assert.is(found, 0);
  assert.equal(ran, [['test.read'], ['test.insert']]);
  assert.equal(await committed(), [1]);
});

for (const [when, what, left] of [
  [1, 'before anything arrives', []],
  [2, 'with its reads answered', []],
  [3, 'before its commit arrives', []],
  [4, 'before the answer to its commit', [1]],
] as const)
  test(`a process that crashes ${what} leaves ${left.length === 0 ? 'nothing' : 'all'}, and never hears of it`, async () => {
    const { world, start } = simulated();
    let settled = false;
    readAndWrite(start(crashAt(when)).database, 1).finally(() => {
      settled = true;
    });
    // Somebody else waits for the session meanwhile, and gets it.
    const other = start(never);
    let seen: number | undefined;
    void readAndWrite(other.database, 2).then((rows) => {
      seen = rows;
    });
    await world.run();
    assert.is(settled, false);
    assert.is(seen, left.length);
    assert.equal(await committed(), [...left, 2]);
  });

for (const [when, left] of [
  [1, []],
  [2, []],
  [3, []],
  [4, [1]],
] as const)
  test(`a connection that is lost at point ${when} leaves ${left.length === 0 ? 'nothing' : 'all'}, and fails`, async () => {
    const { world, start } = simulated();
    const { database } = start((chance) => (chance === when ? 'fault' : undefined));
    let failure: { code?: string } = {};
    readAndWrite(database, 1).catch((cause) => {
      failure = cause;
    });
    await world.run();
    assert.is(failure.code, 'ECONNRESET');
    assert.equal(await committed(), left);
  });

test('a statement that fails fails its transaction with its own error, and the session goes on', async () => {
  const { world, start } = simulated();
  await real.query(INSERT, [1]);
  const { database } = start(never);
  let failure: { code?: string } = {};
  readAndWrite(database, 1).catch((cause) => {
    failure = cause;
  });
  await world.run();
  assert.is(failure.code, '23505');
  let rows: number | undefined;
  void readAndWrite(database, 2).then((found) => {
    rows = found;
  });
  await world.run();
  assert.is(rows, 1);
});

test('a statement that is refused fails alone; work that swallows it commits nothing all the same', async () => {
  const { world, start } = simulated();
  const { database } = start(never);
  let first: number | undefined;
  let failure: { message?: string } = {};
  database
    .transaction(async (tx) => {
      const [one, two] = await Promise.allSettled([tx.query(READ, []), tx.query(READ, [])]);
      assert.is(two?.status, 'rejected');
      first = one?.status === 'fulfilled' ? one.value.length : undefined;
      void tx.write(INSERT, [1]);
    })
    .catch((cause) => {
      failure = cause;
    });
  await world.run();
  assert.is(first, 0);
  assert.match(failure.message ?? '', /poisoned/);
  assert.equal(await committed(), []);
});

test('work that throws rolls back', async () => {
  const { world, start } = simulated();
  const { database } = start(never);
  let failure: Error | undefined;
  database
    .transaction(async (tx) => {
      await tx.query(READ, []);
      await tx.query(INSERT, [1]);
      throw new Error('no');
    })
    .catch((cause) => {
      failure = cause;
    });
  await world.run();
  assert.is(failure?.message, 'no');
  assert.equal(await committed(), []);
});

test('a process that is dead asks for nothing, and keeps the session from nobody', async () => {
  const { world, start } = simulated();
  const dead = start(never);
  dead.life.crash();
  void readAndWrite(dead.database, 1);
  let rows: number | undefined;
  void readAndWrite(start(never).database, 2).then((found) => {
    rows = found;
  });
  await world.run();
  assert.is(rows, 0);
  assert.equal(await committed(), [2]);
});

test.run();
