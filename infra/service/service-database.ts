import { readFile } from 'node:fs/promises';
import { ConfigError } from '../config/declare.ts';
import type { AllSettings } from '../config/settings.ts';
import type { PostgresTls } from '../database/connection.ts';
import { migrate } from '../database/migrate.ts';
import type { ServiceDatabase } from '../database/pool-database.ts';
import { openPostgres } from '../database/postgres.ts';
import { serviceRole } from '../database/role.ts';
import type { Runtime } from '../runtime.ts';

/** What the databases of an installation are called by, unless a test says otherwise: `cordada_campaign`. */
export const DATABASE_PREFIX = 'cordada';

/** The name of a service's database on a Postgres server. */
export const databaseName = (prefix: string, service: string): string => `${prefix}_${service}`;

const tlsOf = async ({
  DATABASE_SSL: mode,
  DATABASE_CA: file,
}: AllSettings): Promise<PostgresTls | undefined> => {
  if (file === undefined) return mode && { mode };
  if (mode !== undefined && mode !== 'verify')
    throw new ConfigError([`DATABASE_CA has no effect with DATABASE_SSL=${mode}: set DATABASE_SSL=verify`]);
  try {
    return { mode: 'verify', ca: await readFile(file, 'utf8') };
  } catch (error) {
    throw new ConfigError([`DATABASE_CA=${file} cannot be read: ${(error as Error).message}`]);
  }
};

export interface ServicePostgresOptions {
  readonly url: string;
  /** Of the names of the databases and of their roles. */
  readonly prefix: string;
  readonly service: string;
  /**
   * Whether no other process may have it: a service that shares its database with replicas says no. `watching`: it is
   * only read, beside whoever has it.
   */
  readonly exclusive: boolean | 'watching';
  /** Is told in a line what the operator should know. */
  readonly told?: (line: string) => void;
}

/**
 * Opens the Postgres database of a service, made where missing, by a role of the service's own, as the settings say.
 * @throws ConfigError when they do not go together, or the certificate cannot be read; DatabaseInUse, RoleRefused, or
 * what the server says
 */
export const openServicePostgres = async (
  settings: AllSettings,
  { url, prefix, service, exclusive, told }: ServicePostgresOptions,
): Promise<ServiceDatabase> => {
  const database = databaseName(prefix, service);
  const tls = await tlsOf(settings);
  return openPostgres({
    url,
    database,
    poolSize: settings.DATABASE_POOL_SIZE,
    applicationName: `cordada ${service}`,
    statementTimeoutMs: settings.DATABASE_STATEMENT_TIMEOUT,
    lockTimeoutMs: settings.DATABASE_LOCK_TIMEOUT,
    ...(exclusive !== 'watching' && { hold: exclusive ? 'exclusive' : 'shared' }),
    ...(tls && { tls }),
    ...(settings.DATABASE_ROLES === 'auto' && {
      role: serviceRole(database, url, settings.DATABASE_ROLE_SECRET),
    }),
    ...(told && { told }),
  });
};

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
