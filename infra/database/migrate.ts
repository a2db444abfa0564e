import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Runtime } from '../runtime.ts';
import { statement } from './database.ts';
import type { ServiceDatabase } from './pool-database.ts';
import type { ServiceTransaction } from './transaction.ts';

/** The database cannot be brought to what the code expects. Nothing was changed for that reason. */
export class MigrationRefused extends Error {
  override readonly name = 'MigrationRefused';
}

interface Migration {
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the file, as Prisma records it. */
  readonly checksum: string;
}

interface Applied {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished_at: Date | null;
}

/** Starters of one database take turns, a migration at a time. */
const MIGRATING_LOCK = 0x0c07dadc;

const LOCK = statement('migrate.lock', 'SELECT pg_advisory_xact_lock($1)');
/** Prisma's own table, word for word, so that its tools read what was applied here. */
const TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum VARCHAR(64) NOT NULL,
  finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL,
  logs TEXT,
  rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;
const APPLIED = statement(
  'migrate.applied',
  'SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL',
);
const RECORD = statement(
  'migrate.record',
  `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
   VALUES ($1, $2, $3, $4, $5, 1)`,
);

async function readMigrations(folders: readonly string[]): Promise<Migration[]> {
  const migrations: Migration[] = [];
  for (const path of folders) {
    const entries = await readdir(path, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    for (const name of names.sort()) {
      if (migrations.some((other) => other.name === name))
        throw new MigrationRefused(`Two migrations are named ${name}`);
      const file = await readFile(join(path, name, 'migration.sql'));
      migrations.push({
        name,
        sql: file.toString(),
        checksum: createHash('sha256').update(file).digest('hex'),
      });
    }
  }
  return migrations;
}

const verify = (applied: readonly Applied[], known: readonly Migration[]): void => {
  const checksums = new Map(known.map(({ name, checksum }) => [name, checksum]));
  const unknown = applied
    .filter((row) => !checksums.has(row.migration_name))
    .map((row) => row.migration_name);
  if (unknown.length > 0) {
    throw new MigrationRefused(`The database is newer than the code: it has ${unknown.sort().join(', ')}`);
  }
  for (const { migration_name: name, checksum, finished_at: finished } of applied) {
    if (finished === null)
      throw new MigrationRefused(`Migration ${name} was begun by another tool and has not finished`);
    if (checksums.get(name) !== checksum) {
      throw new MigrationRefused(
        `Migration ${name} was changed after it had been applied: add a new one instead`,
      );
    }
  }
};

/**
 * Applies what is missing of the folders' migrations, folder by folder and by name, each in a transaction of its own,
 * and records them as Prisma does. Starters of one database may run it at the same time.
 * @param folders paths; each holds migrations as `<yyyymmddhhmmss>_<name>/migration.sql`
 * @returns the names of those that were applied now
 * @throws MigrationRefused when the database is newer than the code, or an applied migration was changed
 */
export async function migrate(
  database: ServiceDatabase,
  folders: readonly string[],
  runtime: Pick<Runtime, 'now' | 'uuid'>,
  log?: (line: string) => void,
): Promise<string[]> {
  const known = await readMigrations(folders);
  const inTurn = <R>(work: (tx: ServiceTransaction) => Promise<R>): Promise<R> =>
    database.transaction(async (tx) => {
      if (database.kind === 'postgres') {
        // Another starter's migration may take longer than a statement of the service ever should.
        await tx.script('SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0');
        await tx.query(LOCK, [MIGRATING_LOCK]);
      }
      return work(tx);
    });

  const applied = await inTurn(async (tx) => {
    await tx.script(TABLE);
    return tx.query<Applied>(APPLIED, []);
  });
  verify(applied, known);
  const done = new Set(applied.map((row) => row.migration_name));
  const now: string[] = [];
  for (const { name, sql, checksum } of known.filter((migration) => !done.has(migration.name))) {
    const started = runtime.now();
    const fresh = await inTurn(async (tx) => {
      const others = await tx.query<Applied>(APPLIED, []);
      if (others.some((row) => row.migration_name === name)) return false;
      await tx.script(sql);
      await tx.query(RECORD, [runtime.uuid(), checksum, name, new Date(started), new Date(runtime.now())]);
      return true;
    });
    if (!fresh) continue;
    now.push(name);
    log?.(`${database.schema}: applied ${name} in ${runtime.now() - started} ms`);
  }
  return now;
}
