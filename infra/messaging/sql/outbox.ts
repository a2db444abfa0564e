import { array, column } from '../../database/array.ts';
import { type Database, type Row, type SqlTransaction, statement } from '../../database/database.ts';
import type { MessagingStore, NewOutboxRow, OutboxRow, SlimProperties, Unpublished } from '../store.ts';

/** How many numbers are drawn at once: the increment of the sequence (migrations/). */
const NUMBERS = 4_096;
const enqueue = statement(
  'messaging.enqueue',
  `WITH drawn AS MATERIALIZED (SELECT nextval('outbox_seq_seq') AS first),
     written AS (INSERT INTO outbox (seq, topic, key, id, props, payload) OVERRIDING SYSTEM VALUE
       SELECT d.first + r.n - 1, r.topic, r.key, r.id, r.props, r.payload
       FROM drawn d, unnest($1::text[], $2::text[], $3::uuid[], $4::json[], $5::bytea[])
         WITH ORDINALITY r(topic, key, id, props, payload, n))
   SELECT first FROM drawn`,
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

/** Writes no more rows than a statement has numbers for. @returns their numbers, in their order */
const insertBlock = async (tx: SqlTransaction, rows: readonly NewOutboxRow[]): Promise<readonly number[]> => {
  const [drawn] = await tx.write<{ first: bigint }>(enqueue, [
    column('text', rows, (row) => row.topic),
    column('text', rows, (row) => row.key),
    column('uuid', rows, (row) => row.id),
    column('json', rows, (row) => row.props),
    column('bytea', rows, (row) => row.payload),
  ]);
  const first = Number(drawn?.first);
  return rows.map((_, i) => first + i);
};

/** What is to be published, who publishes it, and what nobody can. */
export const outbox = (
  database: Database,
): Pick<
  MessagingStore<SqlTransaction>,
  | 'enqueue'
  | 'sweep'
  | 'oldestUnpublished'
  | 'deletePublished'
  | 'lease'
  | 'takeLease'
  | 'renewLease'
  | 'releaseLease'
  | 'recordParked'
  | 'parkedSeqs'
  | 'listParked'
  | 'lockParked'
  | 'freeParked'
  | 'dropUnpublished'
> => ({
  async enqueue(tx, rows) {
    const blocks: Promise<readonly number[]>[] = [];
    for (let at = 0; at < rows.length; at += NUMBERS)
      blocks.push(insertBlock(tx, rows.slice(at, at + NUMBERS)));
    return (await Promise.all(blocks)).flat();
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
    void tx.write(freeParked, [seq]);
  },
  dropUnpublished(tx, seq) {
    void tx.write(dropUnpublished, [seq]);
  },
});
