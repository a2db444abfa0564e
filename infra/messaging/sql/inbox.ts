import { array, column } from '../../database/array.ts';
import { type Row, type SqlTransaction, statement } from '../../database/database.ts';
import type { Claim, MessagingStore } from '../store.ts';

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

const HANDLED = 1;
const TOMBSTONE = 2;

const claimOf = (row: Row): Claim => ({
  key: row.key,
  tombstone: row.state === TOMBSTONE,
  ...(row.contract !== null && {
    reply: { contract: row.contract, fingerprint: row.fingerprint, payload: row.reply },
  }),
});

/** Which messages are done with, and which keys are held before others of them. */
export const inbox: Pick<
  MessagingStore<SqlTransaction>,
  'lockHeldKeys' | 'refuseHeldKeys' | 'claims' | 'insertClaims'
> = {
  async lockHeldKeys(tx, subscription, keys) {
    const rows = await tx.query<{ key: string }>(lockHeldKeys, [subscription, array('text', keys)]);
    return new Set(rows.map((row) => row.key));
  },
  refuseHeldKeys(tx, subscription, keys) {
    void tx.write(refuseHeldKeys, [subscription, array('text', keys)]);
  },
  async claims(tx, subscription, keys) {
    const rows = await tx.query(selectClaims, [subscription, array('text', keys)]);
    return new Map(rows.map((row) => [row.key, claimOf(row)]));
  },
  insertClaims(tx, subscription, claims, at) {
    const parameters = [
      subscription,
      column('text', claims, (claim) => claim.key),
      column('int2', claims, (claim) => (claim.tombstone ? TOMBSTONE : HANDLED)),
      column('text', claims, (claim) => claim.reply?.contract ?? null),
      column('text', claims, (claim) => claim.reply?.fingerprint ?? null),
      column('bytea', claims, (claim) => claim.reply?.payload ?? null),
      at,
    ];
    void tx.write(insertClaims, parameters);
  },
};
