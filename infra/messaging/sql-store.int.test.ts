// time limit: 180 s
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { migrate } from '../database/migrate.ts';
import { openPGlite } from '../database/pglite.ts';
import type { ServiceDatabase } from '../database/pool-database.ts';
import { openPostgres } from '../database/postgres.ts';
import { systemRuntime } from '../system-runtime.ts';
import { freshDatabase, startTestPostgres } from '../testing/postgres.ts';
import { recall, remember } from './keyed-requests.ts';
import { sqlStore } from './sql-store.ts';
import { pipelineConformance } from './testing/conformance.ts';
import { partnerTableSql, sqlPartners } from './testing/partners.ts';

const migrations = fileURLToPath(new URL('migrations', import.meta.url));

const prepare = async (database: ServiceDatabase): Promise<ServiceDatabase> => {
  await migrate(database, [migrations], systemRuntime());
  await database.transaction((tx) => tx.script(partnerTableSql));
  return database;
};

/** Runs the suite on one database, emptied between its sentences. */
const conform = (name: string, open: () => Promise<ServiceDatabase>, last?: () => Promise<void>) => {
  let opened: Promise<ServiceDatabase> | undefined;
  const conformance = pipelineConformance(name, async () => {
    opened ??= open().then(prepare);
    const database = await opened;
    await database.transaction((tx) =>
      tx.script(
        'TRUNCATE inbox, outbox, outbox_parked, held_key, held_message, operation, request, audit, partner RESTART IDENTITY',
      ),
    );
    return { store: sqlStore(database), partners: sqlPartners, close: async () => {} };
  });
  conformance.after(async () => {
    await (await opened)?.close();
    await last?.();
  });
  conformance.run();
};

const embedded = await openPGlite({ memory: true });
const postgres = await startTestPostgres();

conform(
  'PGlite',
  () => embedded.schema('partner'),
  () => embedded.close(),
);
if (postgres) {
  const open = () =>
    openPostgres({
      url: postgres.url,
      database: freshDatabase('messaging'),
      poolSize: 4,
      applicationName: 'messaging test',
      statementTimeoutMs: 10_000,
      lockTimeoutMs: 5_000,
    });
  concurrency(open);
  conform('Postgres', open, () => postgres.stop());
}

/** What only shows between two connections. */
function concurrency(open: () => Promise<ServiceDatabase>): void {
  const test = suite('two transactions on Postgres');
  let database: ServiceDatabase;
  test.before(async () => {
    database = await prepare(await open());
  });
  test.after(() => database.close());

  test('a consumer that meets a held key waits for the drain, and then sees what is left of it, whether it looks or not', async () => {
    const store = sqlStore(database);
    const now = new Date();
    const held = { subscription: 's', key: 'k', topic: 't', properties: {}, payload: Buffer.alloc(0) };
    const rest = {
      publishedAt: 0,
      cause: '',
      attempts: 0,
      state: 'RETRYING',
      nextAt: now,
      heldAt: now,
    } as const;
    await store.transaction(async (tx) => store.hold(tx, [{ ...held, ...rest }]));
    let consumer: Promise<ReadonlySet<string>> | undefined;
    let hasty: Promise<void> | undefined;
    const refuse = () => store.transaction(async (tx) => store.refuseHeldKeys(tx, 's', ['j', 'k']));
    let waits = true;
    await refuse().then(
      () => assert.unreachable('the key is held'),
      (error) => assert.is(store.classify(error), 'held'),
    );
    await store.transaction(async (drain) => {
      await store.lockHeldKeys(drain, 's', ['k']);
      const head = await store.heldHead(drain, 's', 'k');
      consumer = store.transaction((tx) => store.lockHeldKeys(tx, 's', ['j', 'k']));
      hasty = refuse();
      void Promise.race([consumer, hasty]).then(() => {
        waits = false;
      });
      await pause(50);
      assert.ok(waits, 'the key is locked');
      if (head) store.releaseHeld(drain, head);
    });
    assert.equal([...((await consumer) ?? [])], []);
    await hasty;
  });

  test('of two transactions that claim one message the second fails as a conflict', async () => {
    const store = sqlStore(database);
    const claim = () =>
      store.transaction(async (tx) => {
        const before = await store.claims(tx, 's', ['k']);
        await pause(20);
        store.insertClaims(tx, 's', [{ key: 'k', tombstone: false }], new Date());
        return before.size;
      });
    const [first, second] = await Promise.allSettled([claim(), claim()]);
    const lost = first?.status === 'rejected' ? first : second;
    assert.is(lost?.status, 'rejected');
    assert.is(lost?.status === 'rejected' && store.classify(lost.reason), 'conflict');
    assert.is((await store.transaction((tx) => store.claims(tx, 's', ['k']))).size, 1);
  });

  test('while a verb’s transaction is open another replica finds its key under way, and then its answer', async () => {
    const store = sqlStore(database);
    const request = { id: '7f0a0f60-6a0f-5d3c-9b0c-3f8a4f1f7d52', hash: 'h' };
    const look = () => store.transaction((tx) => recall(store, tx, request));
    await store.transaction(async (tx) => {
      assert.is((await recall(store, tx, request)).status, 'new');
      assert.is((await look()).status, 'under-way');
      remember(store, tx, request, { b: 1, a: 'ñ' }, new Date());
    });
    assert.equal(await look(), { status: 'answered', answer: { b: 1, a: 'ñ' } });
  });

  test.run();
}
