import { migrations as campaignMigrations } from '@cordada/campaign/service.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { statement } from '@cordada/infra/database/database.ts';
import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import { migrated } from '@cordada/infra/service/service-database.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { migrations as partnerMigrations } from '@cordada/partner/service.ts';
import { migrations as trackingMigrations } from '@cordada/tracking/service.ts';
import { openStores } from '../stores.ts';
import type { ServiceName } from './processes.ts';

const migrations: Readonly<Record<ServiceName, readonly string[]>> = {
  campaign: campaignMigrations,
  partner: partnerMigrations,
  tracking: trackingMigrations,
};

export type Databases = Readonly<Record<ServiceName, ServiceDatabase>>;

const TABLES = statement(
  'simulation.tables',
  `SELECT string_agg(quote_ident(tablename), ', ' ORDER BY tablename) AS names FROM pg_tables
   WHERE schemaname = current_schema() AND tablename <> '_prisma_migrations'`,
);

let opened: Promise<Databases> | undefined;

const open = async (): Promise<Databases> => {
  const stores = await openStores({ kind: 'memory' }, readSettings({}), systemRuntime());
  const databases = {} as Record<ServiceName, ServiceDatabase>;
  for (const name of ['campaign', 'partner', 'tracking'] as const)
    databases[name] = (await migrated(() => stores.open(name), migrations[name], systemRuntime())).database;
  return databases;
};

/** The services' migrated databases in this process's one PGlite, which outlives every seed; emptied. */
export const emptyDatabases = async (): Promise<Databases> => {
  opened ??= open();
  const databases = await opened;
  for (const database of Object.values(databases)) {
    const [tables] = await database.query<{ names: string }>(TABLES, []);
    await database.transaction((tx) => tx.script(`TRUNCATE ${tables?.names} RESTART IDENTITY`));
  }
  return databases;
};
