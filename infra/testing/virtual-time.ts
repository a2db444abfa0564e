import { createHash } from 'node:crypto';
import type { Cancel, Runtime } from '../runtime.ts';
import { uuidSequence } from '../uuid-v7.ts';
import { type SeededRandom, seededRandom } from './seeded-random.ts';

/** An operation that takes so long in real time awaits virtual time, which stands still meanwhile. */
const OPERATION_PATIENCE_MS = 60_000;

/** Turns of Node's loop in which what follows from the last event may still make another (a library's `setImmediate`). */
const TURNS_BEFORE_QUIESCENCE = 16;

/** Events between two turns of Node's loop where an event needs none. */
const EVENTS_A_TURN = 64;

/** Lines of the log that are hashed at once. */
const LINES_PER_HASH = 512;

export interface VirtualTimeOptions {
  /** A whole number: it alone decides the run. */
  readonly seed: number;
  /** The first instant, in epoch milliseconds. */
  readonly start?: number;
  /** How long an I/O takes, on its way and on its way back together: 0 to this, in virtual milliseconds. */
  readonly slowestIoMs?: number;
  /**
   * What runs on it awaits promises only: no library's `setImmediate` or `nextTick`, no real I/O. Then what follows from
   * an event is over when its microtasks are, and no event costs a turn of Node's loop, which is a fifth of a run.
   */
  readonly promisesOnly?: boolean;
  /** How many of the log's last lines are kept for `tail`. */
  readonly keepLines?: number;
  /** Is given each line of the log. */
  readonly onLine?: (line: string) => void;
}

export interface RunOptions {
  /** The run ends when this holds; it is asked after each event. */
  readonly until?: () => boolean;
  /** The run ends before the first event that is later than so many milliseconds after its beginning. */
  readonly horizonMs?: number;
}

/**
 * Why a run ended: `until` held, the horizon came, or no event was left (only where no `until` was given: what it
 * waits for can then never come, and the run rejects).
 */
export type RunEnd = 'until' | 'horizon' | 'quiescent';

/**
 * Runs `operation`, which may be really asynchronous but must not await virtual time, at an instant that the seed
 * chooses, wholly, before anything else runs; its outcome arrives at a later instant that the seed chooses.
 */
export type Io = <T>(label: string, operation: () => T | Promise<T>) => Promise<T>;

/** One life of a process, from its start to its crash. */
export interface Incarnation {
  readonly name: string;
  readonly runtime: Runtime;
  readonly io: Io;
  readonly alive: boolean;
  /**
   * Calls `operation`, which may await virtual time (the bus), for this process: after a crash it is not called, and
   * what it resolves or rejects with never arrives.
   */
  call<T>(operation: () => Promise<T>): Promise<T>;
  /** Called once, in the crash: what the rest of the world sees of it (its connections end). */
  onCrash(task: () => void): void;
  /**
   * Kills it: its timers never fire, what it awaits never resolves, what it begins from now on never happens. An I/O
   * whose operation has run keeps its effect; one that has not begun never does.
   */
  crash(): void;
  /**
   * Freezes it, as SIGSTOP does: what it has sent takes its course, its clock goes on, and nothing else of it happens
   * until `resume`.
   */
  pause(): void;
  /** What came due meanwhile happens now, in an order that the seed chooses. */
  resume(): void;
}

export interface VirtualTime {
  /** The clock and chance of what outlives every crash, such as the bus. */
  readonly runtime: Runtime;
  readonly io: Io;
  /** For the workload and the faults; fork it by purpose, so that one's draws do not shift another's. */
  readonly random: SeededRandom;
  /** Runs `task` in `ms` milliseconds; when it throws or rejects, the run rejects. */
  schedule(label: string, ms: number, task: () => void | Promise<void>): Cancel;
  incarnation(name: string): Incarnation;
  /** Adds a line to the log, which begins with the virtual time that has passed. */
  log(line: string): void;
  /** SHA-256 of the log so far, hexadecimal. */
  hash(): string;
  /** The last lines of the log. */
  tail(): readonly string[];
  /** Events that have run. */
  readonly events: number;
  /**
   * Runs events until `options` say that it is enough; may be called again.
   * @throws Error of the first task that failed; or when no event is left and `until` does not hold
   */
  run(options?: RunOptions): Promise<RunEnd>;
}

interface Event {
  readonly at: number;
  /** Chosen by the seed: orders the events of one instant. */
  readonly tie: number;
  readonly label: string;
  /** What it answers with a promise must end, in real time, before the next event. */
  readonly task: () => undefined | Promise<void>;
  cancelled: boolean;
}

/**
 * The simulation's kernel: a whole fleet in one process, on a clock that jumps from event to event. One event runs at
 * a time, then all that follows from it without time passing (microtasks), then the next; the seed orders what falls
 * on one instant and decides how long I/O takes. So the same seed runs the same events and writes the same log, as
 * long as what runs on it takes time and chance from its runtime only, and reaches real I/O through `io` only.
 */
export const virtualTime = (options: VirtualTimeOptions): VirtualTime => {
  const start = options.start ?? Date.UTC(2030, 0, 1);
  const slowestIoMs = options.slowestIoMs ?? 8;
  const keepLines = options.keepLines ?? 500;
  const random = seededRandom(options.seed);
  const order = random.fork('order');
  const latency = random.fork('latency');
  const heap = eventHeap();
  const hash = createHash('sha256');
  let unhashed: string[] = [];
  let kept: string[] = [];
  let now = start;
  // One sequence for all processes: two that act in one millisecond still make ids in the order in which they act, so
  // that the order of ids tells the order of messages whichever replica wrote them.
  const uuid = uuidSequence(() => now, random.fork('ids').fill);
  let events = 0;
  let incarnations = 0;
  let failure: { readonly cause: unknown } | undefined;

  const log = (text: string): void => {
    const line = `${now - start} ${text}`;
    unhashed.push(line);
    if (unhashed.length === LINES_PER_HASH) flush();
    options.onLine?.(line);
  };

  const flush = (): void => {
    if (unhashed.length === 0) return;
    hash.update(`${unhashed.join('\n')}\n`);
    kept = [...kept, ...unhashed].slice(-keepLines);
    unhashed = [];
  };

  const fail = (cause: unknown): void => {
    failure ??= { cause };
  };

  const at = (ms: number, label: string, task: Event['task']): Cancel => {
    if (Number.isNaN(ms)) throw new Error(`${label}: not a number of milliseconds`);
    const event = { at: now + Math.max(0, Math.ceil(ms)), tie: order.next(), label, task, cancelled: false };
    heap.push(event);
    return () => {
      event.cancelled = true;
    };
  };

  /** A runtime whose tasks run only while `alive`, and through `gate`. */
  const runtimeOf = (
    label: string,
    chance: SeededRandom,
    alive: () => boolean,
    gate: (task: () => void) => void,
  ): Runtime => ({
    now: () => now,
    after(ms, task) {
      if (!alive()) return () => {};
      let cancelled = false;
      const run = (): void => {
        if (alive() && !cancelled) task();
      };
      const cancel = at(ms, `${label} timer`, () => {
        gate(run);
        return undefined;
      });
      return () => {
        cancelled = true;
        cancel();
      };
    },
    random: chance.next,
    uuid,
  });

  const ioOf =
    (owner: string, alive: () => boolean, gate: (task: () => void) => void): Io =>
    (label, operation) =>
      new Promise((resolve, reject) => {
        const send = (): void => {
          if (!alive()) return;
          const whole = latency.below(slowestIoMs + 1);
          const there = latency.below(whole + 1);
          const named = `${owner} ${label}`;
          const answer = (give: () => void): void => {
            at(whole - there, `${named} answers`, () => {
              gate(() => {
                if (alive()) give();
              });
              return undefined;
            });
          };
          at(there, named, async () => {
            if (!alive()) return;
            try {
              const result = await withinPatience(named, operation);
              answer(() => resolve(result));
            } catch (cause) {
              answer(() => reject(cause));
            }
          });
        };
        gate(send);
      });

  const withinPatience = async <T>(label: string, operation: () => T | Promise<T>): Promise<T> => {
    let patience: NodeJS.Timeout | undefined;
    const exhausted = new Promise<never>((_, reject) => {
      patience = setTimeout(() => {
        const cause = new Error(`${label} has not ended: does it await virtual time?`);
        fail(cause);
        reject(cause);
      }, OPERATION_PATIENCE_MS);
    });
    try {
      return await Promise.race([operation(), exhausted]);
    } finally {
      clearTimeout(patience);
    }
  };

  const incarnation = (name: string): Incarnation => {
    const label = `${name}#${++incarnations}`;
    const atCrash: (() => void)[] = [];
    let alive = true;
    let paused: (() => void)[] | undefined;
    const isAlive = (): boolean => alive;
    const gate = (task: () => void): void => {
      if (paused) paused.push(task);
      else task();
    };
    return {
      name: label,
      runtime: runtimeOf(label, random.fork(label), isAlive, gate),
      io: ioOf(label, isAlive, gate),
      get alive() {
        return alive;
      },
      call: (operation) =>
        new Promise((resolve, reject) => {
          if (!alive) return;
          operation().then(
            (result) => gate(() => alive && resolve(result)),
            (cause) => gate(() => alive && reject(cause)),
          );
        }),
      onCrash(task) {
        atCrash.push(task);
      },
      crash() {
        if (!alive) return;
        alive = false;
        log(`${label} crashes`);
        for (const task of atCrash.splice(0)) task();
      },
      pause() {
        if (!alive || paused) return;
        log(`${label} is frozen`);
        paused = [];
      },
      resume() {
        if (!paused) return;
        log(`${label} wakes`);
        const tasks = paused;
        paused = undefined;
        for (const task of tasks)
          at(0, `${label} catches up`, () => {
            gate(task);
            return undefined;
          });
      },
    };
  };

  const run = ({ until, horizonMs = Number.POSITIVE_INFINITY }: RunOptions = {}): Promise<RunEnd> => {
    const horizon = now + horizonMs;
    let idleTurns = 0;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        // A tick that a microtask asks for comes once no microtask is left.
        if (options.promisesOnly && events % EVENTS_A_TURN > 0 && idleTurns === 0)
          queueMicrotask(() => process.nextTick(turn));
        else setImmediate(turn);
      };
      const turn = (): void => {
        try {
          if (failure) throw failure.cause;
          if (until?.()) return resolve('until');
          const event = heap.next(horizon);
          if (event === 'later') {
            now = horizon;
            return resolve('horizon');
          }
          if (event === undefined) {
            if (++idleTurns < TURNS_BEFORE_QUIESCENCE) return settle();
            if (until) throw new Error('No event is left, and what the run waits for has not come');
            return resolve('quiescent');
          }
          idleTurns = 0;
          now = event.at;
          events++;
          log(event.label);
          const ending = event.task();
          if (ending !== undefined) ending.then(settle, reject);
          else settle();
        } catch (cause) {
          reject(cause);
        }
      };
      settle();
    });
  };

  const always = (): boolean => true;
  const straight = (task: () => void): void => task();
  return {
    runtime: runtimeOf('world', random.fork('world'), always, straight),
    io: ioOf('world', always, straight),
    random: random.fork('workload'),
    schedule: (label, ms, task) =>
      at(ms, label, () => {
        task()?.catch(fail);
        return undefined;
      }),
    incarnation,
    log,
    hash() {
      flush();
      return hash.copy().digest('hex');
    },
    tail() {
      flush();
      return kept;
    },
    get events() {
      return events;
    },
    run,
  };
};

/** Events by instant, those of one instant by their tie. */
const eventHeap = () => {
  const events: Event[] = [];
  const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.tie < b.tie);
  const get = (place: number): Event => events[place] as Event;

  const push = (event: Event): void => {
    let place = events.length;
    events.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!before(event, get(parent))) break;
      events[place] = get(parent);
      place = parent;
    }
    events[place] = event;
  };

  const removeFirst = (): void => {
    const last = events.pop() as Event;
    if (events.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && before(get(child + 1), get(child))) child++;
      if (!before(get(child), last)) break;
      events[place] = get(child);
      place = child;
    }
    events[place] = last;
  };

  return {
    push,
    /** Removes the next event; `later` where it is after `horizon`, undefined where none is left. */
    next(horizon: number): Event | 'later' | undefined {
      for (let first = events[0]; first; first = events[0]) {
        if (!first.cancelled && first.at > horizon) return 'later' as const;
        removeFirst();
        if (!first.cancelled) return first;
      }
      return undefined;
    },
  };
};
