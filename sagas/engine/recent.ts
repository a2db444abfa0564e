import { LRUCache } from 'lru-cache';
import { type Instance, isEnded } from './instance.ts';

/** What is kept, in bytes, roughly. */
const MOST_BYTES = 32 * 1024 * 1024;
/** Of a saga besides its input: its marks, facts and ids. */
const BYTES_A_SAGA = 1_024;

/**
 * How long a saga is believed to stand as it was left, in milliseconds. Whoever else moved it to its end may have had it
 * forgotten since, with its log: that takes a day at the least (retention.ts).
 */
const BELIEVED_MS = 3_600_000;

/** A saga that somebody has decided from a guess, and has not told of the commit: the next one must lock it. */
const TRIED = 'tried';

const sizeOf = (known: Instance | typeof TRIED): number =>
  known === TRIED ? 64 : BYTES_A_SAGA + known.origin.input.byteLength;

/** A saga as it is believed to stand: `before` is undefined where it is believed not to have begun. */
export interface Guess {
  readonly before: Instance | undefined;
}

/**
 * The sagas that this process has moved last, as it left them. Mostly nobody else moves them, so that they need not be
 * read and locked to be decided; that nobody has is seen when the decision is stored, since a row of the log exists once.
 * A guess is given once: whoever tries again finds none, and reads the saga under its lock.
 */
export class RecentSagas {
  readonly #known = new LRUCache<string, Instance | typeof TRIED>({
    maxSize: MOST_BYTES,
    sizeCalculation: sizeOf,
  });

  /**
   * @param now epoch milliseconds
   * @param begins whether what has come begins a saga: one that is not known here is then believed to be new
   * @returns undefined where it must be locked
   */
  guess(saga: string, begins: boolean, now: number): Guess | undefined {
    const known = this.#known.get(saga);
    if (known === TRIED || (known === undefined && !begins)) return undefined;
    this.#known.set(saga, TRIED);
    return known && now - known.updatedAt > BELIEVED_MS ? undefined : { before: known };
  }

  /** Of sagas as they were committed. What has ended, undoes another one or is parked is seldom asked for: it is locked. */
  keep(sagas: readonly Instance[]): void {
    for (const saga of sagas)
      if (isEnded(saga.status) || saga.status === 'PARKED' || saga.origin.deshace !== null)
        this.#known.delete(saga.id);
      else this.#known.set(saga.id, saga);
  }
}
