import { join } from 'node:path';
import type { AllSettings } from '@cordada/infra/config/settings.ts';
import { type EmbeddedDatabase, openPGlite } from '@cordada/infra/database/pglite.ts';
import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import type { Cancel, Runtime } from '@cordada/infra/runtime.ts';
import { openServicePostgres } from '@cordada/infra/service/service-database.ts';

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

const postgresStores = (
  settings: AllSettings,
  { url, prefix }: Extract<Place, { kind: 'postgres' }>,
  told: (line: string) => void,
): Stores => {
  const opened: ServiceDatabase[] = [];
  return {
    async open(service) {
      // The services of this process meet on its memory bus: another process would serve the database apart from them.
      const database = await openServicePostgres(settings, { url, prefix, service, exclusive: true, told });
      opened.push(database);
      return database;
    },
    async close() {
      await Promise.all(opened.map((database) => database.close()));
    },
  };
};

/** Milliseconds between two vacuums of PGlite. */
const VACUUM_EVERY_MS = 60_000;

/** Vacuums `embedded` for as long as it is open. @returns what ends that, and waits for one under way */
const keepVacuumed = (
  embedded: EmbeddedDatabase,
  runtime: Pick<Runtime, 'after'>,
  told: (line: string) => void,
): (() => Promise<void>) => {
  let ended = false;
  let underWay: Promise<void> = Promise.resolve();
  const next = (): Cancel =>
    runtime.after(VACUUM_EVERY_MS, () => {
      underWay = embedded
        .vacuum()
        .catch((error: unknown) => told(`the embedded database could not be vacuumed: ${String(error)}`))
        .then(() => {
          if (!ended) cancel = next();
        });
    });
  let cancel = next();
  return async () => {
    ended = true;
    cancel();
    await underWay;
  };
};

/**
 * Opens the place and holds it. A folder of PGlite stands below `dataDir`, beside what others may keep there.
 * @param told is told in a line what the operator should know
 * @throws DataDirInUse when another process serves the folder; Error when it cannot be written
 */
export const openStores = async (
  place: Place,
  settings: AllSettings,
  runtime: Pick<Runtime, 'after'>,
  told: (line: string) => void = () => {},
): Promise<Stores> => {
  if (place.kind === 'postgres') return postgresStores(settings, place, told);
  const embedded = await openPGlite(
    place.kind === 'memory' ? { memory: true } : { dataDir: join(place.dataDir, 'pglite') },
  );
  const endVacuuming = keepVacuumed(embedded, runtime, told);
  const opened: ServiceDatabase[] = [];
  return {
    async open(service) {
      const database = await embedded.schema(service);
      opened.push(database);
      return database;
    },
    async close() {
      await endVacuuming();
      await Promise.all(opened.map((database) => database.close()));
      await embedded.close();
    },
  };
};
