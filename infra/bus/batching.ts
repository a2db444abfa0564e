import type { Runtime } from '../runtime.ts';

/** Batches that one consumer has under way at once: while one commits, the next is read and decided. */
const BATCHES_UNDER_WAY = 2;

/** Below this a batch is not split in two: a transaction costs as much as the rows of so many messages. */
const SMALLEST_SPLIT = 48;

const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 5_000;

/**
 * How long a rejected batch waits before it is handed out again, in milliseconds: doubling, with jitter of a half.
 * @param attempt how often its most retried key has been rejected, from 1
 */
export const backoffMs = (attempt: number, random: number): number =>
  Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempt - 1)) * (0.5 + random / 2);

/** The messages of one key, in order. They leave it when they are acknowledged, so a rejected batch is still there. */
interface Lane<M> {
  readonly key: string;
  readonly messages: M[];
  /** How many, from the first, are in a batch under way. */
  taken: number;
  /** Rejections in a row. */
  rejections: number;
}

interface Batch<M> {
  readonly lanes: readonly Lane<M>[];
  readonly messages: readonly M[];
}

interface Taker<M> {
  readonly maxBatch: number;
  readonly handler: (batch: readonly M[]) => Promise<void>;
  /** An array: a Set that turns over keeps all that has passed through it from the young collector. */
  readonly underWay: Batch<M>[];
  readonly whenIdle: (() => void)[];
}

/** One consumer of a queue. */
export interface Attachment {
  /** Takes no further batch, and resolves when those under way have ended. */
  detach(): Promise<void>;
  /** Gives back what is under way at once, in its place, and ignores how it ends: the consumer is dead. */
  abandon(): void;
}

/** The unacknowledged messages of one subscription, and who takes batches of them. */
export interface BatchQueue<M> {
  push(message: M): void;
  attach(maxBatch: number, handler: (batch: readonly M[]) => Promise<void>): Attachment;
  /**
   * Removes what `isStale` says of and no batch under way has: a transport that has lost its connection gets it again.
   * @returns what was removed
   */
  discard(isStale: (message: M) => boolean): M[];
  /** The messages of the batches under way. */
  underWay(): Set<M>;
}

export interface BatchQueueOptions<M> {
  readonly runtime: Pick<Runtime, 'after' | 'random'>;
  /** Runs a task soon, in a turn of its own: what arrives in one turn is batched together, and nothing waits longer. */
  readonly schedule: (task: () => void) => void;
  /** Called when the handler of a batch has resolved, before its keys are handed out again. */
  acknowledged(batch: readonly M[]): void;
  /** Called when the handler of a batch has rejected. */
  rejected?(cause: unknown, retryInMs: number): void;
  /** Which of `ready` keys is taken next, 0 being the one that has waited longest. Only the simulation reorders. */
  choose?(ready: number): number;
}

/**
 * Makes batches of one subscription's messages; every transport shares it. It guarantees:
 * - a key is in one batch at a time, and its messages stand in order within it;
 * - a consumer has at most two batches under way;
 * - a batch holds at most `maxBatch` messages and about half of what is unacknowledged, so that two batches share
 *   the work (one that takes all leaves the other idle); nobody waits for a fuller batch;
 * - a rejected batch keeps its place in front, and its keys alone wait, longer after each rejection in a row.
 * Several consumers may be attached: they share by key, and a key moves between them only when nothing of it is
 * under way.
 */
export const batchQueue = <M extends { readonly key: string }>({
  runtime,
  schedule,
  acknowledged,
  rejected,
  choose,
}: BatchQueueOptions<M>): BatchQueue<M> => {
  const lanes = new Map<string, Lane<M>>();
  const takers: Taker<M>[] = [];
  const ready = new LaneOrder<M>();
  let unacknowledged = 0;
  let scheduled = false;

  /** Puts the lanes of a batch back in front, in their order, with their messages still in them. */
  const giveBack = (batch: Batch<M>): void => {
    for (const lane of batch.lanes.toReversed()) ready.addInFront(lane);
  };

  const idle = (taker: Taker<M>): void => {
    for (const resolve of taker.whenIdle.splice(0)) resolve();
  };

  const wake = (): void => {
    if (scheduled || ready.size === 0 || takers.length === 0) return;
    scheduled = true;
    schedule(handOut);
  };

  /** The consumer with the fewest batches under way, if it may have another. */
  const freeTaker = (): Taker<M> | undefined => {
    let free: Taker<M> | undefined;
    for (const taker of takers) {
      if (taker.underWay.length < (free?.underWay.length ?? BATCHES_UNDER_WAY)) free = taker;
    }
    return free;
  };

  const handOut = (): void => {
    scheduled = false;
    for (let taker = freeTaker(); taker && ready.size > 0; taker = freeTaker()) {
      const batch = takeBatch(taker.maxBatch);
      if (batch.messages.length > 0) void process(taker, batch);
    }
  };

  const takeBatch = (maxBatch: number): Batch<M> => {
    const share = Math.ceil(unacknowledged / (BATCHES_UNDER_WAY * takers.length));
    const limit = Math.min(maxBatch, Math.max(SMALLEST_SPLIT, share));
    const messages: M[] = [];
    const taken: Lane<M>[] = [];
    while (ready.size > 0 && messages.length < limit) {
      const lane = ready.take(choose?.(ready.size) ?? 0);
      if (lane.messages.length === 0) {
        lanes.delete(lane.key); // all of it was discarded
        continue;
      }
      lane.taken = Math.min(lane.messages.length, limit - messages.length);
      for (let i = 0; i < lane.taken; i++) messages.push(lane.messages[i] as M);
      taken.push(lane);
    }
    return { lanes: taken, messages };
  };

  const process = async (taker: Taker<M>, batch: Batch<M>): Promise<void> => {
    taker.underWay.push(batch);
    let rejection: { readonly cause: unknown } | undefined;
    try {
      await taker.handler(batch.messages);
    } catch (cause) {
      rejection = { cause };
    }
    const place = taker.underWay.indexOf(batch);
    if (place < 0) return; // abandoned meanwhile
    taker.underWay.splice(place, 1);
    if (rejection) backOff(batch, rejection.cause);
    else acknowledge(batch);
    if (taker.underWay.length === 0) idle(taker);
    wake();
  };

  const acknowledge = (batch: Batch<M>): void => {
    unacknowledged -= batch.messages.length;
    acknowledged(batch.messages);
    for (const lane of batch.lanes) {
      lane.messages.splice(0, lane.taken);
      lane.taken = 0;
      lane.rejections = 0;
      if (lane.messages.length > 0) ready.add(lane);
      else lanes.delete(lane.key);
    }
  };

  const backOff = (batch: Batch<M>, cause: unknown): void => {
    let attempt = 0;
    for (const lane of batch.lanes) {
      lane.taken = 0;
      attempt = Math.max(attempt, ++lane.rejections);
    }
    const ms = backoffMs(attempt, runtime.random());
    runtime.after(ms, () => {
      giveBack(batch);
      wake();
    });
    rejected?.(cause, ms);
  };

  return {
    push(message) {
      unacknowledged++;
      const lane = lanes.get(message.key);
      if (lane) {
        lane.messages.push(message);
        return;
      }
      const opened: Lane<M> = { key: message.key, messages: [message], taken: 0, rejections: 0 };
      lanes.set(message.key, opened);
      ready.add(opened);
      wake();
    },

    attach(maxBatch, handler) {
      const taker: Taker<M> = { maxBatch, handler, underWay: [], whenIdle: [] };
      takers.push(taker);
      wake();
      const leave = (): void => {
        const place = takers.indexOf(taker);
        if (place >= 0) takers.splice(place, 1);
      };
      return {
        detach() {
          leave();
          if (taker.underWay.length === 0) return Promise.resolve();
          return new Promise((resolve) => taker.whenIdle.push(resolve));
        },
        abandon() {
          leave();
          for (const batch of taker.underWay) {
            for (const lane of batch.lanes) lane.taken = 0;
            giveBack(batch);
          }
          taker.underWay.length = 0;
          idle(taker);
          wake();
        },
      };
    },

    discard(isStale) {
      const discarded: M[] = [];
      for (const lane of lanes.values()) {
        const kept = lane.messages.filter((message, place) => {
          if (place < lane.taken || !isStale(message)) return true;
          discarded.push(message);
          return false;
        });
        lane.messages.splice(0, lane.messages.length, ...kept);
      }
      unacknowledged -= discarded.length;
      return discarded;
    },

    underWay() {
      const messages = new Set<M>();
      for (const lane of lanes.values()) {
        for (let i = 0; i < lane.taken; i++) messages.add(lane.messages[i] as M);
      }
      return messages;
    },
  };
};

/** The keys that may be handed out, the one that has waited longest first. */
class LaneOrder<M> {
  #lanes: Lane<M>[] = [];
  #head = 0;

  get size(): number {
    return this.#lanes.length - this.#head;
  }

  add(lane: Lane<M>): void {
    this.#lanes.push(lane);
  }

  addInFront(lane: Lane<M>): void {
    if (this.#head > 0) this.#lanes[--this.#head] = lane;
    else this.#lanes.unshift(lane);
  }

  /** Removes the lane at `place`; the first one takes its place. */
  take(place: number): Lane<M> {
    const first = this.#lanes[this.#head] as Lane<M>;
    const lane = this.#lanes[this.#head + place] as Lane<M>;
    this.#lanes[this.#head + place] = first;
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#lanes.length) {
      this.#lanes = this.#lanes.slice(this.#head);
      this.#head = 0;
    }
    return lane;
  }
}
