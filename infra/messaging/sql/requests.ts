import { column } from '../../database/array.ts';
import { type Database, type Row, type SqlTransaction, statement } from '../../database/database.ts';
import type { Operation } from '../operations.ts';
import type { MessagingStore } from '../store.ts';

const insertOperations = statement(
  'messaging.insert-operations',
  `INSERT INTO operation (id, estado, request_hash, message, recurso, codigo, motivo, created)
   SELECT o.* FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[],
     $8::timestamptz[]) o(id, estado, request_hash, message, recurso, codigo, motivo, created) ORDER BY o.id`,
);
const selectOperation = statement(
  'messaging.operation',
  'SELECT id, estado, request_hash, message, recurso, codigo, motivo, created FROM operation WHERE id = $1',
);

// Of the transaction, and tried: whoever finds it taken is told so at once. On PGlite, whose transactions are one at a
// time, it is always free.
const lockRequest = statement(
  'messaging.lock-request',
  'SELECT pg_try_advisory_xact_lock($1::int4, $2::int4) AS free',
);
const selectRequest = statement(
  'messaging.request',
  'SELECT id, hash, answer, at FROM request WHERE id = $1::uuid',
);
const insertRequest = statement(
  'messaging.insert-request',
  'INSERT INTO request (id, hash, answer, at) VALUES ($1::uuid, $2, $3, $4)',
);

const insertAudit = statement(
  'messaging.insert-audit',
  'INSERT INTO audit (at, who, action, target, reason) VALUES ($1, $2, $3, $4, $5)',
);
const listAudit = statement(
  'messaging.list-audit',
  `SELECT id, at, who, action, target, reason FROM audit WHERE $1::int8 IS NULL OR id < $1::int8
   ORDER BY id DESC LIMIT $2`,
);

/** Sets the locks of requests apart from all others of a database. */
const REQUEST_LOCK = 0x0c07dade;

const operationOf = (row: Row): Operation => ({
  id: row.id,
  estado: row.estado,
  requestHash: row.request_hash,
  message: row.message,
  recurso: row.recurso,
  error: row.codigo === null ? null : { codigo: row.codigo, motivo: row.motivo },
  created: row.created,
});

/** What was asked for over HTTP, and by whom. */
export const requests = (
  database: Database,
): Pick<
  MessagingStore<SqlTransaction>,
  'insertOperations' | 'operation' | 'lockRequest' | 'request' | 'insertRequest' | 'insertAudit' | 'listAudit'
> => ({
  insertOperations(tx, operations) {
    void tx.write(insertOperations, [
      column('text', operations, (o) => o.id),
      column('text', operations, (o) => o.estado),
      column('text', operations, (o) => o.requestHash),
      column('uuid', operations, (o) => o.message),
      column('text', operations, (o) => o.recurso),
      column('text', operations, (o) => o.error?.codigo ?? null),
      column('text', operations, (o) => o.error?.motivo ?? null),
      column('timestamptz', operations, (o) => o.created),
    ]);
  },
  async operation(id, tx) {
    const [row] = await (tx ?? database).query(selectOperation, [id]);
    return row && operationOf(row);
  },

  async lockRequest(tx, id) {
    // 32 random bits of the id: two requests that share them are told that they are under way, and come again.
    const bits = Number.parseInt(id.slice(0, 8), 16) | 0;
    const [row] = await tx.query<{ free: boolean }>(lockRequest, [REQUEST_LOCK, bits]);
    return row?.free === true;
  },
  async request(tx, id) {
    const [row] = await tx.query(selectRequest, [id]);
    return row;
  },
  insertRequest(tx, { id, hash, answer, at }) {
    void tx.write(insertRequest, [id, hash, answer, at]);
  },

  insertAudit(tx, { at, who, action, target, reason }) {
    void tx.write(insertAudit, [at, who, action, target, reason]);
  },
  async listAudit({ before, limit }) {
    const rows = await database.query(listAudit, [before ?? null, limit]);
    return rows.map((row) => ({ ...row, id: Number(row.id) }));
  },
});
