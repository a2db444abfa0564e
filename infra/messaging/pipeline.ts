import type { Outgoing, Received } from './message.ts';
import type { FaultClass, MessagingStore } from './store.ts';

/** What a piece of work leaves behind when it commits. */
export interface Outcome<R> {
  readonly result: R;
  /** Written to the outbox in the same transaction, and published after the commit, in this order. */
  readonly publish: readonly Outgoing[];
  /** Called once, after the commit. Never called when it did not commit. */
  committed?(): void;
}

/** One transaction that changes state and publishes, or does neither. */
export interface UnitOfWork<Tx> {
  transact<R>(work: (tx: Tx) => Promise<Outcome<R>>): Promise<R>;
}

/** Thrown by a `BatchHandler` to name the one message of a batch that cannot be handled. Nothing of the batch is kept. */
export class MessageFault extends Error {
  /** The message's place in the batch. */
  readonly index: number;

  constructor(index: number, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.index = index;
  }
}

/**
 * Thrown by a `BatchHandler` that has decided from what another transaction has changed meanwhile. Nothing of the batch
 * is kept, and it runs again, as after a conflict in the database.
 */
export class DecidedFromStale extends Error {
  override readonly name = 'DecidedFromStale';
}

/** What kind of fault kept a handler's batch from being committed. */
export const faultClassOf = (store: Pick<MessagingStore<unknown>, 'classify'>, error: unknown): FaultClass =>
  error instanceof DecidedFromStale ? 'conflict' : store.classify(error);

/**
 * Handles a batch in the consumer's transaction. When it throws, nothing of the batch is kept: a transient fault is
 * waited out and the batch retried, a `MessageFault` or a permanent database error sets the message apart (`fault`
 * where `answersFaults` has its contract, else it is held) and the rest runs again.
 */
export interface BatchHandler<Tx> {
  /** Names of the contracts whose faults `handle` answers itself. */
  readonly answersFaults: ReadonlySet<string>;
  handle(tx: Tx, batch: readonly Received[], now: Date): Promise<Outcome<void>>;
}
