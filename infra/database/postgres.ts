import pg from 'pg';
import { poolDatabase, type ServiceDatabase } from './pool-database.ts';
import { columnTypes } from './values.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/name`. The named database (`postgres` where none) is where others are made from. */
  readonly url: string;
  /** The service's own database, e.g. `cordada_campaign`; made (UTF8) where missing. */
  readonly database: string;
  /** The most connections for transactions, and as many again for autocommitted statements; one more for `background`. */
  readonly poolSize: number;
  readonly applicationName: string;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly ssl?: Exclude<pg.ClientConfig['ssl'], undefined>;
  /** Refuse the database while another process holds it, and hold it until `close`. */
  readonly exclusive?: boolean;
}

/** Another process holds the database that was asked for exclusively. */
export class DatabaseInUse extends Error {
  override readonly name = 'DatabaseInUse';
}

/** How long to wait for a connection, new or from the pool. */
const CONNECT_TIMEOUT_MS = 5_000;
/** How long after the server's own timeouts a silent connection is taken for dead. */
const SILENCE_MS = 5_000;
/** How long the backend of a process that was killed may hold its lock until the server notices. */
const EXCLUSIVE_WAIT_MS = 2_000;
/** Key of the advisory lock under which databases are made, and of the one that holds a database. */
const MAKING_LOCK = 0x0c07dada;
const EXCLUSIVE_LOCK = 0x0c07dadb;

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

const clientConfig = (options: PostgresOptions, database: string | undefined): pg.ClientConfig => {
  const url = new URL(options.url);
  if (database !== undefined) url.pathname = `/${encodeURIComponent(database)}`;
  else if (url.pathname === '' || url.pathname === '/') url.pathname = '/postgres';
  return {
    connectionString: url.href,
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    types: columnTypes,
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
  };
};

const withClient = async <R>(
  config: pg.ClientConfig,
  work: (client: pg.Client) => Promise<R>,
): Promise<R> => {
  const client = new pg.Client(config);
  client.on('error', () => undefined); // the query under way rejects with it
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined); // the outcome of the work stands
  }
};

/**
 * Every statement of ours that is in a hurry has an index. A plan that is cached while a table is young and empty
 * would be a sequential scan, and stay one until the table is next analysed: that halved the throughput each minute.
 */
const INDEXED = '-c enable_seqscan=off -c jit=off';

/** Makes the database where missing; starters that do so at the same time wait for one another. */
async function makeDatabase(options: PostgresOptions): Promise<void> {
  await withClient(clientConfig(options, undefined), async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [MAKING_LOCK]);
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [
      options.database,
    ]);
    if (rowCount !== 0) return;
    try {
      // C: what sorts and compares in SQL does so by code point, on every server as on PGlite.
      await client.query(
        `CREATE DATABASE ${pg.escapeIdentifier(options.database)} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`,
      );
    } catch (error) {
      // A starter that came by another database, and so under another lock, was first.
      if (codeOf(error) !== '42P04' && codeOf(error) !== '23505') throw error;
    }
  });
}

/** @throws Error when the database is there but not UTF8 */
async function ensureDatabase(options: PostgresOptions): Promise<void> {
  const check = () =>
    withClient(clientConfig(options, options.database), async (client) => {
      const { rows } = await client.query('SHOW server_encoding');
      const encoding = rows[0]?.server_encoding;
      if (encoding !== 'UTF8')
        throw new Error(`Database ${options.database} is encoded in ${encoding}; it must be UTF8`);
    });
  try {
    await check();
  } catch (error) {
    if (codeOf(error) !== '3D000') throw error;
    await makeDatabase(options);
    await check();
  }
}

interface Hold {
  /** Takes the lock again where its connection was lost. @throws DatabaseInUse when another process has it now */
  check(): Promise<void>;
  release(): Promise<void>;
}

/** Holds the database by a session's advisory lock, so that it goes with its process. */
async function hold(options: PostgresOptions): Promise<Hold> {
  let holder: pg.Client | undefined;
  const take = async (): Promise<void> => {
    const client = new pg.Client({
      ...clientConfig(options, options.database),
      lock_timeout: EXCLUSIVE_WAIT_MS,
    });
    client.on('error', () => undefined); // 'end' follows
    client.once('end', () => {
      if (holder === client) holder = undefined;
    });
    await client.connect();
    try {
      await client.query('SELECT pg_advisory_lock($1)', [EXCLUSIVE_LOCK]);
      holder = client;
    } catch (error) {
      await client.end().catch(() => undefined); // the reason below is what counts
      if (codeOf(error) !== '55P03') throw error;
      throw new DatabaseInUse(
        `Database ${options.database} at ${new URL(options.url).host} is served by another process: stop that one first, or name another server in DATABASE_URL`,
      );
    }
  };
  await take();
  return {
    async check() {
      if (holder === undefined) await take();
    },
    async release() {
      const client = holder;
      holder = undefined;
      await client?.end();
    },
  };
}

/**
 * Opens a service's database, and makes it where it is missing.
 * @throws DatabaseInUse when `exclusive` and another process holds it; what the server says when it cannot be reached
 */
export async function openPostgres(options: PostgresOptions): Promise<ServiceDatabase> {
  await ensureDatabase(options);
  const held = options.exclusive ? await hold(options) : undefined;
  const pool = (max: number, settings: string): pg.Pool => {
    const made = new pg.Pool({
      ...clientConfig(options, options.database),
      max,
      pipeline: true,
      statement_timeout: options.statementTimeoutMs,
      lock_timeout: options.lockTimeoutMs,
      idle_in_transaction_session_timeout: options.statementTimeoutMs,
      query_timeout: options.statementTimeoutMs + SILENCE_MS,
      options: `${INDEXED} ${settings}`,
    });
    // A connection that breaks rejects the statements on it; without a listener it would also end the process.
    made.on('connect', (client) => client.on('error', () => undefined));
    made.on('error', () => undefined);
    return made;
  };
  return poolDatabase({
    kind: 'postgres',
    schema: 'public',
    pool: pool(options.poolSize, ''),
    // A BEGIN that is cancelled must not leave the writes sent behind it to autocommit: outside a transaction that
    // was begun as read write, the server refuses them.
    transactions: pool(options.poolSize, '-c default_transaction_read_only=on'),
    background: pool(1, '-c synchronous_commit=off'),
    nameOf: (name) => name,
    ...(held === undefined ? {} : { check: held.check, closed: held.release }),
  });
}
