import { fileURLToPath } from 'node:url';
import { migrate } from '../database/migrate.ts';
import { openPGlite } from '../database/pglite.ts';
import type { ServiceDatabase } from '../database/pool-database.ts';
import { openPostgres } from '../database/postgres.ts';
import { systemRuntime } from '../system-runtime.ts';
import { freshDatabase, startTestPostgres } from '../testing/postgres.ts';
import { sqlStore } from './sql-store.ts';
import { pipelineConformance } from './testing/conformance.ts';
import { partnerTableSql, sqlPartners } from './testing/partners.ts';

const migrations = fileURLToPath(new URL('migrations', import.meta.url));

/** Runs the suite on one database, emptied between its sentences. */
const conform = (name: string, open: () => Promise<ServiceDatabase>, last?: () => Promise<void>) => {
  let opened: Promise<ServiceDatabase> | undefined;
  const prepare = async (): Promise<ServiceDatabase> => {
    const database = await open();
    await migrate(database, [{ path: migrations }], systemRuntime());
    await database.transaction((tx) => tx.script(partnerTableSql));
    return database;
  };
  const suite = pipelineConformance(name, async () => {
    opened ??= prepare();
    const database = await opened;
    await database.transaction((tx) =>
      tx.script('TRUNCATE inbox, outbox, held_key, held_message, operation, audit, partner RESTART IDENTITY'),
    );
    return { store: sqlStore(database), partners: sqlPartners, close: async () => {} };
  });
  suite.after(async () => {
    await (await opened)?.close();
    await last?.();
  });
  suite.run();
};

const embedded = await openPGlite({ memory: true });
const postgres = await startTestPostgres();

conform(
  'PGlite',
  () => embedded.schema('partner'),
  () => embedded.close(),
);
if (postgres)
  conform(
    'Postgres',
    () =>
      openPostgres({
        url: postgres.url,
        database: freshDatabase('messaging'),
        poolSize: 4,
        applicationName: 'messaging test',
        statementTimeoutMs: 10_000,
        lockTimeoutMs: 5_000,
      }),
    () => postgres.stop(),
  );
