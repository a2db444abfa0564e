import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  TaskCancelledError,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel';
import { type Runtime, sleep } from '../runtime.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Thrown by a call that got no usable answer: the other service is away or too slow. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  /** False where the request is known not to have been taken, so that it may be sent elsewhere whatever it asks for. */
  readonly sent: boolean;

  constructor(message: string, options: ErrorOptions & { readonly sent?: boolean } = {}) {
    super(message, options);
    this.sent = options.sent ?? true;
  }
}

export interface CallOptions {
  /** Milliseconds that one try may take. */
  readonly timeoutMs: number;
  /** Whether the call may be sent again when its answer is lost. */
  readonly repeatable: boolean;
}

/** How calls to one other service, at its addresses, are carried out. */
export interface Resilience {
  /**
   * @param call sends the request to one address
   * @throws CallFailed when no try gave an answer, or none was made because the service has been failing
   */
  run<T>(call: (address: string, signal: AbortSignal) => Promise<T>, options: CallOptions): Promise<T>;
}

const attempts = 3;
const failuresThatOpen = 5;
const openForMs = 2_000;
const firstPauseMs = 50;
const longestPauseMs = 1_000;

/** One replica of a service, spared for two seconds whenever it has failed five times in a row. */
const replica = (address: string, target: string, log: Logger) => {
  const failures = handleWhen((error) => error instanceof CallFailed || error instanceof TaskCancelledError);
  const breaker = circuitBreaker(failures, {
    halfOpenAfter: openForMs,
    breaker: new ConsecutiveBreaker(failuresThatOpen),
  });
  breaker.onBreak(() => log.warn({ target, address }, 'calls to an address are suspended: it keeps failing'));
  breaker.onReset(() => log.info({ target, address }, 'calls to an address go on'));
  return {
    /** Whether another call is finding out at this moment if the address answers again. */
    onTrial: () => breaker.state === CircuitState.HalfOpen,
    async run<T>(call: (address: string, signal: AbortSignal) => Promise<T>, timeoutMs: number): Promise<T> {
      const policy = wrap(
        breaker,
        timeout(timeoutMs, { strategy: TimeoutStrategy.Aggressive, abortOnReturn: false }),
      );
      try {
        // A signal of its own: on the one that all calls share by default, Node warns of a leak from eleven at once on.
        return await policy.execute(({ signal }) => call(address, signal), new AbortController().signal);
      } catch (error) {
        if (error instanceof TaskCancelledError)
          throw new CallFailed(`${target} did not answer within ${timeoutMs} ms`, { cause: error });
        throw error;
      }
    },
  };
};

/**
 * For a network: the addresses take turns, each behind a breaker of its own, and a timeout a try. What failed is sent
 * to the next address at once where it is repeatable or was not taken; when all have failed, what is repeatable is
 * sent again after a pause, three tries in all. The breakers use the machine's own clock, so this belongs, like
 * `fetch`, to those who run services and not to the services.
 * @param addresses of the service's replicas, at least one
 */
export const networkResilience = (
  target: string,
  addresses: readonly string[],
  log: Logger,
  runtime: Pick<Runtime, 'after'>,
): Resilience => {
  if (addresses.length === 0) throw new TypeError(`no address of ${target}`);
  const replicas = addresses.map((address) => replica(address, target, log));
  let turn = 0;

  return {
    async run(call, { timeoutMs, repeatable }) {
      const tries = Math.max(attempts, replicas.length);
      let pauseMs = firstPauseMs;
      let failure: unknown;
      for (let made = 0; ; ) {
        const first = turn;
        turn = (turn + 1) % replicas.length;
        let called = false;
        for (let place = 0; place < replicas.length; place += 1) {
          const one = replicas[(first + place) % replicas.length] as (typeof replicas)[number];
          // It may take a whole timeout to find out: another one answers meanwhile.
          if (one.onTrial() && replicas.length > 1) continue;
          try {
            return await one.run(call, timeoutMs);
          } catch (error) {
            if (error instanceof BrokenCircuitError) {
              failure ??= error;
              continue;
            }
            if (!(error instanceof CallFailed)) throw error;
            failure = error;
            called = true;
            made += 1;
            if (error.sent && !repeatable) throw error;
            if (made >= tries) throw error;
          }
        }
        if (!called || !repeatable) {
          if (failure instanceof CallFailed) throw failure;
          throw new CallFailed(`${target} has been failing, it is not called for now`, { cause: failure });
        }
        await sleep(runtime, pauseMs);
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
    },
  };
};

/** One try at one address, without a timeout: for services in one process whose time is simulated. */
export const directResilience = (address: string): Resilience => ({
  run: (call) => call(address, new AbortController().signal),
});
