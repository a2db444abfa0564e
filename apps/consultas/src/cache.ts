import type { Entry, Page, Ref, Versioned } from './item.ts';

/**
 * What a reader found out before it went to read: what it stores must be no older than that. `epoch` dies whenever a
 * cache was out of reach; `names` moves with each item that is created, renamed or deleted.
 */
export interface Token {
  readonly epoch: string;
  readonly names: string;
}

export interface Found<Kept> {
  /** Absent where the cache cannot be used: nothing is stored then. */
  readonly token?: Token;
  readonly kept?: Kept;
  /** How many milliseconds ago at most `kept` was true. */
  readonly ageMs: number;
}

/** News of consolidador: items changed, in these versions. */
export interface News {
  readonly versions: readonly Versioned[];
  /** Keys of refs that may mean another item from now on; with any of them no page is what it was. */
  readonly refs: readonly string[];
}

/**
 * Where consultas keeps what it read. None of it ever rejects: a cache that cannot be used finds nothing. What holds,
 * atomically for all replicas that share it:
 * - news drop what is older than they are, and nothing of that age is stored after them;
 * - what was read before the cache was out of reach, or was kept in it then, is never found again.
 */
export interface Cache {
  /** Whether it is asked without waiting. */
  readonly inProcess: boolean;
  start(): void;
  find(ref: Ref): Found<Entry> | Promise<Found<Entry>>;
  /** @param elapsedMs how long ago the read of `entry` began */
  store(token: Token, ref: Ref, entry: Entry, elapsedMs: number): void | Promise<void>;
  /** @param key what page it is */
  findPage(key: string): Found<Page> | Promise<Found<Page>>;
  storePage(token: Token, key: string, page: Page, elapsedMs: number): void | Promise<void>;
  learn(news: News): void | Promise<void>;
  /** Whether it can be used now. */
  usable(): boolean;
  close(): void;
}

/** The longest time that anything is kept, in milliseconds: by then every view of it is too old. */
export const keptMs = (ttl: { readonly itemMs: number; readonly stockMs: number }): number =>
  Math.max(ttl.itemMs, ttl.stockMs);
