import type { Cancel, Runtime } from '../runtime.ts';
import type { Log, MessagingMetrics } from './metrics.ts';
import type { MessagingStore, OutboxRow } from './store.ts';

/**
 * A row that the bus refuses for good. It and the later ones of its key stay in the outbox until an operator frees it
 * (unpublished.ts); a restart tries again.
 */
export interface ParkedRow {
  readonly seq: number;
  readonly key: string;
  readonly topic: string;
  readonly id: string;
  readonly reason: string;
}

/** Of each key that is parked, the row that the bus refuses. */
export interface ParkedRows {
  /** Parks the row's key, with one alert. */
  park(row: OutboxRow, reason: string): void;
  has(key: string): boolean;
  list(): readonly ParkedRow[];
  /** Whoever publishes the outbox now tries them again: here they are parked no more. */
  forget(): void;
  /** Looks whether operators have freed some. It looks by itself too, as long as there are any. */
  look(): void;
  stop(): void;
}

export interface ParkedRowsOptions {
  readonly store: Pick<MessagingStore<unknown>, 'recordParked' | 'parkedSeqs'>;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly metrics: MessagingMetrics;
  /** Milliseconds between two looks. */
  readonly everyMs: number;
  /** Some keys are parked no more: what the outbox has of them is to be read. */
  freed(): void;
}

interface Parked {
  readonly row: ParkedRow;
  /** Whether it is written down: one that is written down no more was freed. */
  recorded: boolean;
}

/** Keeps what is parked in memory, and written down, so that operators see and free it at whichever replica they ask. */
export function parkedRows(options: ParkedRowsOptions): ParkedRows {
  const { store, runtime, log, metrics, everyMs, freed } = options;
  const parked = new Map<string, Parked>();
  let nextLook: Cancel | undefined;
  let stopped = false;

  const stands = (one: Parked): boolean => parked.get(one.row.key) === one;

  /** Writes down what is not yet, and goes on with what operators have freed. */
  async function look(): Promise<void> {
    nextLook?.();
    nextLook = undefined;
    const all = [...parked.values()];
    if (stopped || all.length === 0) return;
    try {
      const recorded = all.filter((one) => one.recorded);
      if (recorded.length > 0) {
        const standing = new Set(await store.parkedSeqs());
        const gone = recorded.filter((one) => stands(one) && !standing.has(one.row.seq));
        for (const { row } of gone) parked.delete(row.key);
        if (gone.length > 0) freed();
      }
      for (const one of all)
        if (stands(one) && !one.recorded) {
          await store.recordParked(one.row.seq, one.row.reason, new Date(runtime.now()));
          one.recorded = true;
        }
    } catch (error) {
      log.warn({ err: error }, 'parked messages could not be looked at: it is tried again');
    }
    if (!stopped && !nextLook && parked.size > 0) nextLook = runtime.after(everyMs, () => void look());
  }

  return {
    park({ seq, key, topic, id, props }, reason) {
      parked.set(key, { row: { seq, key, topic, id, reason }, recorded: false });
      metrics.parked('outbox', topic);
      log.error(
        { saga: props.r ?? key, message: id, contract: topic, seq, reason },
        'the bus refuses a message: its key is parked',
      );
      void look();
    },
    has: (key) => parked.has(key),
    list: () => [...parked.values()].map(({ row }) => row),
    forget: () => parked.clear(),
    look: () => void look(),
    stop() {
      stopped = true;
      nextLook?.();
    },
  };
}
