import { fileURLToPath } from 'node:url';
import type { SqlTransaction } from '@cordada/infra/database/database.ts';
import { migrate } from '@cordada/infra/database/migrate.ts';
import { openPGlite } from '@cordada/infra/database/pglite.ts';
import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import { openPostgres } from '@cordada/infra/database/postgres.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { freshDatabase, startTestPostgres } from '@cordada/infra/testing/postgres.ts';
import { sqlSagaStore } from '../engine/sql-store.ts';
import type { Storage } from './desk.ts';

const migrations = fileURLToPath(new URL('../engine/migrations', import.meta.url));

/** The engine's tables on one database. */
export interface TestDatabase extends Storage<SqlTransaction> {
  readonly database: ServiceDatabase;
  close(): Promise<void>;
}

const prepare = async (database: ServiceDatabase, last: () => Promise<void>): Promise<TestDatabase> => {
  await migrate(database, [migrations], systemRuntime());
  return {
    database,
    store: sqlSagaStore(database),
    transaction: (work) => database.transaction(work),
    clear: () => database.transaction((tx) => tx.script('TRUNCATE saga, saga_log, saga_key')),
    async close() {
      await database.close();
      await last();
    },
  };
};

/** Every database that this machine can run, by name; each is opened when it is asked for. */
export const testDatabases = async (): Promise<ReadonlyMap<string, () => Promise<TestDatabase>>> => {
  const databases = new Map<string, () => Promise<TestDatabase>>([
    [
      'PGlite',
      async () => {
        const embedded = await openPGlite({ memory: true });
        return prepare(await embedded.schema('campaign'), () => embedded.close());
      },
    ],
  ]);
  const server = await startTestPostgres();
  if (server)
    databases.set('Postgres', async () => {
      const database = await openPostgres({
        url: server.url,
        database: freshDatabase('sagas'),
        poolSize: 4,
        applicationName: 'sagas test',
        statementTimeoutMs: 10_000,
        lockTimeoutMs: 5_000,
      });
      return prepare(database, () => server.stop());
    });
  return databases;
};
