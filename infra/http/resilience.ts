import {
  BrokenCircuitError,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  retry,
  TaskCancelledError,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel';
import type { Logger } from '../telemetry/logger.ts';

/** Thrown by a call that got no usable answer: the other service is away or too slow. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
}

export interface CallOptions {
  /** Milliseconds that one try may take. */
  readonly timeoutMs: number;
  /** Whether the call may be sent again when its answer is lost. */
  readonly repeatable: boolean;
}

/** How calls to one other service are carried out. */
export interface Resilience {
  /** @throws CallFailed when no try gave an answer, or none was made because the service has been failing */
  run<T>(call: (signal: AbortSignal) => Promise<T>, options: CallOptions): Promise<T>;
}

const attempts = 3;
const failuresThatOpen = 5;
const openForMs = 2_000;

/**
 * For a network: a timeout a try, three tries with growing pauses of what is repeatable, and a breaker that spares a
 * service which failed five times in a row for two seconds. It uses the machine's own timers, so it belongs, like
 * `fetch`, to those who run services and not to the services.
 */
export const networkResilience = (target: string, log: Logger): Resilience => {
  const failures = handleWhen((error) => error instanceof CallFailed || error instanceof TaskCancelledError);
  const retries = retry(failures, {
    maxAttempts: attempts - 1,
    backoff: new ExponentialBackoff({ initialDelay: 50, maxDelay: 1_000 }),
  });
  const breaker = circuitBreaker(failures, {
    halfOpenAfter: openForMs,
    breaker: new ConsecutiveBreaker(failuresThatOpen),
  });
  breaker.onBreak(() => log.warn({ target }, 'calls to a service are suspended: it keeps failing'));
  breaker.onReset(() => log.info({ target }, 'calls to a service go on'));
  return {
    async run(call, { timeoutMs, repeatable }) {
      const guarded = wrap(
        breaker,
        timeout(timeoutMs, { strategy: TimeoutStrategy.Aggressive, abortOnReturn: false }),
      );
      const policy = repeatable ? wrap(retries, guarded) : guarded;
      try {
        // A signal of its own: on the one that all calls share by default, Node warns of a leak from eleven at once on.
        return await policy.execute(({ signal }) => call(signal), new AbortController().signal);
      } catch (error) {
        if (error instanceof BrokenCircuitError)
          throw new CallFailed(`${target} has been failing, it is not called for now`, { cause: error });
        if (error instanceof TaskCancelledError)
          throw new CallFailed(`${target} did not answer within ${timeoutMs} ms`, { cause: error });
        throw error;
      }
    },
  };
};

/** One try without a timeout: for services in one process whose time is simulated. */
export const directResilience: Resilience = {
  run: (call) => call(new AbortController().signal),
};
