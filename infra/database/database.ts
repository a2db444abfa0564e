/** One SQL statement, prepared by its name on each connection. `text` is a constant: values only come as parameters. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** A statement's name and text, in one place. Names are unique within a service. */
export const statement = (name: string, text: string): Statement => ({ name, text });

// biome-ignore lint/suspicious/noExplicitAny: a row's shape is known where its statement is written
export type Row = any;

export interface SqlTransaction {
  /** Sends a statement and answers its rows. Statements of one transaction are pipelined: await only what is needed. */
  query<R = Row>(sql: Statement, parameters: readonly unknown[]): Promise<R[]>;
  /**
   * Sends a statement whose outcome the work need not wait for: COMMIT follows it in the same flight, and a failure
   * fails the whole transaction. Its rows may be awaited only after the commit (e.g. in a `committed` callback).
   */
  write<R = Row>(sql: Statement, parameters: readonly unknown[]): Promise<R[]>;
}

/**
 * A service's own database: Postgres, or one schema of the embedded PGlite. Isolation is READ COMMITTED.
 * Parameters are scalars (string, number, bigint, boolean, Date, Buffer, null) or, for `unnest`, arrays made by `array()`.
 */
export interface Database {
  readonly kind: 'postgres' | 'pglite';
  /** Commits when `work` resolves, rolls back when it or one of its statements rejects. Never retries. */
  transaction<R>(work: (tx: SqlTransaction) => Promise<R>): Promise<R>;
  /** One autocommitted statement. */
  query<R = Row>(sql: Statement, parameters: readonly unknown[]): Promise<R[]>;
  /** One autocommitted statement whose commit may be lost by a crash of the server (`synchronous_commit = off`). */
  background<R = Row>(sql: Statement, parameters: readonly unknown[]): Promise<R[]>;
  /** Rejects with the reason when the database cannot be used. */
  health(): Promise<void>;
  close(): Promise<void>;
}
