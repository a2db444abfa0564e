import pg from 'pg';

/** One statement of a flight, under the name that it is prepared by, and who waits for its rows. */
export interface Flown {
  readonly name: string;
  readonly text: string;
  /** As they go on the wire: bytes in binary, all else as text. */
  readonly values: (Buffer | string | null)[];
  resolve(result: FlownResult): void;
  /** @param error of this statement, or of the one before it because of which the server has not looked at this one */
  reject(error: Error): void;
}

export interface FlownResult {
  /** `SELECT`, `INSERT`, `COMMIT`, … */
  readonly command: string;
  // biome-ignore lint/suspicious/noExplicitAny: rows are as their statement says
  readonly rows: any[];
}

/** What pg's own classes have beyond their declarations, as far as a flight uses it (pg 8.23, lib/). */
interface Connection {
  readonly stream: { cork(): void; uncork(): void };
  /** The text of what is prepared, by name. */
  readonly parsedStatements: Record<string, string>;
  /** The same, before the server has said so. */
  readonly submittedNamedStatements: Record<string, string>;
  parse(statement: { readonly name: string; readonly text: string }): void;
  bind(statement: { readonly statement: string; readonly values: unknown[] }): void;
  describe(what: { readonly type: 'P' }): void;
  execute(portal: { readonly rows: 0 }): void;
  close(what: { readonly type: 'S'; readonly name: string }): void;
  sync(): void;
}
interface Result {
  command: string;
  rows: unknown[];
  _types: unknown;
  addFields(fields: unknown): void;
  parseRow(fields: unknown): unknown;
  addCommandComplete(message: unknown): void;
}
const NewResult = pg.Result as unknown as new () => Result;
interface QueryInternals {
  _result: Result;
  callback?: (error: Error | null) => void;
}

/**
 * Several statements with one synchronisation at their end: the server answers all of them at once, in one write, and
 * where one fails it skips those after it. A query of its own each, as pg pipelines them, is a write and a wake-up each.
 */
export class Flight extends pg.Query {
  readonly #statements: readonly Flown[];
  #next = 0;
  #result: Result | undefined;
  #connection: Connection | undefined;
  #unreadable: Error | undefined;

  constructor(statements: readonly Flown[]) {
    super({ text: '' });
    this.#statements = statements;
  }

  get #current(): Result {
    if (!this.#result) {
      this.#result = new NewResult();
      // pg gives the connection's parsers to the one result that it knows of.
      this.#result._types = (this as unknown as QueryInternals)._result._types;
    }
    return this.#result;
  }

  /** @returns why nothing is sent, as pg's own queries do */
  override submit = (connection: unknown): Error | undefined => {
    const to = connection as Connection;
    const texts = new Map<string, string>();
    for (const { name, text } of this.#statements) {
      if ((to.parsedStatements[name] ?? texts.get(name) ?? text) !== text)
        return new Error(`Two statements have one name: ${name}`);
      texts.set(name, text);
    }
    this.#connection = to;
    to.stream.cork();
    for (const { name, text, values } of this.#statements) {
      if (!(name in to.parsedStatements) && !(name in to.submittedNamedStatements)) {
        to.parse({ name, text });
        to.parsedStatements[name] = text;
      }
      to.bind({ statement: name, values });
      to.describe({ type: 'P' });
      to.execute({ rows: 0 });
    }
    to.sync();
    to.stream.uncork();
    return undefined;
  };

  handleRowDescription({ fields }: { readonly fields: unknown }): void {
    this.#current.addFields(fields);
  }

  handleDataRow({ fields }: { readonly fields: unknown }): void {
    try {
      this.#current.rows.push(this.#current.parseRow(fields));
    } catch (error) {
      this.#unreadable ??= error as Error;
    }
  }

  handleCommandComplete(message: unknown): void {
    const result = this.#current;
    result.addCommandComplete(message);
    this.#result = undefined;
    const statement = this.#statements[this.#next] as Flown;
    this.#next += 1;
    if (this.#unreadable) statement.reject(this.#unreadable);
    else statement.resolve(result);
    this.#unreadable = undefined;
  }

  handleError(error: Error): void {
    for (const { name, reject } of this.#statements.slice(this.#next)) {
      // Whether it was prepared before the failure is not known: so that it can be again, it is not any more.
      if (this.#connection?.parsedStatements[name] !== undefined) {
        this.#connection.close({ type: 'S', name });
        delete this.#connection.parsedStatements[name];
      }
      reject(error);
    }
    this.#next = this.#statements.length;
    this.#done(error);
  }

  handleReadyForQuery(): void {
    this.#done(null);
  }

  /** Ends pg's own time limit of a query. */
  #done(error: Error | null): void {
    const { callback } = this as unknown as QueryInternals;
    callback?.(error);
  }
}
