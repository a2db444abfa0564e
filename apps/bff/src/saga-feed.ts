import { stringifyJson } from '@cordada/infra/http/json-body.ts';
import type { ServiceClient } from '@cordada/infra/http/service-client.ts';
import { type Runtime, sleep } from '@cordada/infra/runtime.ts';
import type { Logger } from '@cordada/infra/telemetry/logger.ts';

/** One transition of one saga, as a stream shows it. */
export interface Moved {
  /** Where in its service's log it stands: a stream goes on after it. */
  readonly position: string;
  /** JSON, on one line. */
  readonly data: string;
}

/** One reader of a feed, at its own pace. */
export interface Follower {
  /** The last position taken; where it begins, before the first. */
  readonly position: string;
  /**
   * The transitions after `position`, at least one, in order; waits for them. None once the follower is closed.
   * @throws HttpError 503 when the service has to be asked for older ones, and is away
   */
  next(): Promise<readonly Moved[]>;
  close(): void;
}

/** The transitions of the sagas of one service, read by one long poll for all who follow it, and by none for nobody. */
export interface SagaFeed {
  readonly service: string;
  /**
   * Begins after `position`, or with what commits from now on.
   * @throws HttpError 503 when the service is away, 400 for a position that it has not given out
   */
  follow(position?: string): Promise<Follower>;
}

interface Page {
  readonly entradas: readonly ({ readonly posicion: string } & Readonly<Record<string, unknown>>)[];
  readonly posicion: string;
}

export interface SagaFeedOptions {
  readonly service: ServiceClient;
  readonly runtime: Runtime;
  readonly log: Logger;
}

/** How long the service holds a poll back while nothing moves. */
const heldMs = 20_000;
/** After a poll that failed. */
const pauseMs = 1_000;
/** Transitions a read, and the most that are kept for followers; who is further behind asks the service. */
const pageSize = 200;

export const sagaFeed = ({ service, runtime, log }: SagaFeedOptions): SagaFeed => {
  const read = async (position: string | undefined, waitMs: number) => {
    const { entradas, posicion } = await service.call<Page>({
      method: 'GET',
      path: ['saga-log'],
      query: { despues: position, espera: waitMs, limit: pageSize },
      heldMs: waitMs,
    });
    const moves = entradas.map(
      ({ posicion: at, ...move }): Moved => ({ position: at, data: stringifyJson(move) }),
    );
    return { moves, position: posicion };
  };

  /** Polls until it is stopped, from where the log ends now. */
  const startPoll = () => {
    let stopped = false;
    const recent: Moved[] = [];
    /** The position that `recent` begins after, and that of its last. */
    let before = '';
    let head = '';
    let turn = 0;
    const waiting = new Set<() => void>();

    const run = async (): Promise<void> => {
      while (!stopped) {
        try {
          const { moves, position } = await read(head, heldMs);
          if (moves.length === 0) continue;
          recent.push(...moves);
          head = position;
          const forgotten = recent.splice(0, Math.max(0, recent.length - pageSize));
          before = forgotten.at(-1)?.position ?? before;
          turn += 1;
          for (const wake of waiting) wake();
        } catch (error) {
          if (stopped) return;
          log.warn(
            { err: error, service: service.target },
            'the log of sagas could not be read, it is tried again',
          );
          await sleep(runtime, pauseMs);
        }
      }
    };
    const opened = read(undefined, 0).then(({ position }) => {
      before = position;
      head = position;
      void run();
    });

    return {
      opened,
      head: () => head,
      turn: () => turn,
      /** What is known to come after `position`; undefined when that cannot be told from here. */
      after(position: string): readonly Moved[] | undefined {
        if (position === head) return [];
        if (position === before) return [...recent];
        const at = recent.findLastIndex((move) => move.position === position);
        return at < 0 ? undefined : recent.slice(at + 1);
      },
      /** Resolves when something has moved since `seen`, or `wake` is called. */
      moved(seen: number, follower: { wake(): void }): Promise<void> {
        if (turn !== seen) return Promise.resolve();
        return new Promise((resolve) => {
          const wake = (): void => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
          follower.wake = wake;
        });
      },
      stop(): void {
        stopped = true;
      },
    };
  };

  let poll: ReturnType<typeof startPoll> | undefined;
  let followers = 0;
  const leave = (): void => {
    followers -= 1;
    if (followers > 0) return;
    poll?.stop();
    poll = undefined;
  };

  return {
    service: service.target,
    async follow(asked) {
      followers += 1;
      poll ??= startPoll();
      const shared = poll;
      let position: string;
      let first: readonly Moved[] = [];
      try {
        await shared.opened;
        position = asked ?? shared.head();
        // Asked at once, so that a position which is none is refused before the stream begins.
        if (asked !== undefined) first = (await read(asked, 0)).moves;
      } catch (error) {
        leave();
        throw error;
      }
      let closed = false;
      const self = { wake: () => {} };
      return {
        get position() {
          return position;
        },
        async next() {
          while (!closed) {
            const seen = shared.turn();
            const moves =
              first.length > 0 ? first : (shared.after(position) ?? (await read(position, 0)).moves);
            first = [];
            const last = moves.at(-1);
            if (last !== undefined) {
              position = last.position;
              return moves;
            }
            await shared.moved(seen, self);
          }
          return [];
        },
        close() {
          if (closed) return;
          closed = true;
          self.wake();
          leave();
        },
      };
    },
  };
};
