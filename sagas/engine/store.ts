import type { Entry, Instance, Status } from './instance.ts';

/** What one transaction did to a saga; `n` is the saga's version after it. */
export interface LogRow {
  readonly saga: string;
  readonly n: number;
  readonly status: Status;
  readonly at: Date;
  readonly entries: readonly Entry[];
}

/** A saga as a transaction leaves it, and what its row of log under `version` tells; null where it has none. */
export interface Saved {
  readonly saga: Instance;
  readonly entries: readonly Entry[] | null;
}

export interface SagaChanges {
  readonly inserted: readonly Saved[];
  readonly updated: readonly Saved[];
}

/** When a live saga is to be looked at again. */
export interface Wake {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** The sagas of one service. `Tx` is the transaction that its other state is written in, too. */
export interface SagaStore<Tx> {
  /** Those of `ids` that exist, and the sagas that they undo, all locked in id order. */
  lock(tx: Tx, ids: readonly string[]): Promise<Map<string, Instance>>;
  /**
   * Only sends the writes: a failure fails the transaction's commit. A saga or a log row that exists already is a
   * concurrent winner, and the work is to be done again.
   */
  save(tx: Tx, changes: SagaChanges): void;
  /** The rows of one saga's log, oldest first, with what this transaction has saved. */
  log(tx: Tx, id: string): Promise<readonly LogRow[]>;
  /** The first live sagas by wake time. */
  upcoming(limit: number): Promise<readonly Wake[]>;
  /** The definitions that live sagas are pinned to. */
  live(): Promise<readonly { readonly tipo: string; readonly definition: string; readonly sagas: number }[]>;
}
