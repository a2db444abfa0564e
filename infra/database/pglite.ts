import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { holdDataDir } from './data-dir.ts';
import { PGliteSocket } from './pglite-socket.ts';
import { plannerSettings } from './plans.ts';
import { poolDatabase, type ServiceDatabase } from './pool-database.ts';
import { columnTypes } from './values.ts';

/** Where the database lives: a folder, made where missing, or this process's memory. */
export type PGliteOptions = { readonly dataDir: string } | { readonly memory: true };

/** The embedded database of this process. */
export interface EmbeddedDatabase {
  /** A service's own schema, made where missing. Closing the answer does not close the embedded database. */
  schema(service: string): Promise<ServiceDatabase>;
  /**
   * Makes the room of rows that are gone usable again, which nothing else does here: PGlite has no autovacuum. It
   * waits for its turn, and everything else waits meanwhile (milliseconds, where it is done often).
   */
  vacuum(): Promise<void>;
  /** Waits for the statements and transactions under way. */
  close(): Promise<void>;
}

const startParams = [
  ...PGlite.defaultStartParams,
  ...['shared_buffers=16MB', ...plannerSettings].flatMap((setting) => ['-c', setting]),
];

/** How long to wait for the only session, which another transaction holds. */
const WAIT_MS = 30_000;

interface Session extends pg.PoolClient {
  searchPath?: string;
}

/**
 * A view of the only session for one service. It sets the search path when the session last served another schema,
 * before any BEGIN, so that no rollback takes it back.
 */
class SchemaPool extends pg.Pool {
  readonly #gate: pg.Pool;
  readonly #schema: string;

  constructor(gate: pg.Pool, schema: string) {
    super({ max: 1 });
    this.#gate = gate;
    this.#schema = schema;
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(done: PoolCallback): void;
  override connect(done?: PoolCallback): Promise<pg.PoolClient> | undefined {
    if (done === undefined) {
      if (this.ending) return super.connect(); // which refuses
      return this.#gate.connect().then((client) => this.#enter(client));
    }
    if (this.ending) super.connect(done as never);
    else this.#gate.connect((error, client, release) => done(error, client && this.#enter(client), release));
    return undefined;
  }

  #enter(client: Session): pg.PoolClient {
    if (client.searchPath === this.#schema) return client;
    client.searchPath = this.#schema;
    client.query(`SET search_path TO ${pg.escapeIdentifier(this.#schema)}`).catch(() => {
      delete client.searchPath;
    });
    return client;
  }
}

type PoolCallback = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  release: (error?: unknown) => void,
) => void;

/** Opens the database in `folder`, or makes it; what a making that was cut off has left is made anew. */
async function createIn(folder: string): Promise<PGlite> {
  const dataDir = join(folder, 'pglite');
  const unfinished = join(folder, 'pglite.unfinished');
  if (existsSync(unfinished)) await rm(dataDir, { recursive: true, force: true });
  else if (!existsSync(dataDir)) await writeFile(unfinished, '');
  const database = await PGlite.create({ dataDir, startParams });
  await rm(unfinished, { force: true });
  return database;
}

/**
 * Opens the embedded database. It survives the death of its process, not that of the machine: PGlite never calls fsync.
 * @throws DataDirInUse when another process serves `dataDir`, Error when the folder cannot be written
 */
export async function openPGlite(options: PGliteOptions): Promise<EmbeddedDatabase> {
  const folder = 'dataDir' in options ? await holdDataDir(options.dataDir) : undefined;
  let database: PGlite;
  try {
    database = folder === undefined ? await PGlite.create({ startParams }) : await createIn(folder.path);
  } catch (error) {
    await folder?.release();
    throw error;
  }
  // One connection, one session: waiting for it is the gate that all access of the process goes through, in turn.
  const gate = new pg.Pool({
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: WAIT_MS,
    stream: () => new PGliteSocket(database) as never,
    ssl: false,
    user: 'postgres',
    database: 'postgres',
    password: '',
    pipeline: true,
    types: columnTypes,
    // A client that was destroyed left its state behind: the session is the same one.
    onConnect: async (client) => {
      await client.query('ROLLBACK');
      await client.query('DISCARD ALL');
    },
  });
  gate.on('connect', (client) => client.on('error', () => undefined)); // the statements on it reject
  gate.on('error', () => undefined);

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await gate.end();
    await database.close();
    await folder?.release();
  };
  return {
    async schema(service) {
      const pool = new SchemaPool(gate, service);
      const client = await gate.connect();
      try {
        await client.query(`CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(service)}`);
      } finally {
        client.release();
      }
      return poolDatabase({
        kind: 'pglite',
        schema: service,
        pool,
        transactions: pool,
        background: pool,
        // Named statements are the session's: a statement of two services is two, each planned in its own schema.
        nameOf: (name) => `${service}/${name}`,
      });
    },
    async vacuum() {
      const client = await gate.connect();
      try {
        await client.query('VACUUM');
      } finally {
        client.release();
      }
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}
