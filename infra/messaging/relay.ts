import type { Bus, BusMessage } from '../bus/bus.ts';
import type { Cancel, Runtime } from '../runtime.ts';
import { type Backoff, backoffMs } from './backoff.ts';
import type { Lease } from './lease.ts';
import type { Log, MessagingMetrics } from './metrics.ts';
import { OpenTickets } from './open-tickets.ts';
import { outboxDeletes } from './outbox-deletes.ts';
import { type ParkedRow, parkedRows } from './parked-rows.ts';
import type { MessagingStore, OutboxRow } from './store.ts';
import { toBusMessage } from './wire.ts';

export interface RelaySettings {
  /** Rows kept in memory; what is beyond waits in the outbox for a sweep. */
  readonly capacity: number;
  /** Rows of one key in one publish call. */
  readonly maxBatch: number;
  /** Milliseconds between two sweeps. */
  readonly sweepEveryMs: number;
  /** Milliseconds that durable rows wait to be deleted together. */
  readonly deleteAfterMs: number;
  /** Milliseconds between two reads of the outbox where other processes write to it, at the least. */
  readonly readEveryMs: number;
  readonly backoff: Backoff;
}

export const relayDefaults: RelaySettings = {
  capacity: 20_000,
  maxBatch: 500,
  sweepEveryMs: 10_000,
  deleteAfterMs: 100,
  readEveryMs: 3,
  backoff: { firstMs: 50, mostMs: 5_000 },
};

/** Among so many known rows a read looks for new ones in a millisecond: the more there are, the more seldom it does. */
const KNOWN_ROWS_A_MS = 100;

export interface RelayOptions {
  readonly store: Pick<MessagingStore<unknown>, 'sweep' | 'deletePublished' | 'recordParked' | 'parkedSeqs'>;
  readonly bus: Pick<Bus, 'publish'>;
  /** The emitter of all rows of this database, as in `ce-source`. */
  readonly service: string;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly metrics: MessagingMetrics;
  readonly settings?: Partial<RelaySettings>;
  /** Where several processes serve this database; without it this one is alone. */
  readonly replicas?: {
    readonly lease: Lease;
    /** Tells the others that there is something in the outbox; may be lost. */
    written(): void;
    /** Tells the others that the lease is free; may be lost. */
    released(): void;
  };
}

/** A transaction that is about to write rows to the outbox. Exactly one of its methods is called, once it is over. */
export interface Ticket {
  committed(rows: readonly OutboxRow[]): void;
  /** `unknown`: it may have been committed all the same (the connection was lost). */
  abandoned(outcome: 'rolled-back' | 'unknown'): void;
}

export interface Relay {
  /** Begins to publish, with the lease where there is one. What the outbox holds from before comes first. */
  start(): void;
  /** Others have written to the outbox, or may have. */
  wake(): void;
  /** Tells of a transaction that is about to draw seqs for rows of `keys`. */
  announce(keys: readonly string[]): Ticket;
  /** Rows in memory that are not durable yet, parked ones left out. */
  pending(): number;
  parked(): readonly ParkedRow[];
  /** Operators have freed parked rows, or may have. It looks by itself too, as often as it sweeps. */
  reconsider(): void;
  /** Publishes what is left, at most for `limitMs`, gives the lease back, and stops. @returns how many rows stay behind */
  drain(limitMs: number): Promise<number>;
}

interface Queued {
  readonly row: OutboxRow;
  /** The newest ticket when it came. Older ones of its key that are open may hold lower seqs. */
  readonly after: number;
  /** The read of the outbox that must be over first: one that began after the row was committed. 0 for none. */
  readonly read: number;
}

interface Lane {
  readonly key: string;
  /** In seq order; what is being published comes first. */
  queue: Queued[];
  publishing: number;
  failures: number;
  retry?: Cancel | undefined;
}

/**
 * Publishes the outbox, in order per key, holding no transaction meanwhile. A row goes only when no lower seq of its
 * key is unpublished:
 * - one publish call per key is under way, and it takes the key's rows from the lowest;
 * - of two commits the later may be read first. A transaction announces its keys before it draws its seqs, so each one
 *   that can hold a lower seq than a row has been announced when the row comes: the row waits until they are over;
 * - a commit of unknown outcome makes its keys suspect: the next row of such a key brings a sweep before it, which
 *   sees the lost one, since whoever wrote that row had to wait for the other's locks;
 * - nothing is published while a sweep reads, and rows come in by seq whichever way they come.
 *
 * Where several processes serve the database, the one that has the lease publishes the rows of all. Of a key's rows a
 * lower one may then be another process's, so tickets do not tell enough: a row of its own waits besides until the
 * outbox has been read once after its commit. What that one snapshot shows is complete: whoever wrote a row had to wait
 * for the commit of every lower one of its key. It holds what is new only, and nothing else waits for it.
 * A holder that has lost the lease forgets what it has not published; see lease.ts for why a late call is harmless.
 */
export function createRelay(options: RelayOptions): Relay {
  const { store, bus, service, runtime, log, metrics, replicas } = options;
  const settings = { ...relayDefaults, ...options.settings };
  const lanes = new Map<string, Lane>();
  /** Seqs that are queued, or published and not deleted yet: a sweep must not bring them a second time. */
  const known = new Set<number>();
  const tickets = new OpenTickets();
  const suspects = new Set<string>();
  let pending = 0;
  let started = false;
  let stopped = false;
  let draining: (() => void) | undefined;
  /** Rows beyond the capacity are left in the outbox, so newer ones must not be taken before them. */
  let overflowed = false;
  /** Whether rows are kept in memory and published: always where this process is alone. */
  let leading = replicas === undefined;
  /** Grows each time that the lease is taken: a read that began before tells nothing. */
  let term = 0;
  let readsBegun = 0;
  let readsOver = 0;
  /** Until the outbox has been read, and read again where that was asked for meanwhile. */
  let sweeping = false;
  /** Whether a read is under way, or failed and is tried again. */
  let reading = false;
  let readAt = Number.NEGATIVE_INFINITY;
  let sweepAgain = false;
  /** A drain has begun where others publish too: what comes is left to them. */
  let yielding = false;
  let nextSweep: Cancel | undefined;
  let deletedMeanwhile: number[] = [];

  const deletes = outboxDeletes({
    store,
    runtime,
    log,
    afterMs: settings.deleteAfterMs,
    againMs: settings.backoff.mostMs / 5,
    over(seqs) {
      // A sweep that began before the delete may still bring them.
      if (sweeping) deletedMeanwhile.push(...seqs);
      else for (const seq of seqs) known.delete(seq);
      refill();
      settle();
    },
  });

  const parked = parkedRows({
    store,
    runtime,
    log,
    metrics,
    everyMs: settings.sweepEveryMs,
    freed: () => sweep(),
  });

  const laneOf = (key: string): Lane => {
    const lane = lanes.get(key) ?? { key, queue: [], publishing: 0, failures: 0 };
    lanes.set(key, lane);
    return lane;
  };

  const accept = (row: OutboxRow, read = 0): void => {
    if (parked.has(row.key) || known.has(row.seq)) return;
    const lane = laneOf(row.key);
    known.add(row.seq);
    pending += 1;
    const queued = { row, after: tickets.newest, read };
    const last = lane.queue.at(-1);
    lane.queue.push(queued);
    if (last && last.row.seq > row.seq) {
      const published = lane.queue.slice(0, lane.publishing);
      lane.queue = [...published, ...lane.queue.slice(lane.publishing).sort((a, b) => a.row.seq - b.row.seq)];
    }
  };

  const isReady = (key: string, { after, read }: Queued): boolean => {
    if (read > readsOver) return false;
    return tickets.closedUpTo(key, after);
  };

  const pump = (lane: Lane): void => {
    if (!started || stopped || lane.publishing > 0 || lane.retry) return;
    if (replicas ? !leading || !replicas.lease.held() : sweeping) return;
    let ready = 0;
    for (const queued of lane.queue) {
      if (ready === settings.maxBatch || !isReady(lane.key, queued)) break;
      ready += 1;
    }
    if (ready > 0) void publish(lane, ready);
    else if (lane.queue.length === 0) lanes.delete(lane.key);
  };

  const pumpAll = (): void => {
    for (const lane of [...lanes.values()]) pump(lane);
  };

  async function publish(lane: Lane, count: number): Promise<void> {
    lane.publishing = count;
    const messages: BusMessage[] = [];
    for (let i = 0; i < count; i++) messages.push(toBusMessage((lane.queue[i] as Queued).row, service));
    const settled = await bus.publish(messages);
    lane.publishing = 0;
    if (stopped) return;
    let done = 0;
    while (settled[done]?.status === 'durable') done += 1;
    const after = lane.queue[done]?.row;
    const published = lane.queue.splice(0, done);
    pending -= done;
    if (done > 0) {
      metrics.published(done);
      deletes.add(published.map(({ row }) => row.seq));
    }
    if (!leading) forgetUnpublished(lane);
    const first = leading ? settled[done] : undefined;
    if (first?.status === 'refused') park(lane, after as OutboxRow, first.reason);
    else if (first?.status === 'retryable') retryLater(lane, first.reason);
    else lane.failures = 0;
    pump(lane);
    refill();
    settle();
  }

  /** What is under way stays until it is answered: its rows may become durable, and are deleted then. */
  function forgetUnpublished(lane: Lane): void {
    for (const { row } of lane.queue.splice(lane.publishing)) {
      known.delete(row.seq);
      pending -= 1;
    }
    lane.retry?.();
    lane.retry = undefined;
    lane.failures = 0;
    if (lane.queue.length === 0) lanes.delete(lane.key);
  }

  const lead = (): void => {
    leading = true;
    term += 1;
    sweep();
  };

  const follow = (): void => {
    leading = false;
    overflowed = false;
    suspects.clear();
    nextSweep?.();
    for (const lane of [...lanes.values()]) forgetUnpublished(lane);
    parked.forget();
    settle();
  };

  function retryLater(lane: Lane, reason: string): void {
    if (lane.failures === 0) log.warn({ key: lane.key, reason }, 'could not publish: it is tried again');
    const ms = backoffMs(settings.backoff, lane.failures, runtime);
    lane.failures += 1;
    lane.retry = runtime.after(ms, () => {
      lane.retry = undefined;
      pump(lane);
    });
  }

  /** The key's rows stay in the outbox, and are taken from there once it is freed. */
  function park(lane: Lane, row: OutboxRow, reason: string): void {
    for (const queued of lane.queue) known.delete(queued.row.seq);
    pending -= lane.queue.length;
    lane.queue = [];
    lanes.delete(lane.key);
    parked.park(row, reason);
  }

  /** Brings what was left in the outbox once there is room. */
  const refill = (): void => {
    if (overflowed && !sweeping && known.size <= settings.capacity / 2) sweep();
  };

  function sweep(): void {
    if (stopped || !leading) return;
    sweepAgain = reading;
    if (sweeping) return;
    sweeping = true;
    nextSweep?.();
    nextSweep = undefined;
    readSoon();
  }

  /** Others may write all the time: a read takes what has gathered since the last one. */
  function readSoon(): void {
    const pause = replicas ? settings.readEveryMs + known.size / KNOWN_ROWS_A_MS : 0;
    const ms = readAt + pause - runtime.now();
    if (ms > 0) runtime.after(ms, () => void readOutbox(0));
    else void readOutbox(0);
  }

  async function readOutbox(attempt: number): Promise<void> {
    if (stopped || !leading) {
      sweeping = false;
      return settle();
    }
    reading = true;
    // Where others write, what is known is not read again. Even without room one row is: all that is newer makes some.
    const limit = replicas ? Math.max(1, settings.capacity - known.size) : settings.capacity;
    const parkedKeys = parked.list().map(({ key }) => key);
    // From here on what is committed is taken in again: the snapshot may not have it.
    overflowed = false;
    readsBegun += 1;
    const [read, inTerm] = [readsBegun, term];
    let rows: OutboxRow[];
    try {
      rows = await (replicas ? store.sweep(limit, parkedKeys, known) : store.sweep(limit, parkedKeys));
    } catch (error) {
      if (stopped) return;
      if (attempt === 0) log.warn({ err: error }, 'the outbox could not be read: it is tried again');
      runtime.after(backoffMs(settings.backoff, attempt, runtime), () => void readOutbox(attempt + 1));
      return;
    }
    if (stopped) return;
    reading = false;
    readAt = runtime.now();
    const current = leading && inTerm === term;
    if (current) {
      for (const row of rows) accept(row);
      if (rows.length === limit) leaveBehind((rows.at(-1) as OutboxRow).seq);
      readsOver = read;
    }
    for (const seq of deletedMeanwhile) known.delete(seq);
    deletedMeanwhile = [];
    if (sweepAgain || !current) {
      sweepAgain = false;
      if (replicas) pumpAll();
      return readSoon();
    }
    sweeping = false;
    nextSweep = runtime.after(settings.sweepEveryMs, sweep);
    pumpAll();
    refill();
    settle();
  }

  /** There may be more rows than the snapshot holds: what is newer must wait for them in the outbox. */
  function leaveBehind(newest: number): void {
    overflowed = true;
    for (const lane of lanes.values()) {
      const kept = lane.queue.filter(({ row }, i) => i < lane.publishing || row.seq <= newest);
      if (kept.length === lane.queue.length) continue;
      for (const { row } of lane.queue) known.delete(row.seq);
      for (const { row } of kept) known.add(row.seq);
      pending -= lane.queue.length - kept.length;
      lane.queue = kept;
    }
  }

  const settle = (): void => {
    const read = replicas ? true : !overflowed && !sweeping;
    if (draining && pending === 0 && read && deletes.idle()) draining();
  };

  return {
    start() {
      started = true;
      if (replicas) replicas.lease.start({ taken: lead, lost: follow });
      else sweep();
    },
    wake() {
      if (!yielding) sweep();
    },
    announce(announced) {
      const keys = new Set(announced);
      const ticket = tickets.open(keys);
      const pumpKeys = (): void => {
        for (const key of keys) {
          const lane = lanes.get(key);
          if (lane) pump(lane);
        }
      };
      return {
        committed(rows) {
          tickets.close(ticket, keys);
          if (replicas && (stopped || yielding || !leading)) return replicas.written();
          if (stopped) return;
          const full = known.size + rows.length > settings.capacity;
          if (!overflowed && full && (replicas || !sweeping)) overflowed = true;
          if (!overflowed) for (const row of rows) accept(row, replicas ? readsBegun + 1 : 0);
          if (replicas) sweep();
          for (const key of keys) if (suspects.delete(key)) sweep();
          pumpKeys();
        },
        abandoned(outcome) {
          tickets.close(ticket, keys);
          if (outcome === 'unknown') {
            if (replicas && (stopped || yielding || !leading)) return replicas.written();
            for (const key of keys) suspects.add(key);
            if (started) sweep();
          }
          pumpKeys();
        },
      };
    },
    pending: () => pending,
    parked: parked.list,
    reconsider: parked.look,
    async drain(limitMs) {
      yielding = replicas !== undefined;
      if (started && !stopped) {
        let cancel: Cancel = () => {};
        await new Promise<void>((resolve) => {
          draining = resolve;
          cancel = runtime.after(limitMs, resolve);
          settle();
        });
        cancel();
      }
      stopped = true;
      deletes.stop();
      nextSweep?.();
      parked.stop();
      for (const lane of lanes.values()) lane.retry?.();
      if (replicas) {
        await replicas.lease.release();
        replicas.released();
      }
      return pending;
    },
  };
}
