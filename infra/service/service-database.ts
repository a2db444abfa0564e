import type { AllSettings } from '../config/settings.ts';
import { migrate } from '../database/migrate.ts';
import type { ServiceDatabase } from '../database/pool-database.ts';
import { openPostgres } from '../database/postgres.ts';
import type { Runtime } from '../runtime.ts';

const POOL_SIZE = 10;
const STATEMENT_TIMEOUT_MS = 15_000;
const LOCK_TIMEOUT_MS = 5_000;

/** What the databases of an installation are called by, unless a test says otherwise: `cordada_campaign`. */
export const DATABASE_PREFIX = 'cordada';

/** The name of a service's database on a Postgres server. */
export const databaseName = (prefix: string, service: string): string => `${prefix}_${service}`;

/**
 * Opens the Postgres database of a service, made where missing.
 * @param exclusive whether no other process may have it: a service that shares its database with replicas says no
 */
export const openServicePostgres = (
  _settings: AllSettings,
  { url, prefix, service, exclusive }: { url: string; prefix: string; service: string; exclusive: boolean },
): Promise<ServiceDatabase> =>
  openPostgres({
    url,
    database: databaseName(prefix, service),
    poolSize: POOL_SIZE,
    applicationName: `cordada ${service}`,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    exclusive,
  });

/**
 * Opens a service's database and brings it to what the code expects. What fails leaves nothing open.
 * @param folders of migrations, in the order in which they are applied
 * @returns the database, and the names of the migrations that it lacked
 * @throws DatabaseInUse, MigrationRefused, or what the server says
 */
export const migrated = async (
  open: () => Promise<ServiceDatabase>,
  folders: readonly string[],
  runtime: Runtime,
): Promise<{ database: ServiceDatabase; applied: readonly string[] }> => {
  const database = await open();
  try {
    return { database, applied: await migrate(database, folders, runtime) };
  } catch (error) {
    await database.close();
    throw error;
  }
};
