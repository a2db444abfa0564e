import { array } from '../database/array.ts';
import { type Database, type Row, type SqlTransaction, statement } from '../database/database.ts';
import { isTransient, sqlState } from '../database/faults.ts';
import type { Operation } from './operations.ts';
import {
  type Claim,
  type HeldMessage,
  type HeldState,
  KEY_IS_HELD,
  type MessagingStore,
  type OutboxRow,
  type SlimProperties,
  type Unpublished,
} from './store.ts';

const lockHeldKeys = statement(
  'messaging.lock-held-keys',
  'SELECT key FROM held_key WHERE subscription = $1 AND key = ANY($2::text[]) ORDER BY key FOR UPDATE',
);
const refuseHeldKeys = statement(
  'messaging.refuse-held-keys',
  `SELECT refuse_held_key(key) FROM
     (SELECT key FROM held_key WHERE subscription = $1 AND key = ANY($2::text[]) ORDER BY key FOR UPDATE) held`,
);

// LATERAL with LIMIT: one look into the primary key a claim, whatever the planner believes of the table's size.
const selectClaims = statement(
  'messaging.claims',
  `SELECT c.* FROM unnest($2::text[]) k (key),
     LATERAL (SELECT key, state, contract, fingerprint, reply FROM inbox
       WHERE subscription = $1 AND key = k.key LIMIT 1) c`,
);
const insertClaims = statement(
  'messaging.insert-claims',
  `INSERT INTO inbox (subscription, key, state, contract, fingerprint, reply, at)
   SELECT $1, c.*, $7::timestamptz
   FROM unnest($2::text[], $3::int2[], $4::text[], $5::text[], $6::bytea[]) c`,
);

// Rows are numbered in the order of the ordinals; they are paired again by their ids.
const enqueue = statement(
  'messaging.enqueue',
  `INSERT INTO outbox (topic, key, id, props, payload)
   SELECT r.topic, r.key, r.id, r.props, r.payload
   FROM unnest($1::text[], $2::text[], $3::uuid[], $4::json[], $5::bytea[])
     WITH ORDINALITY r(topic, key, id, props, payload, n)
   ORDER BY r.n RETURNING seq, id`,
);
const sweep = statement(
  'messaging.sweep',
  'SELECT seq, topic, key, id, props, payload FROM outbox WHERE key <> ALL($2::text[]) ORDER BY seq LIMIT $1',
);
// What is known already comes as ranges: a look into them costs the logarithm of their number, whatever the plan.
const sweepOthers = statement(
  'messaging.sweep-others',
  `SELECT seq, topic, key, id, props, payload FROM outbox
   WHERE key <> ALL($2::text[]) AND NOT seq <@ $3::int8multirange ORDER BY seq LIMIT $1`,
);
const oldestUnpublished = statement(
  'messaging.oldest-unpublished',
  `SELECT props FROM outbox WHERE key NOT IN
     (SELECT o.key FROM outbox_parked p JOIN outbox o ON o.seq = p.seq) ORDER BY seq LIMIT 1`,
);
const deletePublished = statement(
  'messaging.delete-published',
  'DELETE FROM outbox WHERE seq = ANY($1::int8[])',
);

const selectLease = statement(
  'messaging.lease',
  'SELECT owner, token, renewals, lasts_ms FROM relay_lease WHERE one',
);
// $3 to $5 are what was seen, or null.
const takeLease = statement(
  'messaging.take-lease',
  `INSERT INTO relay_lease AS l (one, owner, token, renewals, lasts_ms) VALUES (true, $1, 1, 0, $2)
   ON CONFLICT (one) DO UPDATE SET owner = excluded.owner, token = l.token + 1, renewals = 0,
     lasts_ms = excluded.lasts_ms
   WHERE l.owner = $3::text AND l.token = $4::int8 AND l.renewals = $5::int8
   RETURNING token`,
);
const renewLease = statement(
  'messaging.renew-lease',
  'UPDATE relay_lease SET renewals = renewals + 1 WHERE one AND owner = $1 AND token = $2 RETURNING token',
);
const releaseLease = statement(
  'messaging.release-lease',
  "UPDATE relay_lease SET owner = '' WHERE one AND owner = $1 AND token = $2",
);

const recordParked = statement(
  'messaging.record-parked',
  `WITH gone AS (DELETE FROM outbox_parked p WHERE NOT EXISTS (SELECT FROM outbox o WHERE o.seq = p.seq))
   INSERT INTO outbox_parked (seq, reason, at) VALUES ($1, $2, $3)
   ON CONFLICT (seq) DO UPDATE SET reason = excluded.reason`,
);
const parkedSeqs = statement('messaging.parked-seqs', 'SELECT seq FROM outbox_parked');
const PARKED = `SELECT p.seq, o.topic, o.key, o.id, p.reason, p.at FROM outbox_parked p JOIN outbox o ON o.seq = p.seq`;
const listParked = statement('messaging.list-parked', `${PARKED} WHERE p.seq > $1 ORDER BY p.seq LIMIT $2`);
const lockParked = statement('messaging.lock-parked', `${PARKED} WHERE p.seq = $1 FOR UPDATE OF p`);
const freeParked = statement('messaging.free-parked', 'DELETE FROM outbox_parked WHERE seq = $1');
const dropUnpublished = statement('messaging.drop-unpublished', 'DELETE FROM outbox WHERE seq = $1');

const blockKeys = statement(
  'messaging.block-keys',
  `INSERT INTO held_key (subscription, key)
   SELECT k.* FROM unnest($1::text[], $2::text[]) k(subscription, key) ORDER BY k.subscription, k.key
   ON CONFLICT (subscription, key) DO UPDATE SET key = excluded.key`,
);
const hold = statement(
  'messaging.hold',
  `INSERT INTO held_message
     (subscription, key, topic, properties, payload, published_at, cause, attempts, state, next_at, held_at)
   SELECT m.subscription, m.key, m.topic, m.properties, m.payload, m.published_at, m.cause, m.attempts, m.state,
     m.next_at, m.held_at
   FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::timestamptz[], $7::text[], $8::int4[],
     $9::int2[], $10::timestamptz[], $11::timestamptz[]) WITH ORDINALITY
     m(subscription, key, topic, properties, payload, published_at, cause, attempts, state, next_at, held_at, n)
   ORDER BY m.n`,
);
const dueHeldKeys = statement(
  'messaging.due-held-keys',
  `SELECT key FROM (
     SELECT DISTINCT ON (key) key, id, state, next_at FROM held_message WHERE subscription = $1 AND key <> ALL($4::text[])
     ORDER BY key, id
   ) head WHERE state <> 2 AND next_at <= $2 ORDER BY next_at, id LIMIT $3`,
);
const HELD = `id, subscription, key, topic, properties, payload, published_at, cause, attempts, state, next_at, held_at`;
const heldHead = statement(
  'messaging.held-head',
  `SELECT ${HELD} FROM held_message WHERE subscription = $1 AND key = $2 ORDER BY id LIMIT 1`,
);
const heldById = statement('messaging.held-by-id', `SELECT ${HELD} FROM held_message WHERE id = $1`);
const listHeld = statement(
  'messaging.list-held',
  `SELECT ${HELD} FROM held_message WHERE id > $1 AND ($3::int2 IS NULL OR state = $3::int2) ORDER BY id LIMIT $2`,
);
const countHeld = statement(
  'messaging.count-held',
  'SELECT count(*) AS held, count(*) FILTER (WHERE state = 2) AS parked FROM held_message',
);
const releaseHeld = statement(
  'messaging.release-held',
  'DELETE FROM held_message WHERE subscription = $1 AND key = $2 AND id = $3',
);
const unblockKey = statement(
  'messaging.unblock-key',
  `DELETE FROM held_key k WHERE subscription = $1 AND key = $2
   AND NOT EXISTS (SELECT 1 FROM held_message m WHERE m.subscription = k.subscription AND m.key = k.key)`,
);
const updateHeld = statement(
  'messaging.update-held',
  `UPDATE held_message SET cause = $4, attempts = $5, state = $6, next_at = $7
   WHERE subscription = $1 AND key = $2 AND id = $3`,
);

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

const HANDLED = 1;
const TOMBSTONE = 2;
const heldStates: readonly HeldState[] = ['RETRYING', 'PARKED', 'RELEASED'];
const stateNumber = (state: HeldState): number => heldStates.indexOf(state) + 1;

const claimOf = (row: Row): Claim => ({
  key: row.key,
  tombstone: row.state === TOMBSTONE,
  ...(row.contract !== null && {
    reply: { contract: row.contract, fingerprint: row.fingerprint, payload: row.reply },
  }),
});

const heldOf = (row: Row): HeldMessage => ({
  id: Number(row.id),
  subscription: row.subscription,
  key: row.key,
  topic: row.topic,
  properties: JSON.parse(row.properties),
  payload: row.payload,
  publishedAt: row.published_at.getTime(),
  cause: row.cause,
  attempts: row.attempts,
  state: heldStates[row.state - 1] as HeldState,
  nextAt: row.next_at,
  heldAt: row.held_at,
});

const operationOf = (row: Row): Operation => ({
  id: row.id,
  estado: row.estado,
  requestHash: row.request_hash,
  message: row.message,
  recurso: row.recurso,
  error: row.codigo === null ? null : { codigo: row.codigo, motivo: row.motivo },
  created: row.created,
});

/** Whole numbers as the text of an `int8multirange`. */
const rangesOf = (numbers: Iterable<number>): string => {
  const sorted = Float64Array.from(numbers).sort();
  const ranges: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    const first = sorted[i] as number;
    let end = first + 1;
    for (i += 1; sorted[i] === end; i += 1) end += 1;
    ranges.push(`[${first},${end})`);
  }
  return `{${ranges.join()}}`;
};

const outboxRowOf = (row: Row): OutboxRow => ({ ...row, seq: Number(row.seq) });

const unpublishedOf = (row: Row): Unpublished => ({ ...row, seq: Number(row.seq) });

/** A commit reports a failed write; nobody awaits these by themselves. */
const sent = (write: Promise<unknown>): void => void write.catch(() => undefined);

/** The pipeline's tables in a service's own database (migrations/). */
export function sqlStore(database: Database): MessagingStore<SqlTransaction> {
  return {
    transaction: (work) => database.transaction(work),
    classify: (error) => {
      if (isTransient(error)) return 'transient';
      const state = sqlState(error);
      if (state === KEY_IS_HELD) return 'held';
      return state === '23505' ? 'conflict' : 'permanent';
    },

    async lockHeldKeys(tx, subscription, keys) {
      const rows = await tx.query<{ key: string }>(lockHeldKeys, [subscription, array('text', keys)]);
      return new Set(rows.map((row) => row.key));
    },
    refuseHeldKeys(tx, subscription, keys) {
      sent(tx.write(refuseHeldKeys, [subscription, array('text', keys)]));
    },
    async claims(tx, subscription, keys) {
      const rows = await tx.query(selectClaims, [subscription, array('text', keys)]);
      return new Map(rows.map((row) => [row.key, claimOf(row)]));
    },
    insertClaims(tx, subscription, claims, at) {
      const parameters = [
        subscription,
        array(
          'text',
          claims.map((claim) => claim.key),
        ),
        array(
          'int2',
          claims.map((claim) => (claim.tombstone ? TOMBSTONE : HANDLED)),
        ),
        array(
          'text',
          claims.map((claim) => claim.reply?.contract ?? null),
        ),
        array(
          'text',
          claims.map((claim) => claim.reply?.fingerprint ?? null),
        ),
        array(
          'bytea',
          claims.map((claim) => claim.reply?.payload ?? null),
        ),
        at,
      ];
      sent(tx.write(insertClaims, parameters));
    },

    async enqueue(tx, rows) {
      const written = await tx.write<{ seq: bigint; id: string }>(enqueue, [
        array(
          'text',
          rows.map((row) => row.topic),
        ),
        array(
          'text',
          rows.map((row) => row.key),
        ),
        array(
          'uuid',
          rows.map((row) => row.id),
        ),
        array(
          'json',
          rows.map((row) => row.props),
        ),
        array(
          'bytea',
          rows.map((row) => row.payload),
        ),
      ]);
      const seqs = new Map(written.map(({ seq, id }) => [id, Number(seq)]));
      return rows.map((row) => seqs.get(row.id) as number);
    },
    async sweep(limit, exceptKeys, exceptSeqs) {
      const keys = array('text', exceptKeys);
      const rows = await (exceptSeqs
        ? database.query(sweepOthers, [limit, keys, rangesOf(exceptSeqs)])
        : database.query(sweep, [limit, keys]));
      return rows.map(outboxRowOf);
    },
    async oldestUnpublished() {
      const [row] = await database.query<{ props: SlimProperties }>(oldestUnpublished, []);
      return row?.props.t;
    },
    async deletePublished(seqs) {
      await database.background(deletePublished, [array('int8', seqs)]);
    },

    async lease() {
      const [row] = await database.query(selectLease, []);
      return (
        row && {
          owner: row.owner,
          token: Number(row.token),
          renewals: Number(row.renewals),
          lastsMs: row.lasts_ms,
        }
      );
    },
    async takeLease(owner, lastsMs, seen) {
      const was = [seen?.owner ?? null, seen?.token ?? null, seen?.renewals ?? null];
      const [row] = await database.query(takeLease, [owner, lastsMs, ...was]);
      return row && Number(row.token);
    },
    async renewLease(owner, token) {
      return (await database.background(renewLease, [owner, token])).length > 0;
    },
    async releaseLease(owner, token) {
      await database.query(releaseLease, [owner, token]);
    },

    async recordParked(seq, reason, at) {
      await database.query(recordParked, [seq, reason, at]);
    },
    async parkedSeqs() {
      const rows = await database.query<{ seq: bigint }>(parkedSeqs, []);
      return rows.map(({ seq }) => Number(seq));
    },
    async listParked({ after, limit }) {
      const rows = await database.query(listParked, [after, limit]);
      return rows.map(unpublishedOf);
    },
    async lockParked(tx, seq) {
      const [row] = await tx.query(lockParked, [seq]);
      return row && unpublishedOf(row);
    },
    freeParked(tx, seq) {
      sent(tx.write(freeParked, [seq]));
    },
    dropUnpublished(tx, seq) {
      sent(tx.write(dropUnpublished, [seq]));
    },

    hold(tx, messages) {
      const column = (
        type: Parameters<typeof array>[0],
        of: (message: (typeof messages)[number]) => unknown,
      ) => array(type, messages.map(of));
      const keys = new Map(messages.map((m) => [JSON.stringify([m.subscription, m.key]), m]));
      sent(
        tx.write(blockKeys, [
          array(
            'text',
            [...keys.values()].map((m) => m.subscription),
          ),
          array(
            'text',
            [...keys.values()].map((m) => m.key),
          ),
        ]),
      );
      sent(
        tx.write(hold, [
          column('text', (m) => m.subscription),
          column('text', (m) => m.key),
          column('text', (m) => m.topic),
          column('text', (m) => JSON.stringify(m.properties)),
          column('bytea', (m) => m.payload),
          column('timestamptz', (m) => new Date(m.publishedAt)),
          column('text', (m) => m.cause),
          column('int4', (m) => m.attempts),
          column('int2', (m) => stateNumber(m.state)),
          column('timestamptz', (m) => m.nextAt),
          column('timestamptz', (m) => m.heldAt),
        ]),
      );
    },
    async dueHeldKeys(subscription, now, limit, except) {
      const values = [subscription, now, limit, array('text', except)];
      const rows = await database.query<{ key: string }>(dueHeldKeys, values);
      return rows.map((row) => row.key);
    },
    async heldHead(tx, subscription, key) {
      const [row] = await tx.query(heldHead, [subscription, key]);
      return row && heldOf(row);
    },
    async heldById(tx, id) {
      const [row] = await tx.query(heldById, [id]);
      return row && heldOf(row);
    },
    releaseHeld(tx, { id, subscription, key }) {
      sent(tx.write(releaseHeld, [subscription, key, id]));
      sent(tx.write(unblockKey, [subscription, key]));
    },
    updateHeld(tx, { subscription, key, id, cause, attempts, state, nextAt }) {
      sent(tx.write(updateHeld, [subscription, key, id, cause, attempts, stateNumber(state), nextAt]));
    },
    async listHeld({ after, limit, state }) {
      const rows = await database.query(listHeld, [
        after,
        limit,
        state === undefined ? null : stateNumber(state),
      ]);
      return rows.map(heldOf);
    },
    async countHeld() {
      const [row] = await database.query(countHeld, []);
      return { held: Number(row.held), parked: Number(row.parked) };
    },

    insertOperations(tx, operations) {
      const column = (type: Parameters<typeof array>[0], of: (operation: Operation) => unknown) =>
        array(type, operations.map(of));
      sent(
        tx.write(insertOperations, [
          column('text', (o) => o.id),
          column('text', (o) => o.estado),
          column('text', (o) => o.requestHash),
          column('uuid', (o) => o.message),
          column('text', (o) => o.recurso),
          column('text', (o) => o.error?.codigo ?? null),
          column('text', (o) => o.error?.motivo ?? null),
          column('timestamptz', (o) => o.created),
        ]),
      );
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
      sent(tx.write(insertRequest, [id, hash, answer, at]));
    },

    insertAudit(tx, { at, who, action, target, reason }) {
      sent(tx.write(insertAudit, [at, who, action, target, reason]));
    },
    async listAudit({ before, limit }) {
      const rows = await database.query(listAudit, [before ?? null, limit]);
      return rows.map((row) => ({ ...row, id: Number(row.id) }));
    },
  };
}
