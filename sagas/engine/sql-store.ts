import { caseFold } from '@cordada/infra/case-fold.ts';
import { type ArrayType, array, column } from '@cordada/infra/database/array.ts';
import { type Database, type SqlTransaction, statement } from '@cordada/infra/database/database.ts';
import type { Entry, Instance, State, Status, Target } from './instance.ts';
import type { LogRow, SagaStore, Saved } from './store.ts';
import { claveOf } from './view.ts';

const STATUSES = ['RUNNING', 'COMPENSATING', 'COMPLETED', 'COMPENSATED', 'PARKED'] as const;

/** A status as its column holds it. */
export const statusNumber = (status: Status): number => STATUSES.indexOf(status) + 1;

/** @throws RangeError when the number is none that `statusNumber` gives */
export const statusOf = (number: number): Status => {
  const status = STATUSES[number - 1];
  if (!status) throw new RangeError(`${number} is no status of a saga`);
  return status;
};

/** The words that a saga is found by, and all of them together, in the form in which they are compared. */
const normalisedClaves = (claves: readonly string[]): string[] => [
  ...new Set([...claves, claveOf(claves)].map(caseFold)),
];

export interface SagaRow {
  readonly id: string;
  readonly tipo: string;
  readonly definition: string;
  readonly version: number;
  readonly status: number;
  readonly wake_at: Date | null;
  readonly started_at: Date;
  readonly updated_at: Date;
  readonly deshace: string | null;
  readonly alcance: Target | null;
  readonly motivo: string | null;
  readonly message_id: string;
  readonly traceparent: string;
  readonly request_hash: string;
  readonly claves: readonly string[];
  readonly fingerprint: string;
  readonly state: State;
  readonly input: Uint8Array;
}

export const SAGA_COLUMNS = `id, tipo, definition, version, status, wake_at, started_at, updated_at, deshace, alcance,
  motivo, message_id, traceparent, request_hash, claves, fingerprint, state, input`;

export const instanceOf = (row: SagaRow): Instance => ({
  id: row.id,
  tipo: row.tipo,
  definition: row.definition,
  version: row.version,
  status: statusOf(row.status),
  wakeAt: row.wake_at?.getTime() ?? null,
  state: row.state,
  updatedAt: row.updated_at.getTime(),
  origin: {
    input: row.input,
    fingerprint: row.fingerprint,
    claves: row.claves,
    deshace: row.deshace,
    alcance: row.alcance,
    motivo: row.motivo,
    requestHash: row.request_hash,
    messageId: row.message_id,
    traceparent: row.traceparent,
    startedAt: row.started_at.getTime(),
  },
});

// `deshace` never changes, so that it may be read before the row is locked. An array of ids keeps the plan on the
// primary key, however old: a join with them became a scan of all sagas.
const LOCK = statement(
  'saga_lock',
  `SELECT ${SAGA_COLUMNS} FROM saga
   WHERE id = ANY ($1::uuid[] || ARRAY(
     SELECT u.deshace FROM saga u WHERE u.id = ANY ($1::uuid[]) AND u.deshace IS NOT NULL))
   ORDER BY id FOR UPDATE`,
);

const XID = 'pg_current_xact_id()::text::bigint';

// Each with its row of log, which exists once: whoever decided from what another transaction has changed fails.
const INSERT = statement(
  'saga_insert',
  `WITH begun AS (
     INSERT INTO saga (id, tipo, definition, version, status, wake_at, started_at, updated_at, deshace, alcance, motivo,
       message_id, traceparent, request_hash, claves, claves_normalised, fingerprint, state, input)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int4[], $5::int2[], $6::timestamptz[],
       $7::timestamptz[], $8::timestamptz[], $9::uuid[], $10::json[], $11::text[], $12::text[], $13::text[],
       $14::text[], $15::json[], $16::jsonb[], $17::text[], $18::json[], $19::bytea[]))
   INSERT INTO saga_log (saga_id, n, xid, status, at, entries)
   SELECT v.id, v.version, ${XID}, v.status, v.at, v.entries
   FROM unnest($1::uuid[], $4::int4[], $5::int2[], $8::timestamptz[], $20::json[]) v (id, version, status, at, entries)`,
);

// The insert reads `moved`, so that the saga's row is locked before its log is written, as `lock` does it: in the other
// order the two could deadlock.
const UPDATE = statement(
  'saga_update',
  `WITH moved AS (
     UPDATE saga s SET version = v.version, status = v.status, wake_at = v.wake_at, state = v.state, updated_at = v.at
     FROM unnest($1::uuid[], $2::int4[], $3::int2[], $4::timestamptz[], $5::timestamptz[], $6::json[], $7::json[])
       v (id, version, status, wake_at, at, state, entries)
     WHERE s.id = v.id RETURNING v.*)
   INSERT INTO saga_log (saga_id, n, xid, status, at, entries)
   SELECT id, version, ${XID}, status, at, entries FROM moved WHERE entries IS NOT NULL`,
);

/** The rows of one saga's log. */
export const LOG = statement(
  'saga_log_of',
  'SELECT n, status, at, entries FROM saga_log WHERE saga_id = $1::uuid ORDER BY n',
);

export interface SagaLogRow {
  readonly n: number;
  readonly status: number;
  readonly at: Date;
  readonly entries: readonly Entry[];
}

export const logRowOf = (row: SagaLogRow, saga: string): LogRow => ({
  ...row,
  saga,
  status: statusOf(row.status),
});

const UPCOMING = statement(
  'saga_upcoming',
  'SELECT id, wake_at FROM saga WHERE wake_at IS NOT NULL ORDER BY wake_at LIMIT $1',
);

const LIVE = statement(
  'saga_live',
  `SELECT tipo, definition, count(*)::int4 AS sagas FROM saga WHERE wake_at IS NOT NULL
   GROUP BY tipo, definition ORDER BY tipo, definition`,
);

/** Sagas in Postgres, or in one schema of PGlite. */
export function sqlSagaStore(database: Pick<Database, 'query'>): SagaStore<SqlTransaction> {
  return {
    async lock(tx, ids) {
      const rows = await tx.query<SagaRow>(LOCK, [array('uuid', ids)]);
      return new Map(rows.map((row) => [row.id, instanceOf(row)]));
    },
    save(tx, { inserted, updated }) {
      // Rejections reach the transaction's commit; here nobody awaits them.
      const write = (...args: Parameters<SqlTransaction['write']>) => {
        tx.write(...args).catch(() => undefined);
      };
      if (inserted.length > 0) write(INSERT, columns(inserted, insertColumns));
      if (updated.length > 0) write(UPDATE, columns(updated, updateColumns));
    },
    async log(tx, id) {
      const rows = await tx.query<SagaLogRow>(LOG, [id]);
      return rows.map((row) => logRowOf(row, id));
    },
    async upcoming(limit) {
      const rows = await database.query<{ id: string; wake_at: Date }>(UPCOMING, [limit]);
      return rows.map((row) => ({ id: row.id, at: row.wake_at.getTime() }));
    },
    live: () => database.query(LIVE, []),
  };
}

type Column<T> = readonly [ArrayType, (row: T) => unknown];

const columns = <T>(rows: readonly T[], of: readonly Column<T>[]) =>
  of.map(([type, value]) => column(type, rows, value));

const instant = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));

const insertColumns: readonly Column<Saved>[] = [
  ['uuid', ({ saga }) => saga.id],
  ['text', ({ saga }) => saga.tipo],
  ['text', ({ saga }) => saga.definition],
  ['int4', ({ saga }) => saga.version],
  ['int2', ({ saga }) => statusNumber(saga.status)],
  ['timestamptz', ({ saga }) => instant(saga.wakeAt)],
  ['timestamptz', ({ saga }) => instant(saga.origin.startedAt)],
  ['timestamptz', ({ saga }) => instant(saga.updatedAt)],
  ['uuid', ({ saga }) => saga.origin.deshace],
  ['json', ({ saga }) => saga.origin.alcance],
  ['text', ({ saga }) => saga.origin.motivo],
  ['text', ({ saga }) => saga.origin.messageId],
  ['text', ({ saga }) => saga.origin.traceparent],
  ['text', ({ saga }) => saga.origin.requestHash],
  ['json', ({ saga }) => saga.origin.claves],
  ['jsonb', ({ saga }) => normalisedClaves(saga.origin.claves)],
  ['text', ({ saga }) => saga.origin.fingerprint],
  ['json', ({ saga }) => saga.state],
  ['bytea', ({ saga }) => saga.origin.input],
  ['json', ({ entries }) => entries],
];

const updateColumns: readonly Column<Saved>[] = [
  ['uuid', ({ saga }) => saga.id],
  ['int4', ({ saga }) => saga.version],
  ['int2', ({ saga }) => statusNumber(saga.status)],
  ['timestamptz', ({ saga }) => instant(saga.wakeAt)],
  ['timestamptz', ({ saga }) => instant(saga.updatedAt)],
  ['json', ({ saga }) => saga.state],
  ['json', ({ entries }) => entries],
];
