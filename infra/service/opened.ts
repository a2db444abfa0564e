import type { Runtime } from '../runtime.ts';
import type { Service } from './service.ts';

/** What was opened, closed in the opposite order, each once, also when closing one of them fails. */
export class Opened {
  readonly #closers: (() => Promise<void>)[] = [];

  add(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      await close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not all could be stopped cleanly');
  }
}

/** How long requests under way may hold back a stop (in milliseconds); a client that sends no more is cut off then. */
const REQUESTS_LIMIT_MS = 8_000;

/** Drains a service, in bounded time. */
export const drainService = async ({ app, drain }: Service, runtime: Runtime): Promise<void> => {
  const cancel = runtime.after(REQUESTS_LIMIT_MS, () => app.server.closeAllConnections());
  try {
    await drain();
  } finally {
    cancel();
  }
};
