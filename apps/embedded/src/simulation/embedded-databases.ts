import { migrations as adminMigrations } from '@cordada/admin-productos/service.ts';
import { migrations as campaignMigrations } from '@cordada/campaign/service.ts';
import { migrations as consolidadorMigrations } from '@cordada/consolidador/service.ts';
import { migrations as gestorMigrations } from '@cordada/gestor-compra/service.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { array } from '@cordada/infra/database/array.ts';
import { statement } from '@cordada/infra/database/database.ts';
import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import { migrated } from '@cordada/infra/service/service-database.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { migrations as ordenesMigrations } from '@cordada/ordenes/service.ts';
import { migrations as partnerMigrations } from '@cordada/partner/service.ts';
import { migrations as trackingMigrations } from '@cordada/tracking/service.ts';
import { openStores } from '../stores.ts';
import { isKeeper, type Keeper, type ServiceName } from './systems.ts';

const migrations: Readonly<Record<Keeper, readonly string[]>> = {
  campaign: campaignMigrations,
  partner: partnerMigrations,
  tracking: trackingMigrations,
  'gestor-compra': gestorMigrations,
  consolidador: consolidadorMigrations,
  'admin-productos': adminMigrations,
  ordenes: ordenesMigrations,
};

export type Databases = Readonly<Record<Keeper, ServiceDatabase>>;

// Truncated in one statement: a flight each would cost more than most seeds do.
const TABLES = statement(
  'simulation.tables',
  `SELECT string_agg(quote_ident(schemaname) || '.' || quote_ident(tablename), ', ' ORDER BY schemaname, tablename)
     AS names FROM pg_tables
   WHERE schemaname = ANY($1::text[]) AND tablename <> '_prisma_migrations'`,
);

interface Opened {
  readonly databases: Databases;
  /** All tables of some services. */
  tablesOf(services: readonly Keeper[]): Promise<string>;
}

const namesOf = async (databases: Databases, services: readonly Keeper[]): Promise<string> => {
  const schemas = services.map((service) => databases[service].schema ?? service);
  const [tables] = await databases[services[0] as Keeper].query<{ names: string }>(TABLES, [
    array('text', schemas),
  ]);
  return tables?.names ?? '';
};

let opened: Promise<Opened> | undefined;

const open = async (): Promise<Opened> => {
  const stores = await openStores({ kind: 'memory' }, readSettings({}), systemRuntime());
  const databases = {} as Record<Keeper, ServiceDatabase>;
  for (const name of Object.keys(migrations) as Keeper[])
    databases[name] = (await migrated(() => stores.open(name), migrations[name], systemRuntime())).database;
  const known = new Map<string, string>();
  return {
    databases,
    async tablesOf(services) {
      const key = services.join();
      const tables = known.get(key) ?? (await namesOf(databases, services));
      known.set(key, tables);
      return tables;
    },
  };
};

/** The services' migrated databases in this process's one PGlite, which outlives every seed; those of `services` emptied. */
export const emptyDatabases = async (services: readonly ServiceName[]): Promise<Databases> => {
  opened ??= open();
  const { databases, tablesOf } = await opened;
  const keepers = services.filter(isKeeper);
  const tables = await tablesOf(keepers);
  const [first] = keepers;
  if (first) await databases[first].transaction((tx) => tx.script(`TRUNCATE ${tables} RESTART IDENTITY`));
  return databases;
};
