import type { Runtime } from '../runtime.ts';
import type { Log } from './metrics.ts';
import type { MessagingStore } from './store.ts';

export interface OutboxDeletesOptions {
  readonly store: Pick<MessagingStore<unknown>, 'deletePublished'>;
  readonly runtime: Pick<Runtime, 'after'>;
  readonly log: Log;
  /** Milliseconds that rows wait to be deleted together. */
  readonly afterMs: number;
  /** Milliseconds until rows are tried again that could not be deleted. */
  readonly againMs: number;
  /** @param seqs what was deleted just now; none where that failed */
  over(seqs: readonly number[]): void;
}

export interface OutboxDeletes {
  /** These rows are durable on the bus. */
  add(seqs: readonly number[]): void;
  /** Whether nothing waits to be deleted, or is being deleted. */
  idle(): boolean;
  /** Begins no further delete, and tells nothing any more. What is left goes out once more after the next start. */
  stop(): void;
}

/** Deletes what was published, many rows at a time and one call at a time. A delete that a crash undoes only duplicates. */
export const outboxDeletes = (options: OutboxDeletesOptions): OutboxDeletes => {
  const { store, runtime, log, afterMs, againMs, over } = options;
  let waiting: number[] = [];
  let isScheduled = false;
  let isStopped = false;

  const schedule = (ms: number): void => {
    if (isScheduled || waiting.length === 0) return;
    isScheduled = true;
    runtime.after(ms, () => void run());
  };

  const run = async (): Promise<void> => {
    const seqs = waiting;
    waiting = [];
    let failed = false;
    try {
      await store.deletePublished(seqs);
    } catch (error) {
      failed = true;
      waiting = seqs.concat(waiting);
      log.warn({ err: error }, 'published rows could not be deleted: it is tried again');
    }
    isScheduled = false;
    if (isStopped) return;
    schedule(failed ? againMs : afterMs);
    over(failed ? [] : seqs);
  };

  return {
    add(seqs) {
      for (const seq of seqs) waiting.push(seq);
      schedule(afterMs);
    },
    idle: () => waiting.length === 0 && !isScheduled,
    stop() {
      isStopped = true;
    },
  };
};
