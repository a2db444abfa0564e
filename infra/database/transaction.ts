import type pg from 'pg';
import { type Row, type SqlTransaction, type Statement, statement } from './database.ts';
import { Flight, type Flown, type FlownResult } from './flight.ts';
import { encodeParameter } from './values.ts';

/** Names a statement on its connection. */
export type StatementName = (name: string) => string;

/** One statement as pg takes it. @throws TypeError when a parameter is not a scalar or made by `array()` */
export const prepared = (
  nameOf: StatementName,
  sql: Statement,
  parameters: readonly unknown[],
): Pick<Flown, 'name' | 'text' | 'values'> => ({
  name: nameOf(sql.name),
  text: sql.text,
  values: parameters.map(encodeParameter),
});

/** A transaction of the databases that this folder opens. */
export interface ServiceTransaction extends SqlTransaction {
  /** Runs any number of statements without parameters, not prepared: for migrations. */
  script(sql: string): Promise<void>;
}

// Read write is said outright: the connections that transactions run on are read only otherwise (postgres.ts).
const BEGIN = statement('database.begin', 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE');
const COMMIT = statement('database.commit', 'COMMIT');

/**
 * Runs `work` in one transaction on `client`, in flights: what is sent before this turn's promises are settled goes
 * together. Nothing waits for BEGIN, and COMMIT follows the last statement in the same flight. It answers when COMMIT is
 * answered. Any statement that failed, awaited or not, fails the transaction with its own error rather than with that of
 * the statements behind it.
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
  let flight: Flown[] = [];
  const depart = (): void => {
    if (flight.length > 0) client.query(new Flight(flight));
    flight = [];
  };
  /** @throws TypeError as `prepared` does */
  const board = (sql: Statement, parameters: readonly unknown[]): Promise<FlownResult> => {
    const { name, text, values } = prepared(nameOf, sql, parameters);
    if (flight.length === 0) process.nextTick(depart);
    return new Promise((resolve, reject) => flight.push({ name, text, values, resolve, reject }));
  };
  const send = <T>(answer: () => Promise<T>): Promise<T> => {
    if (over) {
      // The transaction's outcome is decided already: only who awaits this fails.
      const late = new Error('The transaction is over: a statement was sent after its work had ended');
      const refused = Promise.reject(late);
      refused.catch(() => undefined);
      return refused;
    }
    let answered: Promise<T>;
    try {
      answered = answer().catch((error: unknown) => {
        throw rootCause(error);
      });
    } catch (error) {
      answered = Promise.reject(rootCause(error));
    }
    // COMMIT reports what failed, so a rejection that nobody awaits is not lost here.
    sent.push(answered.catch(() => undefined));
    return answered;
  };
  const run = (sql: Statement, parameters: readonly unknown[]): Promise<Row[]> =>
    send(() => board(sql, parameters).then(({ rows }) => rows));
  const script = async (text: string): Promise<void> => {
    await send(() => {
      depart();
      return client.query(text);
    });
  };
  const rollback = async (): Promise<void> => {
    await Promise.all(sent);
    await client.query('ROLLBACK').catch(broken);
  };

  void run(BEGIN, []);
  let result: R;
  try {
    result = await work({ query: run, write: run, script });
  } catch (error) {
    over = true;
    await rollback();
    throw error;
  }
  over = true;
  let command: string;
  try {
    if (failures.length > 0) throw failures[0];
    ({ command } = await board(COMMIT, []));
  } catch (error) {
    await Promise.all(sent);
    // Where a statement before it failed, COMMIT was not looked at; else nobody knows what has become of it.
    if (failures.length > 0) await rollback();
    else broken();
    throw failures[0] ?? error;
  }
  await Promise.all(sent);
  if (failures.length > 0) throw failures[0]; // what was committed could not be read
  // Where there is no transaction, because BEGIN itself was cancelled, it is answered with a warning.
  if (command !== 'COMMIT') throw new Error(`COMMIT was answered with ${command}`);
  return result;
}
