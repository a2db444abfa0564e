import { type Database, type Statement, statement } from '../database/database.ts';
import { type Cancel, type Runtime, sleep } from '../runtime.ts';
import type { Log } from './metrics.ts';

/** Rows that have a time to be kept for. */
export interface Retained {
  /** What the log calls them. */
  readonly what: string;
  /** Milliseconds; undefined: for ever. */
  readonly keepMs: number | undefined;
  /** Deletes at most `$2` of those from before `$1`, none that another process is deleting, and returns a row for each. */
  readonly forget: Statement;
}

export interface RetentionOptions {
  readonly database: Pick<Database, 'query'>;
  readonly retained: readonly Retained[];
  readonly runtime: Pick<Runtime, 'now' | 'after'>;
  readonly log: Log;
  /** Milliseconds between two clearings. */
  readonly everyMs: number;
}

/** Clocks of different machines may differ by so much, in milliseconds. */
const CLOCK_SKEW_MS = 3_600_000;
/** So few at a time that whoever shares the database waits no longer than for a statement of its own. */
const BATCH = 500;
/** Milliseconds between two batches. */
const PAUSE_MS = 100;

/**
 * Deletes what has been kept for its time, a small batch after another, now and then. A failure is logged, and the next
 * clearing tries again.
 * @returns what ends it, after the batch under way
 */
export const retain = ({ database, retained, runtime, log, everyMs }: RetentionOptions): Cancel => {
  let ended = false;

  const forget = async ({ what, keepMs, forget: old }: Retained): Promise<void> => {
    if (keepMs === undefined) return;
    const before = new Date(runtime.now() - keepMs - CLOCK_SKEW_MS);
    for (let gone = BATCH, all = 0; gone === BATCH && !ended; ) {
      gone = (await database.query(old, [before, BATCH])).length;
      all += gone;
      if (gone === BATCH) await sleep(runtime, PAUSE_MS);
      else if (all > 0) log.info({ what, rows: all, before }, 'forgot what has been kept for its time');
    }
  };

  const clear = async (): Promise<void> => {
    for (const one of retained)
      await forget(one).catch((err: unknown) =>
        log.warn({ err, what: one.what }, 'what is old enough could not be forgotten'),
      );
    if (!ended) cancel = runtime.after(everyMs, () => void clear());
  };

  let cancel = runtime.after(everyMs, () => void clear());
  return () => {
    ended = true;
    cancel();
  };
};

const oldClaims = statement(
  'messaging.forget-claims',
  `DELETE FROM inbox WHERE ctid = ANY(ARRAY(
     SELECT ctid FROM inbox WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1`,
);
const oldRequests = statement(
  'messaging.forget-requests',
  `DELETE FROM request WHERE id = ANY(ARRAY(
     SELECT id FROM request WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1`,
);
const oldOperations = statement(
  'messaging.forget-operations',
  `DELETE FROM operation WHERE ctid = ANY(ARRAY(
     SELECT ctid FROM operation WHERE created < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1`,
);
const oldAudit = statement(
  'messaging.forget-audit',
  `DELETE FROM audit WHERE id = ANY(ARRAY(
     SELECT id FROM audit WHERE at < $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1`,
);

/**
 * What the pipeline keeps. A claim is never older than its message, so one that is older than the inbox's time belongs to
 * messages which the consumer holds for their age (`ConsumerSettings.retentionMs`); answers to keyed requests are kept as
 * long. Who repeats a request after its operation is forgotten asks anew.
 */
export const retainedMessaging = (keep: {
  readonly inboxMs: number;
  readonly operationsMs: number | undefined;
  readonly auditMs: number | undefined;
}): readonly Retained[] => [
  { what: 'claims', keepMs: keep.inboxMs, forget: oldClaims },
  { what: 'answers to keyed requests', keepMs: keep.inboxMs, forget: oldRequests },
  { what: 'operations', keepMs: keep.operationsMs, forget: oldOperations },
  { what: 'audit', keepMs: keep.auditMs, forget: oldAudit },
];
