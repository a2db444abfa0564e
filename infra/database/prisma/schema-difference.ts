import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import * as binding from '@prisma/schema-engine-wasm/schema_engine_bg';
import { PrismaPGlite } from 'pglite-prisma-adapter';

/** The part of the global that is used here: no library that is compiled against declares it. */
declare const WebAssembly: {
  instantiate(code: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>;
};

let loaded: Promise<typeof binding.SchemaEngine> | undefined;

/** Prisma's schema engine as WebAssembly: the native one would be downloaded. Its binding knows one instance only. */
const loadEngine = (): Promise<typeof binding.SchemaEngine> => {
  loaded ??= instantiateEngine();
  return loaded;
};

async function instantiateEngine(): Promise<typeof binding.SchemaEngine> {
  const module = new URL('schema_engine_bg.wasm', import.meta.resolve('@prisma/schema-engine-wasm'));
  const { instance } = await WebAssembly.instantiate(await readFile(module), {
    './schema_engine_bg.js': binding,
  });
  const { __wbg_set_wasm, SchemaEngine } = binding as typeof binding & {
    __wbg_set_wasm(exports: unknown): void;
  };
  __wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
  return SchemaEngine;
}

/**
 * An empty database in memory, for migrations to be tried in. Prisma's own Postgres adapter cannot read the catalogs
 * (the type "char"), and this one does not await a script.
 */
async function scratch(): Promise<SqlDriverAdapter> {
  const database = await PGlite.create();
  const adapter = await new PrismaPGlite(database).connect();
  return Object.assign(adapter, {
    executeScript: async (sql: string) => void (await database.exec(sql)),
    dispose: () => database.close(),
  });
}

const scratchFactory: SqlMigrationAwareDriverAdapterFactory = {
  provider: 'postgres',
  adapterName: 'pglite',
  connect: scratch,
  connectToShadowDb: scratch,
};

async function readMigrations(folder: string): Promise<binding.MigrationDirectory[]> {
  const names = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  return Promise.all(
    names
      .map((entry) => entry.name)
      .sort()
      .map(async (path) => ({
        path,
        migrationFile: {
          path: 'migration.sql',
          content: { tag: 'ok' as const, value: await readFile(join(folder, path, 'migration.sql'), 'utf8') },
        },
      })),
  );
}

/**
 * What a service's migrations still lack to make the database that its schema describes.
 * @param folder holds `schema.prisma` and `migrations/`
 * @returns SQL for the next migration; empty when they agree
 */
export async function schemaDifference(folder: string): Promise<string> {
  const path = join(folder, 'schema.prisma');
  const content = await readFile(path, 'utf8');
  const baseDir = join(folder, 'migrations');
  const SchemaEngine = await loadEngine();
  const engine = await SchemaEngine.new(
    { datamodels: [[path, content]] },
    () => undefined,
    bindMigrationAwareSqlAdapterFactory(scratchFactory),
  );
  const { exitCode, stdout } = await engine.diff({
    from: {
      tag: 'migrations',
      baseDir,
      lockfile: { path: './migration_lock.toml', content: 'provider = "postgresql"\n' },
      shadowDbInitScript: '',
      migrationDirectories: await readMigrations(baseDir),
    },
    to: { tag: 'schemaDatamodel', files: [{ path, content }] },
    script: true,
    exitCode: true,
    filters: { externalTables: [], externalEnums: [] },
  });
  return exitCode === 0 ? '' : (stdout ?? '');
}
