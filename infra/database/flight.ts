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
interface FieldDescription {
  readonly name: string;
  readonly dataTypeID: number;
}
interface QueryInternals {
  /** Has the parsers that the client was opened with. */
  readonly _result: { readonly _types: { getTypeParser(oid: number, format: 'text'): Parser } };
  callback?: (error: Error | null) => void;
}
type Parser = (text: string) => unknown;

/** The columns of a statement's rows; none where it has no rows. */
interface Shape {
  readonly names: readonly string[];
  readonly parsers: readonly Parser[];
}
const NO_ROWS: Shape = { names: [], parsers: [] };

/** By connection and statement: what was prepared once answers alike ever after, or fails, so it is asked for once. */
const shapesOf = new WeakMap<Connection, Map<string, Shape>>();

/**
 * Several statements with one synchronisation at their end: the server answers all of them at once, in one write, and
 * where one fails it skips those after it. A query of its own each, as pg pipelines them, is a write and a wake-up each.
 */
export class Flight extends pg.Query {
  readonly #statements: readonly Flown[];
  #next = 0;
  #rows: unknown[] = [];
  #shapes = new Map<string, Shape>();
  #connection: Connection | undefined;
  #unreadable: Error | undefined;

  constructor(statements: readonly Flown[]) {
    super(''); // a configuration would be copied, property by property
    this.#statements = statements;
  }

  get #current(): Flown {
    return this.#statements[this.#next] as Flown;
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
    this.#shapes = shapesOf.get(to) ?? this.#shapes;
    shapesOf.set(to, this.#shapes);
    to.stream.cork();
    for (const { name, text, values } of this.#statements) {
      if (!(name in to.parsedStatements) && !(name in to.submittedNamedStatements)) {
        to.parse({ name, text });
        to.parsedStatements[name] = text;
      }
      to.bind({ statement: name, values });
      if (!this.#shapes.has(name)) to.describe({ type: 'P' });
      to.execute({ rows: 0 });
    }
    to.sync();
    to.stream.uncork();
    return undefined;
  };

  handleRowDescription({ fields }: { readonly fields: readonly FieldDescription[] }): void {
    const { _types } = (this as unknown as QueryInternals)._result;
    this.#shapes.set(this.#current.name, {
      names: fields.map(({ name }) => name),
      parsers: fields.map(({ dataTypeID }) => _types.getTypeParser(dataTypeID, 'text')),
    });
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    const { name } = this.#current;
    const { names, parsers } = this.#shapes.get(name) ?? NO_ROWS;
    const row: Record<string, unknown> = {};
    try {
      if (fields.length !== names.length)
        throw new Error(`${name} answers ${fields.length} columns, not ${names.length}`);
      for (let i = 0; i < names.length; i++) {
        const text = fields[i] as string | null;
        row[names[i] as string] = text === null ? null : (parsers[i] as Parser)(text);
      }
      this.#rows.push(row);
    } catch (error) {
      this.#unreadable ??= error as Error;
    }
  }

  /** @param message its tag is the command, and how many rows it was about */
  handleCommandComplete({ text }: { readonly text: string }): void {
    const { name, resolve, reject } = this.#current;
    if (!this.#shapes.has(name)) this.#shapes.set(name, NO_ROWS);
    if (this.#unreadable) reject(this.#unreadable);
    else resolve({ command: text.split(' ', 1)[0] as string, rows: this.#rows });
    this.#next += 1;
    this.#rows = [];
    this.#unreadable = undefined;
  }

  handleError(error: Error): void {
    for (const { name, reject } of this.#statements.slice(this.#next)) {
      // Whether it was prepared before the failure is not known: so that it can be again, it is not any more.
      if (this.#connection?.parsedStatements[name] !== undefined) {
        this.#connection.close({ type: 'S', name });
        delete this.#connection.parsedStatements[name];
        this.#shapes.delete(name);
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
