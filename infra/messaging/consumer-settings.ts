import type { Backoff } from './backoff.ts';

export interface ConsumerSettings {
  readonly maxBatch: number;
  /** Milliseconds that claims are kept: an older message may have been handled, so it is held and not handled. */
  readonly retentionMs: number;
  /** Of a batch that met a transient fault; it is repeated for as long as it takes. */
  readonly transient: Backoff;
  /** Repetitions of a batch that lost to a concurrent transaction, before the message is looked for that does. */
  readonly conflictRetries: number;
  /** Of a held message. */
  readonly held: Backoff;
  /** Attempts at a held message before it is parked. */
  readonly heldAttempts: number;
  /** Milliseconds between two looks for held messages that are due. */
  readonly heldPollMs: number;
}

export const consumerDefaults: ConsumerSettings = {
  maxBatch: 200,
  retentionMs: 14 * 24 * 3_600_000,
  transient: { firstMs: 50, mostMs: 2_000 },
  conflictRetries: 4,
  held: { firstMs: 1_000, mostMs: 300_000 },
  heldAttempts: 10,
  heldPollMs: 1_000,
};
