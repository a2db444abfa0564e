import { setTimeout as pause } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryDatabase, MemoryFault, memoryStore } from './memory-store.ts';
import { pipelineConformance } from './testing/conformance.ts';
import { memoryPartners } from './testing/partners.ts';

pipelineConformance('the memory store', async () => ({
  store: memoryStore(new MemoryDatabase()),
  partners: memoryPartners,
  close: async () => {},
})).run();

const test = suite('the memory database');
const refused = () => assert.unreachable('it should have been refused');
const never = new Promise<never>(() => {});
const read = (database: MemoryDatabase, key: string) =>
  database.transaction(async (tx) => tx.table<number>('t').get(key));

test('a transaction that rejects leaves nothing behind', async () => {
  const database = new MemoryDatabase();
  await database.transaction(async (tx) => tx.table<number>('t').set('kept', 1));
  const failed = database.transaction(async (tx) => {
    tx.table<number>('t').set('new', 2);
    tx.table<number>('t').set('kept', 3);
    tx.table<number>('t').delete('kept');
    throw new Error('no');
  });
  await failed.then(refused, () => undefined);
  assert.is(await read(database, 'kept'), 1);
  assert.is(await read(database, 'new'), undefined);
});

test('transactions run one at a time', async () => {
  const database = new MemoryDatabase();
  const add = () =>
    database.transaction(async (tx) => {
      const before = tx.table<number>('t').get('n') ?? 0;
      await pause(1);
      tx.table<number>('t').set('n', before + 1);
    });
  await Promise.all([add(), add(), add()]);
  assert.is(await read(database, 'n'), 3);
});

test('inserting a key that is taken fails as in SQL', async () => {
  const database = new MemoryDatabase();
  const twice = database.transaction(async (tx) => {
    tx.table<number>('t').insert('a', 1);
    tx.table<number>('t').insert('a', 2);
  });
  const fault = await twice.then(refused, (error: unknown) => error);
  assert.instance(fault, MemoryFault);
  assert.is((fault as MemoryFault).code, '23505');
});

test('a client that crashed before the commit has changed nothing, and holds nobody up', async () => {
  let crash = true;
  const database = new MemoryDatabase((point) => (crash && point === 'commit' ? never : Promise.resolve()));
  void database.transaction(async (tx) => tx.table<number>('t').set('a', 1));
  await pause(1);
  database.abort();
  crash = false;
  assert.is(await read(database, 'a'), undefined);
});

test('a client that crashed before it read the answer has committed', async () => {
  let crash = true;
  const database = new MemoryDatabase((point) => (crash && point === 'answer' ? never : Promise.resolve()));
  void database.transaction(async (tx) => tx.table<number>('t').set('a', 1));
  await pause(1);
  database.abort();
  crash = false;
  assert.is(await read(database, 'a'), 1);
});

test.run();
