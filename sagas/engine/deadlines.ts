import type { Log } from '@cordada/infra/messaging/metrics.ts';
import type { Cancel, Runtime } from '@cordada/infra/runtime.ts';
import type { Wake } from './store.ts';

export interface DeadlineSettings {
  /** Milliseconds between two looks at the store; wakes of other replicas, and what a crash left, are found so. */
  readonly sweepMs: number;
  /** Milliseconds before a deadline is looked at again for which the subscription has not caught up. */
  readonly behindMs: number;
  /** Milliseconds past a deadline, or past the start, after which it fires even though the subscription lags. */
  readonly patienceMs: number;
  /** Sagas in one transaction. */
  readonly batch: number;
}

const deadlineDefaults: DeadlineSettings = {
  sweepMs: 5_000,
  behindMs: 250,
  patienceMs: 60_000,
  batch: 50,
};

export interface DeadlineOptions {
  upcoming(limit: number): Promise<readonly Wake[]>;
  /** Whether all that was published before `instant` has been handled. */
  caughtUp(instant: number): Promise<boolean>;
  /** Lets sagas know that time has passed, in one transaction. */
  wake(ids: readonly string[]): Promise<void>;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly settings?: Partial<DeadlineSettings>;
}

export interface Deadlines {
  start(): void;
  /** A saga is to be looked at then (epoch milliseconds). */
  expect(at: number): void;
  /** These sagas may go on at once. */
  now(ids: readonly string[]): void;
  /** Stops, and waits for what is under way. */
  close(): Promise<void>;
}

/**
 * The clock of the sagas. A deadline fires once its subscription has caught up past it, since after a downtime the
 * answers wait in the backlog; but not for ever: that is a courtesy, and safety does not depend on it. Firing early,
 * late or twice does no harm: the locked saga knows whether anything is due.
 */
export function deadlines(options: DeadlineOptions): Deadlines {
  const { runtime, log } = options;
  const settings = { ...deadlineDefaults, ...options.settings };
  let cancel: Cancel = () => {};
  let next = Number.POSITIVE_INFINITY;
  let running: Promise<void> | undefined;
  let open = false;
  let openedAt = Number.POSITIVE_INFINITY;
  let missed = false;
  let turns = new Set<string>();
  /** Sagas whose wake failed, and until when they are left alone: they must not keep the others from theirs. */
  const failed = new Map<string, number>();

  const schedule = (at: number): void => {
    if (!open || at >= next) return;
    cancel();
    next = at;
    cancel = runtime.after(Math.max(0, at - runtime.now()), () => {
      next = Number.POSITIVE_INFINITY;
      if (running !== undefined) missed = true;
      else
        running = look().finally(() => {
          running = undefined;
        });
    });
  };

  const look = async (): Promise<void> => {
    let again = runtime.now() + settings.sweepMs;
    try {
      again = Math.min(again, await fire());
    } catch (error) {
      log.error({ err: error }, 'deadlines could not be looked at; they are looked at again');
    }
    schedule(missed ? runtime.now() : again);
    missed = false;
  };

  /** @returns when to look again, epoch milliseconds */
  const fire = async (): Promise<number> => {
    const told = [...turns];
    turns = new Set();
    const now = runtime.now();
    for (const [id, until] of failed) if (until <= now) failed.delete(id);
    const first = await options.upcoming(settings.batch + 1 + failed.size);
    const upcoming = first.filter(({ id }) => !failed.has(id));
    const due = upcoming.filter(({ at }) => at <= now).slice(0, settings.batch);
    const ready = await readyOf(due, now);
    const ids = [...new Set([...told, ...ready.map(({ id }) => id)])].sort();
    if (ids.length > 0) await wakeAll(ids);
    if (ready.length < due.length) return now + settings.behindMs;
    if (upcoming.length > due.length && due.length === settings.batch) return now;
    return upcoming.find(({ at }) => at > now)?.at ?? Number.POSITIVE_INFINITY;
  };

  const readyOf = async (due: readonly Wake[], now: number): Promise<readonly Wake[]> => {
    const [earliest] = due;
    const latest = due.at(-1);
    if (!earliest || !latest) return [];
    if (await options.caughtUp(latest.at)) return due;
    if (earliest !== latest && (await options.caughtUp(earliest.at)))
      return due.filter(({ at }) => at <= earliest.at);
    // Patience begins with the service: after a downtime what is overdue has all of its backlog still to be read.
    return due.filter(({ at }) => Math.max(at, openedAt) <= now - settings.patienceMs);
  };

  /** All of them in one transaction; where that fails each in its own, so that one does not stop the others. */
  const wakeAll = async (ids: readonly string[]): Promise<void> => {
    try {
      await options.wake(ids);
    } catch (error) {
      if (ids.length > 1) {
        for (const id of ids) await wakeAll([id]);
        return;
      }
      log.error({ err: error, saga: ids[0] }, 'a deadline could not be handled; it is tried again');
      failed.set(ids[0] as string, runtime.now() + settings.sweepMs);
    }
  };

  return {
    start() {
      open = true;
      openedAt = runtime.now();
      schedule(runtime.now());
    },
    expect: schedule,
    now(ids) {
      for (const id of ids) turns.add(id);
      schedule(runtime.now());
    },
    async close() {
      open = false;
      cancel();
      await running;
    },
  };
}
