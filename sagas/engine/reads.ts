import { caseFold } from '@cordada/infra/case-fold.ts';
import { type Database, statement } from '@cordada/infra/database/database.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import type { Definition } from './definition.ts';
import { type Entry, type Instance, isEnded, type Status } from './instance.ts';
import { Definitions } from './session.ts';
import {
  instanceOf,
  LOG,
  logRowOf,
  SAGA_COLUMNS,
  type SagaLogRow,
  type SagaRow,
  statusNumber,
  statusOf,
} from './sql-store.ts';
import { claveOf, movedOf, type SagaMoved, type SagaView, sagaView } from './view.ts';

const BY_ID = statement('saga_by_id', `SELECT ${SAGA_COLUMNS} FROM saga WHERE id = $1::uuid`);

const START = statement(
  'saga_start',
  `SELECT id, request_hash, message_id, status FROM saga WHERE id = $1::uuid
   UNION ALL SELECT id, request_hash, message_id, status FROM saga_key WHERE id = $1::uuid LIMIT 1`,
);

/**
 * Parameters that are null do not restrict. The row comparison is what the index is sorted by. A search by key has a
 * statement, and so a plan, of its own: it has an index of its own.
 */
const list = (name: string, byClave: string) =>
  statement(
    name,
    `SELECT id, tipo, status, definition, started_at, updated_at, claves, deshace FROM saga
   WHERE ($1::text IS NULL OR tipo = $1)
     AND ($2::int2 IS NULL OR status = $2)
     AND ${byClave}
     AND ($4::timestamptz IS NULL OR started_at >= $4)
     AND ($5::timestamptz IS NULL OR started_at < $5)
     AND ($6::timestamptz IS NULL OR (started_at, id) < ($6, $7::uuid))
   ORDER BY started_at DESC, id DESC LIMIT $8`,
  );
const LIST = list('saga_list', '$3::jsonb IS NULL');
const LIST_BY_CLAVE = list('saga_list_by_clave', 'claves_normalised @> $3::jsonb');

/** Live ones only, for which there is an index; how many ended is counted as they end. */
const COUNT = statement(
  'saga_count',
  `SELECT tipo, status, count(*)::int4 AS sagas FROM saga WHERE wake_at IS NOT NULL GROUP BY tipo, status`,
);

const STREAM = statement(
  'saga_log_stream',
  `SELECT l.saga_id, l.n, l.xid::text AS xid, l.status, l.at, l.entries, s.tipo
   FROM saga_log l JOIN saga s ON s.id = l.saga_id
   WHERE l.xid >= $1::bigint AND (l.xid, l.saga_id, l.n) > ($1::bigint, $2::uuid, $3::int4)
     AND l.xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
   ORDER BY l.xid, l.saga_id, l.n LIMIT $4`,
);

/** Nothing that is committed already comes after it, and nothing that commits later comes before it. */
const END = statement(
  'saga_log_end',
  'SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1)::text AS xid',
);

export interface SagaFilter {
  readonly tipo?: string;
  readonly estado?: Status;
  /** The whole business key, or one of its words; case and composition do not count. */
  readonly clave?: string;
  /** Begun at or after. */
  readonly desde?: Date;
  /** Begun before. */
  readonly hasta?: Date;
  /** As the page before gave it. */
  readonly cursor?: string;
  readonly limit: number;
}

export interface SagaSummary {
  readonly id: string;
  readonly tipo: string;
  readonly estado: Status;
  readonly definicion: string;
  readonly iniciada: string;
  readonly actualizada: string;
  readonly clave: string;
  readonly deshace?: string;
}

export interface SagaPage {
  readonly sagas: readonly SagaSummary[];
  /** Of the next page; absent on the last one. */
  readonly cursor?: string;
}

/** A cursor or a position that this service has not given out. */
export class PositionUnknown extends Error {
  override readonly name = 'PositionUnknown';
}

export interface StreamPage {
  readonly moves: readonly (SagaMoved & { readonly position: string })[];
  /** Where the next read goes on. */
  readonly after: string;
}

/** What a POST that began a saga is recognised by. */
export interface SagaStart {
  readonly id: string;
  readonly requestHash: string;
  /** The message that began it: a repeated request has another one. */
  readonly messageId: string;
  readonly estado: Status;
}

export interface SagaReads {
  /** undefined where there is no such saga (of that tipo). */
  view(id: string, tipo?: string): Promise<SagaView | undefined>;
  /** What began it, also where it has been forgotten since. */
  start(id: string): Promise<SagaStart | undefined>;
  /** Newest first. @throws PositionUnknown */
  list(filter: SagaFilter): Promise<SagaPage>;
  /**
   * Resolves with the saga once it has ended or is PARKED, or as it stands when `ms` milliseconds are over; with
   * undefined where there is none by then.
   */
  settled(id: string, ms: number): Promise<SagaView | undefined>;
  /** The position after all that is committed. */
  end(): Promise<string>;
  /** Transitions after a position, in an order that no late commit disturbs. @throws PositionUnknown */
  stream(after: string, limit: number): Promise<StreamPage>;
  /** Live sagas, by tipo and status. */
  counts(): Promise<readonly { readonly tipo: string; readonly estado: Status; readonly sagas: number }[]>;
}

export interface ReadsOptions {
  readonly database: Pick<Database, 'query'>;
  readonly definitions: readonly Definition[];
  readonly runtime: Runtime;
  /** The coordinator's hint, so that `settled` needs not wait for its next look. */
  onCommitted(listener: (sagas: readonly string[]) => void): () => void;
  /** Milliseconds between two looks of `settled`; the hint is lossy, and says nothing of other replicas. */
  readonly pollMs?: number;
}

/** Reads of sagas and their log, outside of any transaction. */
export function sagaReads(options: ReadsOptions): SagaReads {
  const { database, runtime, pollMs = 500 } = options;
  const definitions = new Definitions(options.definitions);

  const byId = async (id: string): Promise<Instance | undefined> => {
    if (!isUuid(id)) return undefined;
    const [row] = await database.query<SagaRow>(BY_ID, [id]);
    return row && instanceOf(row);
  };

  const viewOf = async (saga: Instance): Promise<SagaView> => {
    const rows = await database.query<SagaLogRow>(LOG, [saga.id]);
    // The log may have grown since the saga was read: the view is of one moment.
    const log = rows.filter(({ n }) => n <= saga.version).map((row) => logRowOf(row, saga.id));
    const definition = definitions.byHash(saga.definition);
    const shown = definition ?? { ...(definitions.all[0] as Definition), steps: [] };
    return sagaView(shown, saga, log);
  };

  return {
    async view(id, tipo) {
      const saga = await byId(id);
      return saga && (tipo === undefined || saga.tipo === tipo) ? viewOf(saga) : undefined;
    },
    async start(id) {
      if (!isUuid(id)) return undefined;
      const [row] = await database.query<Pick<SagaRow, 'id' | 'request_hash' | 'message_id' | 'status'>>(
        START,
        [id],
      );
      return (
        row && {
          id: row.id,
          requestHash: row.request_hash,
          messageId: row.message_id,
          estado: statusOf(row.status),
        }
      );
    },
    async list({ tipo, estado, clave, desde, hasta, cursor, limit }) {
      const [at, id] = cursor === undefined ? [] : readCursor(cursor);
      const rows = await database.query<SagaRow>(clave === undefined ? LIST : LIST_BY_CLAVE, [
        tipo ?? null,
        estado === undefined ? null : statusNumber(estado),
        clave === undefined ? null : JSON.stringify([caseFold(clave)]),
        desde ?? null,
        hasta ?? null,
        at ?? null,
        id ?? null,
        limit + 1,
      ]);
      const sagas = rows.slice(0, limit).map((row) => ({
        id: row.id,
        tipo: row.tipo,
        estado: statusOf(row.status),
        definicion: row.definition,
        iniciada: row.started_at.toISOString(),
        actualizada: row.updated_at.toISOString(),
        clave: claveOf(row.claves),
        ...(row.deshace && { deshace: row.deshace }),
      }));
      const last = sagas.at(-1);
      return { sagas, ...(rows.length > limit && last && { cursor: `${last.iniciada}_${last.id}` }) };
    },
    async settled(id, ms) {
      const until = runtime.now() + ms;
      let hint: () => void = () => {};
      const forget = options.onCommitted((sagas) => {
        if (sagas.includes(id)) hint();
      });
      try {
        for (;;) {
          // Before the read: what is committed while it is under way must not be missed.
          const told = new Promise<void>((resolve) => {
            hint = resolve;
          });
          const saga = await byId(id);
          const left = until - runtime.now();
          if (left <= 0 || (saga && (isEnded(saga.status) || saga.status === 'PARKED')))
            return saga && viewOf(saga);
          const [over, cancel] = timeout(runtime, Math.min(left, pollMs));
          await Promise.race([told, over]);
          cancel();
        }
      } finally {
        forget();
      }
    },
    async end() {
      const [row] = await database.query<{ xid: string }>(END, []);
      return `${row?.xid ?? 0}_${LAST_ID}_${LAST_N}`;
    },
    async stream(after, limit) {
      const [xid, id, n] = readPosition(after);
      const rows = await database.query<{
        saga_id: string;
        n: number;
        xid: string;
        status: number;
        at: Date;
        entries: readonly Entry[];
        tipo: string;
      }>(STREAM, [xid, id, n, limit]);
      const moves = rows.map(({ saga_id, n, xid, status, at, entries, tipo }) => ({
        ...movedOf({ saga: saga_id, n, status: statusOf(status), at, entries }, tipo),
        position: `${xid}_${saga_id}_${n}`,
      }));
      return { moves, after: moves.at(-1)?.position ?? after };
    },
    async counts() {
      const rows = await database.query<{ tipo: string; status: number; sagas: number }>(COUNT, []);
      return rows.map(({ tipo, status, sagas }) => ({ tipo, estado: statusOf(status), sagas }));
    },
  };
}

const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const LAST_N = 2_147_483_647;

const timeout = (runtime: Runtime, ms: number): readonly [Promise<void>, () => void] => {
  let cancel: () => void = () => {};
  const over = new Promise<void>((resolve) => {
    cancel = runtime.after(ms, resolve);
  });
  return [over, cancel];
};

const readCursor = (cursor: string): [Date, string] => {
  const [instant = '', id = ''] = cursor.split('_');
  const at = new Date(instant);
  if (Number.isNaN(at.getTime()) || !isUuid(id))
    throw new PositionUnknown(`${cursor} is no cursor of this list`);
  return [at, id];
};

const readPosition = (position: string): [string, string, number] => {
  const [, xid, id = '', n] = /^(\d{1,18})_([0-9a-f-]{36})_(\d{1,10})$/.exec(position) ?? [];
  if (xid === undefined || !isUuid(id) || Number(n) > LAST_N)
    throw new PositionUnknown(`${position} is no position of this stream`);
  return [xid, id, Number(n)];
};
