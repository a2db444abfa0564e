import type { Row, SqlTransaction, Statement } from '@cordada/infra/database/database.ts';
import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import type { ServiceTransaction } from '@cordada/infra/database/transaction.ts';
import type { Incarnation } from '@cordada/infra/testing/virtual-time.ts';

/**
 * Who may use the only session of the embedded database, in the order of asking. Waiting takes virtual time, so that a
 * transaction may be left open while the rest of the world goes on.
 */
export class SessionQueue {
  #holder: Incarnation | undefined;
  #waiting: { readonly life: Incarnation; readonly enter: () => void }[] = [];

  /** Resolves when it is the turn of `life`; for a dead one it never is. */
  async enter(life: Incarnation): Promise<void> {
    if (this.#holder || !life.alive)
      await new Promise<void>((enter) => life.alive && this.#waiting.push({ life, enter }));
    else this.#holder = life;
  }

  leave(life: Incarnation): void {
    if (this.#holder !== life) return;
    const next = this.#waiting.shift();
    this.#holder = next?.life;
    next?.enter();
  }

  /** A process is dead: it neither waits nor holds any more. */
  abandon(life: Incarnation): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.life !== life);
    this.leave(life);
  }
}

/** What befalls the flights of statements of one life; it is asked at the instant at which a flight arrives. */
export interface DatabaseFaults {
  /** `crash`: the process has just died; `fault`: the connection is lost. */
  meet(): 'crash' | 'fault' | undefined;
  /** Whether the statement named is refused, after `before` in its transaction, as what can never succeed. */
  refuses(statement: string, before: ReadonlySet<string>): boolean;
  /** Is told the names of the statements that the server runs. */
  runs(statements: readonly string[]): void;
  /** Is told what a committed statement notifies others of. */
  notifies?(payload: string): void;
}

/** What replicas tell one another by; PGlite has no other session to hear it. */
const NOTIFY = 'messaging.notify';

/** The connection was lost; whether a commit under way took effect is not known. */
const connectionLost = (): Error =>
  Object.assign(new Error('read ECONNRESET: the database is away'), { code: 'ECONNRESET' });

const refusal = (): Error =>
  Object.assign(new Error('poisoned for now'), { code: 'XX000', severity: 'ERROR' });

/** A service's database as one life of its process reaches it. */
export interface SimulatedDatabase {
  readonly database: ServiceDatabase;
  /** What the server does when its client dies: rolls back what is open, and gives the session to the next. */
  abort(): void;
}

/**
 * Has each flight of statements be one I/O of virtual time, before or after which its process may crash: what it
 * awaits then never resolves. As over a wire, the statements of one turn are one flight, and COMMIT goes in the flight
 * of the writes before it. `health` and Prisma's own reads pass by: nothing simulated uses them.
 */
export const simulateDatabase = (
  real: ServiceDatabase,
  session: SessionQueue,
  life: Incarnation,
  faults: DatabaseFaults,
): SimulatedDatabase => {
  const open = new Set<OpenTransaction>();

  /** One flight: what it does is done, or not, before the world goes on. */
  const flight = <R>(label: string, operation: () => Promise<R>, lost?: () => Promise<void>): Promise<R> =>
    life.io(`db ${label}`, async () => {
      const meet = async (): Promise<void> => {
        const met = faults.meet();
        if (met === 'fault') await lost?.();
        if (met) throw connectionLost();
      };
      await meet();
      const result = await operation();
      await meet();
      return result;
    });

  const autocommit = async (sql: Statement, parameters: readonly unknown[]): Promise<Row[]> => {
    await session.enter(life);
    try {
      return await flight(sql.name, async () => {
        const rows = await real.query(sql, parameters);
        if (sql.name === NOTIFY) faults.notifies?.(String(parameters[1]));
        return rows;
      });
    } finally {
      session.leave(life);
    }
  };

  const transaction = async <R>(work: (tx: ServiceTransaction) => Promise<R>): Promise<R> => {
    await session.enter(life);
    const transaction = new OpenTransaction(real, flight, faults);
    open.add(transaction);
    try {
      return await transaction.run(work);
    } finally {
      open.delete(transaction);
      session.leave(life);
    }
  };

  return {
    database: { ...real, transaction, query: autocommit, background: autocommit },
    abort() {
      for (const transaction of open) void transaction.rollBack();
      session.abandon(life);
    },
  };
};

type Flight = <R>(label: string, operation: () => Promise<R>, lost?: () => Promise<void>) => Promise<R>;

interface Sent {
  readonly sql: Statement;
  readonly parameters: readonly unknown[];
  readonly answer: Deferred<Row[]>;
}

/** A transaction whose statements go in flights. Nothing of it is real before the first flight arrives. */
class OpenTransaction {
  readonly #real: ServiceDatabase;
  readonly #flight: Flight;
  readonly #faults: DatabaseFaults;
  readonly #names = new Set<string>();
  #waiting: Sent[] = [];
  #inFlight: Promise<void> | undefined;
  #failure: { readonly cause: unknown } | undefined;
  #over = false;
  #begun:
    | { readonly tx: SqlTransaction; readonly end: Deferred<void>; readonly settled: Promise<void> }
    | undefined;

  constructor(real: ServiceDatabase, flight: Flight, faults: DatabaseFaults) {
    this.#real = real;
    this.#flight = flight;
    this.#faults = faults;
  }

  async run<R>(work: (tx: ServiceTransaction) => Promise<R>): Promise<R> {
    const write = (sql: Statement, parameters: readonly unknown[]): Promise<Row[]> => {
      const answer = deferred<Row[]>();
      if (this.#over) answer.reject(new Error(`${sql.name} was sent after its transaction was over`));
      else if (this.#failure) answer.reject(this.#failure.cause);
      else this.#waiting.push({ sql, parameters, answer });
      return answer.promise;
    };
    const query: ServiceTransaction['query'] = (sql, parameters) => {
      const rows = write(sql, parameters);
      if (this.#waiting.length > 0) this.#inFlight ??= this.#fly();
      return rows;
    };
    const script = (): Promise<void> => Promise.reject(new Error('a simulated service runs no scripts'));
    let result: R;
    try {
      result = await work({ query, write, script });
    } catch (cause) {
      this.#over = true;
      await this.#inFlight;
      const rollBack = (): Promise<void> => this.rollBack();
      if (this.#begun) await this.#flight('ROLLBACK', rollBack, rollBack).catch(() => undefined);
      throw cause;
    }
    this.#over = true;
    await this.#inFlight;
    if (this.#failure) throw this.#failure.cause;
    await this.#commit();
    return result;
  }

  /** The server's side of a rollback. */
  async rollBack(): Promise<void> {
    const begun = this.#begun;
    this.#begun = undefined;
    begun?.end.reject(connectionLost());
    await begun?.settled.catch(() => undefined);
  }

  /** Sends what waits, and what is sent meanwhile, a flight after the other. Never rejects. */
  async #fly(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#failure) {
      let arrived: readonly Sent[] = [];
      let outcomes: readonly Outcome[] = [];
      try {
        outcomes = await this.#flight(
          'statements',
          async () => {
            arrived = this.#waiting.splice(0);
            return this.#execute(arrived);
          },
          () => this.rollBack(),
        );
      } catch (cause) {
        this.#failure = { cause };
        arrived = [...arrived, ...this.#waiting.splice(0)];
      }
      for (const [i, { answer }] of arrived.entries()) {
        const give = outcomes[i];
        if (give) give(answer);
        else answer.reject(this.#failure?.cause);
      }
    }
    for (const { answer } of this.#waiting.splice(0)) answer.reject(this.#failure?.cause);
    this.#inFlight = undefined;
  }

  async #commit(): Promise<void> {
    const writes = this.#waiting.splice(0);
    let outcomes: readonly Outcome[] = [];
    try {
      await this.#flight(
        'COMMIT',
        async () => {
          outcomes = await this.#execute(writes);
          if (this.#failure) throw this.#failure.cause;
          const begun = this.#begun;
          this.#begun = undefined;
          begun?.end.resolve();
          await begun?.settled;
        },
        () => this.rollBack(),
      );
    } catch (cause) {
      for (const { answer } of writes) answer.reject(cause);
      throw cause;
    }
    for (const [i, { answer }] of writes.entries()) outcomes[i]?.(answer);
  }

  /** The server's side of a flight: the first statement that fails ends the transaction. */
  async #execute(sent: readonly Sent[]): Promise<readonly Outcome[]> {
    this.#begun ??= await begin(this.#real);
    const { tx } = this.#begun;
    this.#faults.runs(sent.map(({ sql }) => sql.name));
    const settled = await Promise.allSettled(
      sent.map(({ sql, parameters }) => {
        const refused = this.#faults.refuses(sql.name, this.#names);
        this.#names.add(sql.name);
        return refused ? Promise.reject(refusal()) : tx.query(sql, parameters);
      }),
    );
    const failed = settled.find((one) => one.status === 'rejected');
    if (failed) {
      this.#failure = { cause: failed.reason };
      await this.rollBack();
    }
    return settled.map(
      (one): Outcome =>
        one.status === 'fulfilled'
          ? (answer) => answer.resolve(one.value)
          : (answer) => answer.reject(one.reason),
    );
  }
}

/** Gives a statement's answer to who waits for it. */
type Outcome = (answer: Deferred<Row[]>) => void;

/** Begins a transaction that stays open until `end` is settled; `settled` is its commit or rollback. */
const begin = async (real: ServiceDatabase) => {
  const end = deferred<void>();
  const opened = deferred<SqlTransaction>();
  const settled = real.transaction((tx) => {
    opened.resolve(tx);
    return end.promise;
  });
  settled.catch(opened.reject);
  return { tx: await opened.promise, end, settled };
};

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(cause: unknown): void;
}

/** A promise that somebody else settles; nobody need wait for it. */
const deferred = <T>(): Deferred<T> => {
  let settle!: Pick<Deferred<T>, 'resolve' | 'reject'>;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  promise.catch(() => undefined);
  return { promise, ...settle };
};
