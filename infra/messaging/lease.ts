import type { Cancel, Runtime } from '../runtime.ts';
import type { Log } from './metrics.ts';
import type { LeaseRow, MessagingStore } from './store.ts';

export interface LeaseSettings {
  /** Milliseconds for which a renewal is good. */
  readonly lastsMs: number;
  /** Milliseconds between two renewals. */
  readonly renewEveryMs: number;
  /** Milliseconds between two looks of those who would take it. */
  readonly lookEveryMs: number;
}

/** Whoever waits has it `lastsMs + lookEveryMs` after a holder was killed, and a few round trips. */
export const leaseDefaults: LeaseSettings = { lastsMs: 3_000, renewEveryMs: 750, lookEveryMs: 500 };

export interface LeaseOptions {
  readonly store: Pick<MessagingStore<unknown>, 'lease' | 'takeLease' | 'renewLease' | 'releaseLease'>;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly settings?: Partial<LeaseSettings>;
}

export interface LeaseListener {
  /** From now on nobody else holds it, unless this process falls silent for longer than the lease lasts. */
  taken(): void;
  /** It was not renewed in time, or somebody else has it. */
  lost(): void;
}

/** The right to publish the outbox of a database: of all processes that serve it one has it at a time. */
export interface Lease {
  /** Tries to have it from now on, until `release`. */
  start(listener: LeaseListener): void;
  /** By this process's own clock: also right when it has just woken from a pause, before any timer has run. */
  held(): boolean;
  /** Somebody says that it may be free. */
  look(): void;
  /** Gives it back, so that the next one has it at once; it is not taken again. */
  release(): Promise<void>;
}

/**
 * A lease that compares no clocks of different machines. The holder renews it by counting a number up, and counts on
 * nothing later than `lastsMs` after it *sent* the last renewal that was answered. Who waits watches the number, and
 * takes the lease once it has stood still for `lastsMs` after it was *read*: so never before the holder has given up,
 * whatever their clocks show, as long as they run equally fast.
 *
 * A holder that was frozen in the midst of publishing can go on with that one call after another has taken over.
 * It only duplicates, in order per key: what it publishes are rows that it read in order, from the lowest.
 */
export function createLease({ store, runtime, log, settings: given }: LeaseOptions): Lease {
  const settings = { ...leaseDefaults, ...given };
  const owner = runtime.uuid();
  let listener: LeaseListener | undefined;
  let token: number | undefined;
  /** Epoch milliseconds of this process's clock; the lease is held before it. */
  let until = Number.NEGATIVE_INFINITY;
  let holding = false;
  /** What the row said last, and when that was first read. */
  let seen: LeaseRow | undefined;
  let seenAt = 0;
  let ended = false;
  let turning = false;
  let again = false;
  let failing = false;
  let nextTurn: Cancel = () => {};
  let expiry: Cancel = () => {};

  const held = (): boolean => holding && runtime.now() < until;

  const hold = (sentAt: number): void => {
    expire(); // it may have run out before its timer ran: whoever listens must know
    until = sentAt + settings.lastsMs;
    expiry();
    expiry = runtime.after(Math.max(0, until - runtime.now()), expire);
    if (holding || runtime.now() >= until) return;
    holding = true;
    log.info({ owner, token }, 'publishes the outbox from now on');
    listener?.taken();
  };

  function drop(reason: string): void {
    expiry();
    if (!holding) return;
    holding = false;
    log.warn({ owner, token, reason }, 'no longer publishes the outbox');
    listener?.lost();
  }

  /** The lease may still be ours, but nothing says so: the renewals are not answered. */
  function expire(): void {
    if (!held()) drop('the lease could not be renewed in time');
  }

  /** @returns milliseconds until the next turn */
  const renew = async (mine: number): Promise<number> => {
    const sentAt = runtime.now();
    if (await store.renewLease(owner, mine)) {
      if (!ended) hold(sentAt);
      return held() ? settings.renewEveryMs : 0;
    }
    token = undefined;
    seen = undefined;
    drop('another process has the lease');
    return settings.lookEveryMs;
  };

  /** @returns milliseconds until the next turn */
  const watch = async (): Promise<number> => {
    const row = await store.lease();
    const now = runtime.now();
    if (!seen || row?.token !== seen.token || row.renewals !== seen.renewals || row.owner !== seen.owner) {
      seen = row;
      seenAt = now;
    }
    const left = row === undefined || row.owner === '' ? 0 : seenAt + row.lastsMs - now;
    if (left > 0) return Math.min(left, settings.lookEveryMs);
    if (ended) return settings.lookEveryMs;
    const sentAt = runtime.now();
    token = await store.takeLease(owner, settings.lastsMs, row);
    if (token === undefined) return settings.lookEveryMs;
    if (ended) await store.releaseLease(owner, token);
    else hold(sentAt);
    return held() ? settings.renewEveryMs : 0;
  };

  async function turn(): Promise<void> {
    let ms = settings.lookEveryMs;
    try {
      ms = await (token === undefined ? watch() : renew(token));
      failing = false;
    } catch (error) {
      if (!failing && !ended) log.warn({ err: error }, 'the lease of the outbox could not be looked at');
      failing = true;
    }
    turning = false;
    if (ended) return;
    nextTurn = runtime.after(again ? 0 : ms, begin);
    again = false;
  }

  function begin(): void {
    nextTurn();
    turning = true;
    void turn();
  }

  return {
    held,
    start(listening) {
      listener = listening;
      begin();
    },
    look() {
      if (!listener || ended || token !== undefined) return;
      if (turning) again = true;
      else begin();
    },
    async release() {
      ended = true;
      nextTurn();
      expiry();
      holding = false;
      const mine = token;
      token = undefined;
      if (mine === undefined) return;
      await store
        .releaseLease(owner, mine)
        .catch((error: unknown) => log.warn({ err: error }, 'the lease of the outbox is left to expire'));
    },
  };
}
