import { manifest } from '@cordada/infra/bus/manifest.ts';
import { memoryBus } from '@cordada/infra/bus/memory.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { createServiceTokens } from '@cordada/infra/http/service-token.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { createLogger } from '@cordada/infra/telemetry/logger.ts';
import { createRegistry } from '@cordada/infra/telemetry/metrics.ts';
import { testSecret } from '@cordada/infra/testing/test-server.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildBefore } from './service.ts';
import { Warehouse } from './testing/desk.ts';

const test = suite('consultas over HTTP');

test('an item that is kept is answered past the routes, with the same answer, only to who may read it', async () => {
  const runtime = systemRuntime();
  const warehouse = new Warehouse();
  const { id } = warehouse.add({ name: 'Canasta «ñ»' });
  const tokens = createServiceTokens(testSecret, runtime);
  const registry = createRegistry('consultas');
  const service = await buildBefore(
    {
      call: async <Body>() => ({ items: [...warehouse.items.values()] }) as Body,
      find: async () => undefined,
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
  await service.start();
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  try {
    const { port } = service.app.server.address() as { port: number };
    const authorization = `Bearer ${tokens.sign('bff', 'consultas')}`;
    const get = async (url: string, headers: Record<string, string> = { authorization }) => {
      const answer = await fetch(`http://127.0.0.1:${port}${url}`, { headers });
      return { status: answer.status, cache: answer.headers.get('x-cache'), body: await answer.text() };
    };
    const missed = await get(`/items/${id}`);
    assert.is(missed.cache, 'MISS');
    const kept = await get(`/items/${id}`);
    const route = await service.app.inject({ url: `/items/${id}`, headers: { authorization } });
    assert.equal(kept, { status: 200, cache: 'HIT', body: missed.body });
    assert.equal(kept, { status: route.statusCode, cache: route.headers['x-cache'], body: route.body });
    assert.is((await get(`/items/${id}`, {})).status, 401);
    assert.is((await get(`/items/${id.toUpperCase()}`)).cache, 'HIT');
    assert.match((await get(`/items/${id}/stock`)).body, '"available":10');
    assert.match(await registry.metrics(), /cache_reads_total\{outcome="hit",[^}]*\} 4/);
  } finally {
    await service.drain();
    await service.stop();
  }
});

test.run();
