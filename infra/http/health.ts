import type { Registry } from 'prom-client';
import Type from 'typebox';
import type { Cancel, Runtime } from '../runtime.ts';
import { addLevel } from '../telemetry/metrics.ts';
import { access } from './access.ts';
import type { Server } from './typed-server.ts';

/** What a service needs to work, by name: rejects with the reason when it cannot be used. */
export type Checks = Readonly<Record<string, () => Promise<void>>>;

export interface HealthOptions {
  readonly service: string;
  readonly runtime: Runtime;
  readonly registry: Registry;
  /** What `/health` and `/ready` ask: the database, the bus. */
  readonly checks: Checks;
  /** Other paths of `/health`. */
  readonly healthAliases?: readonly string[];
  /** What `/ready` asks besides: subscriptions, a backlog read after a start. */
  readonly ready?: Checks;
  /** True from the moment the service stops taking work. */
  draining(): boolean;
}

/** A check that has not answered by then counts as failed. */
const patienceMs = 2_000;

const report = Type.Object(
  {
    service: Type.String(),
    status: Type.Union([Type.Literal('ok'), Type.Literal('unavailable')]),
    checks: Type.Record(Type.String(), Type.String()),
  },
  { examples: [{ service: 'campaign', status: 'ok', checks: { database: 'ok', bus: 'ok' } }] },
);

/** `/health`, `/ready` (503 while draining) and `/metrics`. */
export const addHealthRoutes = (app: Server, options: HealthOptions): void => {
  const { service, runtime, registry } = options;

  const run = async (checks: Checks) => {
    const outcomes = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await outcome(runtime, check)] as const),
    );
    const healthy = outcomes.every(([, text]) => text === 'ok');
    return {
      service,
      status: healthy ? ('ok' as const) : ('unavailable' as const),
      checks: Object.fromEntries(outcomes),
    };
  };

  const route = (url: string, summary: string, checks: Checks): void => {
    app.get(
      url,
      {
        config: { access: access.public, rateLimit: false },
        schema: { tags: ['servicio'], summary, response: { 200: report, 503: report } },
      },
      async (_request, reply) => {
        const result = await run(checks);
        return reply.code(result.status === 'ok' ? 200 : 503).send(result);
      },
    );
  };

  const health = 'Si el servicio puede usar lo que necesita';
  route('/health', health, options.checks);
  for (const alias of options.healthAliases ?? []) route(alias, health, options.checks);
  const ready: Checks = {
    ...options.checks,
    ...options.ready,
    accepting: async () => {
      if (options.draining()) throw new Error('draining');
    },
  };
  route('/ready', 'Si el servicio acepta trabajo', ready);
  addLevel(
    registry,
    runtime,
    {
      name: 'service_check_ok',
      help: 'Whether what the service needs to be ready can be used, by what it is (as `/ready` says): 1 or 0',
      labelNames: ['check'],
    },
    async () =>
      Object.entries((await run(ready)).checks).map(([check, text]) => ({
        labels: { check },
        value: text === 'ok' ? 1 : 0,
      })),
  );
  app.get(
    '/metrics',
    {
      config: { access: access.public, rateLimit: false },
      schema: {
        tags: ['servicio'],
        summary: 'Métricas en el formato de Prometheus',
        response: { 200: Type.String() },
      },
    },
    async (_request, reply) =>
      reply
        .type(registry.contentType)
        .serializer(String)
        .send(await registry.metrics()),
  );
};

const outcome = async (runtime: Runtime, check: () => Promise<void>): Promise<string> => {
  let cancel: Cancel | undefined;
  const late = new Promise<string>((resolve) => {
    cancel = runtime.after(patienceMs, () => resolve(`no answer within ${patienceMs} ms`));
  });
  const checked = check().then(
    () => 'ok',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const text = await Promise.race([checked, late]);
  cancel?.();
  return text;
};
