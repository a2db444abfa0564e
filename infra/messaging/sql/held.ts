import { array, column } from '../../database/array.ts';
import { type Database, type Row, type SqlTransaction, statement } from '../../database/database.ts';
import type { HeldMessage, HeldState, MessagingStore } from '../store.ts';

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

const heldStates: readonly HeldState[] = ['RETRYING', 'PARKED', 'RELEASED'];
const stateNumber = (state: HeldState): number => heldStates.indexOf(state) + 1;

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

/** Messages that could not be done, each before the later ones of its key. */
export const held = (
  database: Database,
): Pick<
  MessagingStore<SqlTransaction>,
  'hold' | 'dueHeldKeys' | 'heldHead' | 'heldById' | 'releaseHeld' | 'updateHeld' | 'listHeld' | 'countHeld'
> => ({
  hold(tx, messages) {
    const keys = [...new Map(messages.map((m) => [JSON.stringify([m.subscription, m.key]), m])).values()];
    void tx.write(blockKeys, [
      column('text', keys, (m) => m.subscription),
      column('text', keys, (m) => m.key),
    ]);
    void tx.write(hold, [
      column('text', messages, (m) => m.subscription),
      column('text', messages, (m) => m.key),
      column('text', messages, (m) => m.topic),
      column('text', messages, (m) => JSON.stringify(m.properties)),
      column('bytea', messages, (m) => m.payload),
      column('timestamptz', messages, (m) => new Date(m.publishedAt)),
      column('text', messages, (m) => m.cause),
      column('int4', messages, (m) => m.attempts),
      column('int2', messages, (m) => stateNumber(m.state)),
      column('timestamptz', messages, (m) => m.nextAt),
      column('timestamptz', messages, (m) => m.heldAt),
    ]);
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
    void tx.write(releaseHeld, [subscription, key, id]);
    void tx.write(unblockKey, [subscription, key]);
  },
  updateHeld(tx, { subscription, key, id, cause, attempts, state, nextAt }) {
    void tx.write(updateHeld, [subscription, key, id, cause, attempts, stateNumber(state), nextAt]);
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
});
