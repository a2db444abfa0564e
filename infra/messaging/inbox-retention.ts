import type { Cancel, Runtime } from '../runtime.ts';
import type { Log } from './metrics.ts';
import type { MessagingStore } from './store.ts';

export interface RetentionOptions {
  readonly store: Pick<MessagingStore<unknown>, 'forgetClaims' | 'forgetRequests'>;
  readonly runtime: Runtime;
  readonly log: Log;
  /** The consumers' own (`ConsumerSettings.retentionMs`). */
  readonly retentionMs: number;
  /** Milliseconds between two clearings. */
  readonly everyMs: number;
}

/** Clocks of different machines may differ by so much, in milliseconds. */
const CLOCK_SKEW_MS = 3_600_000;

/**
 * Forgets the claims that no message can need any more. A claim is never older than its message, so one that is older
 * than the retention belongs to messages which the consumer holds for their age. Answers to keyed requests are kept as
 * long.
 * @returns what ends it
 */
export function forgetOldClaims({ store, runtime, log, retentionMs, everyMs }: RetentionOptions): Cancel {
  let ended = false;
  let cancel = runtime.after(everyMs, clear);

  function clear(): void {
    const before = new Date(runtime.now() - retentionMs - CLOCK_SKEW_MS);
    store
      .forgetClaims(before)
      .then(() => store.forgetRequests(before))
      .catch((error: unknown) => log.warn({ err: error }, 'old claims could not be forgotten'))
      .finally(() => {
        if (!ended) cancel = runtime.after(everyMs, clear);
      });
  }

  return () => {
    ended = true;
    cancel();
  };
}
