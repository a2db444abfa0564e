import { join } from 'node:path';
import { migrate } from '@cordada/infra/database/migrate.ts';
import { openPGlite } from '@cordada/infra/database/pglite.ts';
import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import { openPostgres } from '@cordada/infra/database/postgres.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';

/** Where the fleet's databases are: a Postgres server, a folder for PGlite, or this process's memory. */
export type Place =
  | { readonly kind: 'postgres'; readonly url: string; readonly prefix: string }
  | { readonly kind: 'pglite'; readonly dataDir: string }
  | { readonly kind: 'memory' };

/** The databases of one fleet, held against every other process until they are closed. */
export interface Stores {
  /** The database of a service, made where missing. */
  open(service: string): Promise<ServiceDatabase>;
  close(): Promise<void>;
}

const POOL_SIZE = 10;
const STATEMENT_TIMEOUT_MS = 15_000;
const LOCK_TIMEOUT_MS = 5_000;

/** The name of a service's database on a Postgres server. */
export const databaseName = (prefix: string, service: string): string => `${prefix}_${service}`;

const postgresStores = (url: string, prefix: string): Stores => {
  const opened: ServiceDatabase[] = [];
  return {
    async open(service) {
      const database = await openPostgres({
        url,
        database: databaseName(prefix, service),
        poolSize: POOL_SIZE,
        applicationName: `cordada ${service}`,
        statementTimeoutMs: STATEMENT_TIMEOUT_MS,
        lockTimeoutMs: LOCK_TIMEOUT_MS,
        exclusive: true,
      });
      opened.push(database);
      return database;
    },
    async close() {
      await Promise.all(opened.map((database) => database.close()));
    },
  };
};

/**
 * Opens the place and holds it. A folder of PGlite stands below `dataDir`, beside what others may keep there.
 * @throws DataDirInUse when another process serves the folder; Error when it cannot be written
 */
export const openStores = async (place: Place): Promise<Stores> => {
  if (place.kind === 'postgres') return postgresStores(place.url, place.prefix);
  const embedded = await openPGlite(
    place.kind === 'memory' ? { memory: true } : { dataDir: join(place.dataDir, 'pglite') },
  );
  const opened: ServiceDatabase[] = [];
  return {
    async open(service) {
      const database = await embedded.schema(service);
      opened.push(database);
      return database;
    },
    async close() {
      await Promise.all(opened.map((database) => database.close()));
      await embedded.close();
    },
  };
};

/**
 * Opens a service's database and brings it to what the code expects.
 * @param folders of migrations, in the order in which they are applied
 * @returns the database, and the names of the migrations that it lacked
 * @throws DatabaseInUse, MigrationRefused, or what the server says
 */
export const openMigrated = async (
  stores: Stores,
  service: string,
  folders: readonly string[],
  runtime: Runtime,
): Promise<{ database: ServiceDatabase; applied: readonly string[] }> => {
  const database = await stores.open(service);
  const applied = await migrate(database, folders, runtime);
  return { database, applied };
};
