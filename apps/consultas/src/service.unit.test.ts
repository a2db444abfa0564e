import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import { memoryBus } from '@cordada/infra/bus/memory.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { unavailable } from '@cordada/infra/http/errors.ts';
import { createServiceTokens } from '@cordada/infra/http/service-token.ts';
import type { Service } from '@cordada/infra/service/service.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { createLogger } from '@cordada/infra/telemetry/logger.ts';
import { createRegistry } from '@cordada/infra/telemetry/metrics.ts';
import { testSecret } from '@cordada/infra/testing/test-server.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildBefore } from './service.ts';
import { Warehouse } from './testing/desk.ts';

const test = suite('consultas over HTTP');

/** Fastify tells of every request that comes to its route. */
const ROUTED = 'tracing:fastify.request.handler:start';
/** What did since the test began. */
const routed: string[] = [];
const note = (message: unknown): void => {
  routed.push((message as { request: { url: string } }).request.url);
};

const open: Service[] = [];
test.before.each(() => {
  routed.splice(0);
  subscribe(ROUTED, note);
});
test.after.each(async () => {
  unsubscribe(ROUTED, note);
  for (const service of open.splice(0)) {
    await service.drain();
    await service.stop();
  }
});

/** Consultas on a port of its own, before a consolidador that answers what `warehouse` has; `called` says for what. */
const serve = async (warehouse: Warehouse) => {
  const runtime = systemRuntime();
  const tokens = createServiceTokens(testSecret, runtime);
  const registry = createRegistry('consultas');
  const called: string[] = [];
  const answer = (what: string): void => {
    called.push(what);
    if (warehouse.away) throw unavailable('away');
  };
  const service = await buildBefore(
    {
      async call<Body>() {
        answer('by id');
        return { items: [...warehouse.items.values()] } as Body;
      },
      async find() {
        answer('by any name');
        return undefined;
      },
    },
    {
      runtime,
      bus: memoryBus({ runtime, manifest }),
      log: createLogger({ name: 'consultas', level: 'silent', readable: false, now: () => runtime.now() }),
      registry,
      security: { auth: 'demo', apiKeys: [], tokens },
      settings: readSettings({}),
    },
  );
  open.push(service);
  await service.start();
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = service.app.server.address() as { port: number };
  const authorization = `Bearer ${tokens.sign('bff', 'consultas')}`;
  return {
    called,
    registry,
    async get(url: string, headers: Record<string, string> = { authorization }) {
      const answer = await fetch(`http://127.0.0.1:${port}${url}`, { headers });
      return { status: answer.status, cache: answer.headers.get('x-cache'), body: await answer.text() };
    },
    /** As `get`, past the fast path: by the route itself. */
    async route(url: string) {
      const answer = await service.app.inject({ url, headers: { authorization } });
      return {
        status: answer.statusCode,
        cache: (answer.headers['x-cache'] as string | undefined) ?? null,
        body: answer.body,
      };
    },
  };
};

test('an item is answered past the routes, with the same answer, only to who may read it', async () => {
  const warehouse = new Warehouse();
  const { id } = warehouse.add({ name: 'Canasta «ñ»' });
  const { called, get, registry, route } = await serve(warehouse);
  const missed = await get(`/items/${id}`);
  const kept = await get(`/items/${id}`);
  assert.equal(routed, []);
  assert.equal(kept, await route(`/items/${id}`));
  assert.equal(kept, { ...missed, cache: 'HIT' });
  assert.equal([missed.status, missed.cache], [200, 'MISS']);
  assert.is((await get(`/items/${id}`, {})).status, 401);
  assert.is((await get(`/items/${id.toUpperCase()}`)).cache, 'HIT');
  assert.match((await get(`/items/${id}/stock`)).body, '"available":10');
  assert.equal(called, ['by id']);
  assert.match(await registry.metrics(), /cache_reads_total\{outcome="hit",[^}]*\} 4/);
});

test('an item that is not there, or cannot be read, is asked for once, and answered as by the route', async () => {
  const warehouse = new Warehouse();
  const { called, get, route } = await serve(warehouse);
  const url = '/items/0199a1f0-7c3e-7000-8000-0123456789ab';
  const unidentified = ({ status, cache, body }: Awaited<ReturnType<typeof get>>) => ({
    status,
    cache,
    errors: JSON.parse(body).errors.map(({ id: _id, ...error }: { id: string }) => error),
  });
  const unknown = await get(url);
  assert.equal(called.splice(0), ['by id', 'by any name']);
  assert.equal(routed, [url]);
  assert.equal([unknown.status, unknown.cache], [404, 'MISS']);
  assert.equal(unidentified(unknown), unidentified(await route(url)));
  called.splice(0);
  warehouse.away = true;
  const away = await get(url);
  assert.equal(called, ['by id']);
  assert.equal([away.status, away.cache], [503, null]);
  assert.equal(unidentified(away), unidentified(await route(url)));
});

test.run();
