/** What the pipeline tells of itself. Levels (pending rows, lag, held) are read where they are, not told. */
export interface MessagingMetrics {
  /** A batch has committed. `ms`: from its delivery to its commit, waits for transient faults included. */
  batch(subscription: string, size: number, ms: number): void;
  /** A batch runs again: `transient`, `conflict` or `permanent`. */
  retried(subscription: string, cause: string): void;
  held(subscription: string, contract: string): void;
  /** Somebody must look: a held message that will not be retried, or an outbox row that the bus refuses. */
  parked(where: 'held' | 'outbox', contract: string): void;
  published(messages: number): void;
}

/** The part of pino's logger that the pipeline uses. */
export interface Log {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}
