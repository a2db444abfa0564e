import { type Database, statement } from '../database/database.ts';
import type { Listening } from '../database/listen.ts';
import type { ServiceDatabase } from '../database/pool-database.ts';
import type { Cancel, Runtime } from '../runtime.ts';
import { type Backoff, backoffMs } from './backoff.ts';
import type { Log } from './metrics.ts';

/** What replicas of one service tell one another. */
export interface Signals {
  start(): void;
  /**
   * Tells the other replicas that something has happened, with what (`details`, without commas), after it has been
   * committed. It may be lost. What comes while one is on its way goes with the next one.
   */
  send(name: string, details?: readonly string[]): void;
  /** @param listener is given no details where some may have been lost */
  on(name: string, listener: (details: readonly string[] | undefined) => void): void;
  close(): Promise<void>;
}

export interface SignalsOptions {
  readonly database: Pick<Database, 'background'>;
  readonly listen: Required<ServiceDatabase>['listen'];
  readonly runtime: Runtime;
  readonly log: Log;
}

const CHANNEL = 'cordada';
const NOTIFY = statement('messaging.notify', 'SELECT pg_notify($1, $2)');
/** Milliseconds between two signals of one name of this process, at the least. */
const EVERY_MS = 5;
/** Details in one signal: Postgres takes 8000 bytes. */
const MOST_DETAILS = 100;
const RECONNECT: Backoff = { firstMs: 100, mostMs: 5_000 };

/** Signals by the database's LISTEN and NOTIFY. Lossy: whoever relies on them looks by itself besides, less often. */
export function createSignals({ database, listen, runtime, log }: SignalsOptions): Signals {
  const listeners = new Map<string, ((details: readonly string[] | undefined) => void)[]>();
  const outgoing = new Map<string, { details: Set<string>; waits: boolean; sending: boolean }>();
  let listening: Listening | undefined;
  let connecting: Promise<void> = Promise.resolve();
  let closed = false;
  let retry: Cancel = () => {};

  const tell = (name: string, details: readonly string[] | undefined): void => {
    for (const listener of listeners.get(name) ?? []) listener(details);
  };

  const told = (payload: string): void => {
    const [sender, name = '', details] = payload.split(' ');
    if (sender !== listening?.sender) tell(name, details === '*' ? undefined : (details?.split(',') ?? []));
  };

  const connect = async (attempt: number): Promise<void> => {
    try {
      const made = await listen({ channel: CHANNEL, told, lost: () => lost(0) });
      if (closed) return await made.close();
      listening = made;
      for (const name of listeners.keys()) tell(name, undefined);
    } catch (error) {
      if (attempt === 0) log.warn({ err: error }, 'other replicas are not heard: it is tried again');
      lost(attempt + 1);
    }
  };

  function lost(attempt: number): void {
    listening = undefined;
    if (closed) return;
    retry = runtime.after(backoffMs(RECONNECT, attempt, runtime), () => {
      connecting = connect(attempt);
    });
  }

  async function flush(name: string): Promise<void> {
    const state = outgoing.get(name);
    if (!state || closed) return;
    const details = [...state.details];
    state.details.clear();
    state.waits = false;
    state.sending = true;
    const what = details.length > MOST_DETAILS ? ' *' : details.length > 0 ? ` ${details.join()}` : '';
    try {
      await database.background(NOTIFY, [CHANNEL, `${listening?.sender ?? '-'} ${name}${what}`]);
    } catch (error) {
      log.debug({ err: error }, 'the other replicas could not be told: they look by themselves');
    }
    runtime.after(EVERY_MS, () => {
      state.sending = false;
      if (state.waits) void flush(name);
    });
  }

  return {
    start() {
      connecting = connect(0);
    },
    send(name, details = []) {
      if (closed) return;
      const state = outgoing.get(name) ?? { details: new Set(), waits: false, sending: false };
      outgoing.set(name, state);
      if (state.details.size <= MOST_DETAILS) for (const detail of details) state.details.add(detail);
      state.waits = true;
      if (!state.sending) void flush(name);
    },
    on(name, listener) {
      listeners.set(name, [...(listeners.get(name) ?? []), listener]);
    },
    async close() {
      closed = true;
      retry();
      await connecting;
      await listening?.close();
    },
  };
}
