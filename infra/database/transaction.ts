import type { Writable } from 'node:stream';
import type pg from 'pg';
import type { Row, SqlTransaction, Statement } from './database.ts';
import { encodeParameter } from './values.ts';

/** Names a statement on its connection. */
export type StatementName = (name: string) => string;

/** One statement as pg takes it. @throws TypeError when a parameter is not a scalar or made by `array()` */
export const prepared = (
  nameOf: StatementName,
  sql: Statement,
  parameters: readonly unknown[],
): pg.QueryConfig => ({
  name: nameOf(sql.name),
  text: sql.text,
  values: parameters.map(encodeParameter),
});

/**
 * Keeps what is sent on `client` back until this turn's promises are settled, so that a flight of statements is one
 * write to the socket. A system call costs more than what it sends: it was a third of all time under load.
 */
const gatherWrites = (client: pg.ClientBase): void => {
  const { stream } = (client as unknown as { connection: { stream: Writable } }).connection;
  stream.cork();
  process.nextTick(() => stream.uncork());
};

/** A transaction of the databases that this folder opens. */
export interface ServiceTransaction extends SqlTransaction {
  /** Runs any number of statements without parameters, not prepared: for migrations. */
  script(sql: string): Promise<void>;
}

// Read write is said outright: the connections that transactions run on are read only otherwise (postgres.ts).
const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE';

/**
 * Runs `work` in one transaction on `client`, pipelined: nothing waits for BEGIN, and COMMIT follows the last
 * statement in the same flight. It answers when COMMIT is answered. Any statement that failed, awaited or not, fails
 * the transaction with its own error rather than with that of the statements that failed after it because of it.
 * @returns once the connection is clean again; `broken` is called when it must not be used any more
 */
export async function runTransaction<R>(
  client: pg.ClientBase,
  nameOf: StatementName,
  work: (tx: ServiceTransaction) => Promise<R>,
  broken: () => void,
): Promise<R> {
  let over = false;
  const failures: unknown[] = [];
  const rootCause = (error: unknown): unknown => {
    failures.push(error);
    return failures[0];
  };
  const sent: Promise<unknown>[] = [];
  /** Fails whoever awaits it: the transaction's outcome is decided already. */
  const late = (): Promise<Row[]> => {
    const refused = Promise.reject(
      new Error('The transaction is over: a statement was sent after its work had ended'),
    );
    refused.catch(() => undefined);
    return refused;
  };
  const send = (query: string | (() => pg.QueryConfig)): Promise<Row[]> => {
    if (over) return late();
    const rows = (async () => {
      try {
        gatherWrites(client);
        const { rows } = await client.query(typeof query === 'string' ? { text: query } : query());
        return rows;
      } catch (error) {
        throw rootCause(error);
      }
    })();
    // COMMIT reports what failed, so a rejection that nobody awaits is not lost here.
    sent.push(rows.catch(() => undefined));
    return rows;
  };
  const statement = (sql: Statement, parameters: readonly unknown[]): Promise<Row[]> =>
    send(() => prepared(nameOf, sql, parameters));
  const script = async (sql: string): Promise<void> => {
    await send(sql);
  };
  const rollback = async (): Promise<void> => {
    await Promise.all(sent);
    await client.query('ROLLBACK').catch(broken);
  };

  void send(BEGIN);
  let result: R;
  try {
    result = await work({ query: statement, write: statement, script });
  } catch (error) {
    over = true;
    await rollback();
    throw error;
  }
  over = true;
  if (failures.length > 0) {
    await rollback();
    throw failures[0];
  }
  let command: string;
  try {
    gatherWrites(client);
    ({ command } = await client.query('COMMIT'));
  } catch (error) {
    broken();
    await Promise.all(sent);
    throw rootCause(error);
  }
  // COMMIT succeeds also when it commits nothing: a transaction that has failed is answered with ROLLBACK, and where
  // there is none, because BEGIN itself was cancelled, it is a warning.
  await Promise.all(sent);
  if (failures.length > 0) throw failures[0];
  if (command !== 'COMMIT') throw new Error(`COMMIT was answered with ${command}`);
  return result;
}
