import { statement } from '@cordada/infra/database/database.ts';
import type { Retained } from '@cordada/infra/messaging/retention.ts';

// From the oldest on. What undoes a saga is about its input and its steps: neither goes while the other is young or lives.
const oldSagas = statement(
  'saga_forget',
  `WITH gone AS (
     DELETE FROM saga WHERE id = ANY(ARRAY(
       SELECT s.id FROM saga s
       WHERE s.started_at < $1 AND s.wake_at IS NULL AND s.updated_at < $1
         AND NOT EXISTS (SELECT FROM saga u WHERE u.deshace = s.id AND (u.wake_at IS NOT NULL OR u.updated_at >= $1))
         AND NOT EXISTS (SELECT FROM saga o WHERE o.id = s.deshace AND (o.wake_at IS NOT NULL OR o.updated_at >= $1))
       ORDER BY s.started_at LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING id, request_hash, message_id, status),
   keys AS (INSERT INTO saga_key (id, request_hash, message_id, status)
     SELECT id, request_hash, message_id, status FROM gone WHERE request_hash <> '' ON CONFLICT DO NOTHING),
   log AS (DELETE FROM saga_log WHERE saga_id IN (SELECT id FROM gone))
   SELECT id FROM gone`,
);

/**
 * Sagas that have ended, with their logs. What they made stays; nobody can undo it by its saga any more. So does what
 * their requests are recognised by: an `Idempotency-Key` makes nothing a second time, however late it comes again.
 * @param keepMs since they ended; undefined: for ever
 */
export const retainedSagas = (keepMs: number | undefined): Retained => ({
  what: 'sagas',
  keepMs,
  forget: oldSagas,
});
