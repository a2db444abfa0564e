import { type Database, statement } from '@cordada/infra/database/database.ts';
import type { Log } from '@cordada/infra/messaging/metrics.ts';
import type { Cancel, Runtime } from '@cordada/infra/runtime.ts';

export interface LedgerRetentionOptions {
  readonly database: Pick<Database, 'background'>;
  readonly runtime: Pick<Runtime, 'now' | 'after'>;
  readonly log: Log;
  /** Milliseconds that movements and ended reservations are kept one by one; 0: for ever. */
  readonly keptMs: number;
  /** Rows at a time, so that nobody waits for them. */
  readonly batch?: number;
}

/** Milliseconds between two looks, and between two batches of one. */
const EVERY_MS = 3_600_000;
const PAUSE_MS = 200;
const BATCH = 500;

const RESERVAS = statement(
  'retention_reservas',
  `WITH viejas AS (
     SELECT id FROM reserva WHERE creada < $1 AND actualizada < $1 AND estado <> 'VIGENTE' ORDER BY creada LIMIT $2
     FOR UPDATE SKIP LOCKED),
   lineas AS (DELETE FROM reserva_linea l USING viejas v WHERE l.reserva = v.id),
   reservas AS (DELETE FROM reserva r USING viejas v WHERE r.id = v.id)
   SELECT count(*)::int4 AS n FROM viejas`,
);

// One statement: whoever adds up the ledger meanwhile sees the rows, or their sum; it stands where the last of them
// stood, before all that moved later.
const MOVIMIENTOS = statement(
  'retention_movimientos',
  `WITH viejos AS (
     SELECT id, item, bodega FROM movimiento m
     WHERE fecha < $1 AND tipo <> 'SALDO' AND NOT EXISTS (SELECT 1 FROM reserva r WHERE r.id = m.reserva)
     LIMIT $2 FOR UPDATE SKIP LOCKED),
   sumados AS (
     DELETE FROM movimiento m
     USING (SELECT id FROM viejos UNION SELECT s.id FROM movimiento s
       WHERE s.tipo = 'SALDO' AND (s.item, s.bodega) IN (SELECT item, bodega FROM viejos)) v
     WHERE m.id = v.id RETURNING m.*),
   saldos AS (
     INSERT INTO movimiento (id, tipo, item, bodega, delta_cantidad, delta_reservada, reserva, origen, fecha)
     SELECT max(id), 'SALDO', item, bodega, sum(delta_cantidad), sum(delta_reservada), NULL, 'retencion', max(fecha) FROM sumados
     GROUP BY item, bodega HAVING sum(delta_cantidad) <> 0 OR sum(delta_reservada) <> 0)
   SELECT count(*)::int4 AS n FROM viejos`,
);

/**
 * Forgets the reservations that ended long ago, and adds up what they and others moved: of old movements one `SALDO` an
 * item and warehouse stays, so that every quantity is still the fold of the ledger. A live reservation keeps its own.
 * @returns what ends it, and waits for the batch under way
 */
export const keepLedgerShort = (options: LedgerRetentionOptions): (() => Promise<void>) => {
  const { database, runtime, log, keptMs, batch = BATCH } = options;
  if (keptMs === 0) return async () => {};
  let ended = false;
  let cancel: Cancel = () => {};
  let underWay: Promise<void> = Promise.resolve();

  /** @returns milliseconds until the next batch */
  const sweep = async (): Promise<number> => {
    const before = new Date(runtime.now() - keptMs);
    for (const old of [RESERVAS, MOVIMIENTOS]) {
      const [found] = await database.background<{ n: number }>(old, [before, batch]);
      if (found?.n === batch) return PAUSE_MS;
    }
    return EVERY_MS;
  };

  const next = (ms: number): void => {
    cancel = runtime.after(ms, () => {
      underWay = sweep()
        .catch((error: unknown) => {
          log.warn({ err: error }, 'old movements could not be added up; it is tried again');
          return EVERY_MS;
        })
        .then((wait) => {
          if (!ended) next(wait);
        });
    });
  };
  next(PAUSE_MS);

  return () => {
    ended = true;
    cancel();
    return underWay;
  };
};
