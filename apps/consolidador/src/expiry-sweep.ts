import { type Database, type SqlTransaction, statement } from '@cordada/infra/database/database.ts';
import type { Log } from '@cordada/infra/messaging/metrics.ts';
import type { UnitOfWork } from '@cordada/infra/messaging/pipeline.ts';
import type { Cancel, Runtime } from '@cordada/infra/runtime.ts';
import { expire } from './expiry.ts';
import type { Stock } from './stock.ts';
import { loadStock, writeStock } from './stock-store.ts';

/** Where the sweep finds reservations, and how it changes them. */
export interface ReservationsDue<Tx> {
  /** Ids of those that have run out and were not seen to, the longest overdue first. @param most how many at most */
  due(now: Date, most: number): Promise<readonly string[]>;
  /** When the next one runs out; undefined where none is left. */
  next(now: Date): Promise<Date | undefined>;
  load(tx: Tx, ids: ReadonlySet<string>): Promise<Stock>;
  write(tx: Tx, stock: Stock, now: Date): void;
}

export interface ExpirySweepOptions<Tx> {
  readonly reservations: ReservationsDue<Tx>;
  readonly unitOfWork: UnitOfWork<Tx>;
  readonly runtime: Pick<Runtime, 'now' | 'after'>;
  readonly log: Log;
  /** Milliseconds that a reservation lives: none is looked for much more often than it may come due. */
  readonly ttlMs: number;
  /** The most reservations in one transaction. */
  readonly batch?: number;
}

/** What ends what the sweep found; `close` waits for what is under way. */
export interface ExpirySweep {
  start(): void;
  close(): Promise<void>;
}

const BATCH = 100;
const RAREST_MS = 1_000;
const OFTENEST_MS = 250;

const DUE = statement(
  'reserva_due',
  `SELECT id FROM reserva WHERE estado = 'VIGENTE' AND avisada IS NULL AND vence <= $1 ORDER BY vence LIMIT $2`,
);
const NEXT = statement(
  'reserva_next',
  `SELECT vence FROM reserva WHERE estado = 'VIGENTE' AND avisada IS NULL AND vence > $1 ORDER BY vence LIMIT 1`,
);

/** The reservations in the service's database. */
export const sqlReservations = (database: Pick<Database, 'query'>): ReservationsDue<SqlTransaction> => ({
  due: async (now, most) => (await database.query<{ id: string }>(DUE, [now, most])).map(({ id }) => id),
  next: async (now) => (await database.query<{ vence: Date }>(NEXT, [now]))[0]?.vence,
  load(tx, reservas) {
    const nothing = () => new Set<string>();
    return loadStock(tx, {
      references: nothing(),
      items: nothing(),
      reservas: new Set(reservas),
      manual: nothing(),
      precios: nothing(),
    });
  },
  write: writeStock,
});

/**
 * Looks for reservations whose time is over, one look at a time, and as soon as the next one is due. What is due stands
 * in the database: a restart forgets none, and of several replicas the second to lock a reservation finds it seen to.
 */
export const expirySweep = <Tx>(options: ExpirySweepOptions<Tx>): ExpirySweep => {
  const { reservations, unitOfWork, runtime, log, ttlMs, batch = BATCH } = options;
  const everyMs = Math.min(RAREST_MS, Math.max(OFTENEST_MS, ttlMs / 10));
  let open = false;
  let cancel: Cancel = () => {};
  let underWay: Promise<void> = Promise.resolve();

  /** @returns milliseconds until the next look */
  const look = async (): Promise<number> => {
    const now = new Date(runtime.now());
    const due = await reservations.due(now, batch);
    if (due.length > 0) await end(due);
    if (due.length === batch) return 0;
    const next = await reservations.next(now);
    return Math.min(everyMs, Math.max(0, (next?.getTime() ?? Number.POSITIVE_INFINITY) - runtime.now()));
  };

  const end = async (ids: readonly string[]): Promise<void> => {
    try {
      await endTogether(ids);
    } catch (error) {
      if (ids.length === 1) throw error;
      log.warn({ err: error }, 'expired reservations are seen to one by one');
      for (const id of ids)
        await endTogether([id]).catch((err: unknown) =>
          log.error({ err, reserva: id }, 'an expired reservation could not be seen to'),
        );
    }
  };

  const endTogether = (ids: readonly string[]): Promise<void> =>
    unitOfWork.transact(async (tx) => {
      const stock = await reservations.load(tx, new Set(ids));
      const now = new Date(runtime.now()); // after the locks: none is ended before its time
      const publish = expire(stock, ids, now);
      reservations.write(tx, stock, now);
      return { result: undefined, publish };
    });

  const next = (ms: number): void => {
    cancel = runtime.after(ms, () => {
      underWay = look()
        .catch((error: unknown) => {
          log.warn({ err: error }, 'expired reservations could not be seen to; they are looked at again');
          return everyMs;
        })
        .then((wait) => {
          if (open) next(wait);
        });
    });
  };

  return {
    start() {
      open = true;
      next(0);
    },
    close() {
      open = false;
      cancel();
      return underWay;
    },
  };
};
