import type pg from 'pg';
import type { Database, Row, Statement } from './database.ts';
import { statement } from './database.ts';
import type { Listening, ListenOptions } from './listen.ts';
import { prepared, runTransaction, type ServiceTransaction, type StatementName } from './transaction.ts';

/** A service's database as `openPostgres` and `openPGlite` answer it. */
export interface ServiceDatabase extends Database {
  /** The service's schema: its tables are found there without naming it. */
  readonly schema: string;
  /** Connections that autocommit; Prisma's adapter sits on them (prisma.ts). */
  readonly pool: pg.Pool;
  transaction<R>(work: (tx: ServiceTransaction) => Promise<R>): Promise<R>;
  /** Hears what other processes `pg_notify`. Absent where no other process can serve this database. */
  listen?(options: ListenOptions): Promise<Listening>;
}

export interface PoolDatabaseOptions {
  readonly kind: Database['kind'];
  readonly schema: string;
  /** For autocommitted statements. */
  readonly pool: pg.Pool;
  readonly transactions: pg.Pool;
  readonly background: pg.Pool;
  /** Makes a statement's name unique on its connection. */
  readonly nameOf: StatementName;
  /** Rejects when something besides the pools is not as it must be. */
  readonly check?: () => Promise<void>;
  readonly listen?: ServiceDatabase['listen'];
  /** Runs once, after the pools have ended. */
  readonly closed?: () => Promise<void>;
}

const PING = statement('database.ping', 'SELECT 1');

/** The port over pools of pg clients, whatever is at their other end. */
export function poolDatabase(options: PoolDatabaseOptions): ServiceDatabase {
  const { kind, schema, pool, transactions, background, nameOf } = options;

  /** A client whose connection failed is destroyed; a statement's own error leaves it usable. */
  const withClient = async <R>(
    from: pg.Pool,
    work: (client: pg.PoolClient, broken: () => void) => Promise<R>,
  ): Promise<R> => {
    const client = await from.connect();
    let destroy = false;
    try {
      return await work(client, () => {
        destroy = true;
      });
    } finally {
      client.release(destroy); // the pool itself destroys a client that can no longer query
    }
  };
  const autocommit = (from: pg.Pool, sql: Statement, parameters: readonly unknown[]): Promise<Row[]> =>
    withClient(from, async (client) => (await client.query(prepared(nameOf, sql, parameters))).rows);

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await Promise.all([...new Set([pool, transactions, background])].map((each) => each.end()));
    await options.closed?.();
  };

  return {
    kind,
    schema,
    pool,
    ...(options.listen && { listen: options.listen }),
    transaction: <R>(work: (tx: ServiceTransaction) => Promise<R>) =>
      withClient(transactions, (client, broken) => runTransaction(client, nameOf, work, broken)),
    query: (sql, parameters) => autocommit(pool, sql, parameters),
    background: (sql, parameters) => autocommit(background, sql, parameters),
    async health() {
      await autocommit(pool, PING, []);
      await options.check?.();
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}
