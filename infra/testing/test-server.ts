import { Registry } from 'prom-client';
import { createServer, type Server, type ServerOptions } from '../http/server.ts';
import { createServiceTokens } from '../http/service-token.ts';
import type { Runtime } from '../runtime.ts';
import { createLogger } from '../telemetry/logger.ts';

/** A runtime for tests whose clock stands until it is moved; timers fire as it passes them. */
export const manualRuntime = (
  start = Date.UTC(2026, 0, 2, 3, 4, 5),
): Runtime & { advance(ms: number): void } => {
  let now = start;
  let count = 0;
  const timers = new Set<{ readonly at: number; readonly task: () => void }>();
  return {
    now: () => now,
    after(ms, task) {
      const timer = { at: now + ms, task };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    random: () => 0.5,
    uuid() {
      count += 1;
      return `00000000-0000-7000-8000-${String(count).padStart(12, '0')}`;
    },
    advance(ms) {
      now += ms;
      for (const timer of [...timers].sort((a, b) => a.at - b.at))
        if (timer.at <= now && timers.delete(timer)) timer.task();
    },
  };
};

/** Real timers that keep the process alive: nothing else may, in a test that waits for one. */
export const waitingRuntime: Pick<Runtime, 'after'> = {
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};

/** The secret of tests' service tokens. */
export const testSecret = 'a secret of tests, long enough for anyone';

/** A server named `prueba` in the open demo, without a page of docs; what it logs goes to `lines`. */
export const testServer = async (
  options: Partial<ServerOptions> = {},
): Promise<{
  app: Server;
  lines: string[];
  registry: Registry;
  runtime: ReturnType<typeof manualRuntime>;
}> => {
  const runtime = manualRuntime();
  const lines: string[] = [];
  const registry = new Registry();
  const app = await createServer({
    name: 'prueba',
    description: 'A server of tests',
    runtime,
    log: createLogger({
      name: 'prueba',
      level: 'info',
      readable: false,
      now: runtime.now,
      destination: { write: (line) => void lines.push(line) },
    }),
    registry,
    security: { auth: 'demo', apiKeys: [], tokens: createServiceTokens(testSecret, runtime) },
    checks: {},
    docs: false,
    ...options,
  });
  return { app, lines, registry, runtime };
};
