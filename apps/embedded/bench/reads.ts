import type { AddressInfo } from 'node:net';
import { build } from '@cordada/consultas/service.ts';
import { forNeighbours } from '@cordada/infra/config/services.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { injectFetch } from '@cordada/infra/http/inject-fetch.ts';
import { trustOf } from '@cordada/infra/service/trust.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { createLogger } from '@cordada/infra/telemetry/logger.ts';
import { createRegistry } from '@cordada/infra/telemetry/metrics.ts';
import { startTestRedis, type TestRedis } from '@cordada/infra/testing/redis.ts';
import { fastify } from 'fastify';
import { startFleet } from '../src/fleet.ts';
import type { Place } from '../src/stores.ts';
import { busSystem } from './bus-work.ts';
import { type LoadResult, summed } from './closed-loop.ts';
import { type HttpRun, startHttpClient } from './http-load.ts';

const CONNECTIONS = 50;
/** Of so many reads of an item the first is a miss: 95 % hits. */
const READS_AN_ITEM = 20;
/** The longest that a start of Redis's client may take, in milliseconds. */
const REDIS_LIMIT_MS = 30_000;
const POLL_MS = 20;

export interface ReadsResult extends LoadResult {
  readonly system: 'bare' | 'memory' | 'Redis';
  readonly hits: number;
  /** CPU time of the answering process a request, in microseconds. */
  readonly cpu: number;
  /** Requests a second as a ratio to the bare route's, in this run. */
  readonly ratio: number;
  /** What the bare route takes of the CPU a request, as a ratio to what this takes. */
  readonly cpuRatio: number;
}

/** Where something answers, and how it is asked. */
interface Answering {
  readonly port: number;
  path(item: string): string;
  headers(): Record<string, string>;
  close(): Promise<void>;
}

/**
 * Reads of single items at consultas, beside a Fastify route that answers a constant of the same length, all in this
 * process and asked by another one. Each round's consultas is new: its cache is cold, and every item is read
 * `READS_AN_ITEM` times. It reads what it misses at consolidador, in this process too, on `place`.
 */
export const measureReads = async (
  place: Place,
  rounds: number,
  items: number,
): Promise<readonly ReadsResult[]> => {
  const runtime = systemRuntime();
  const secret = `${runtime.uuid()}${runtime.uuid()}`;
  const fleet = await startFleet({
    settings: readSettings({ LOG_LEVEL: 'error', SERVICE_TOKEN_SECRET: secret }, { AUTH: 'demo' }),
    place,
    runtime,
    ports: 'free',
    readable: false,
  });
  const redis = await startTestRedis();
  const client = startHttpClient();
  try {
    const product = { name: 'reads', bus: fleet.bus, bffUrl: fleet.urls.bff, runtime, close: async () => {} };
    const { items: ids } = await busSystem(product, items);

    const consultas = async (given?: TestRedis): Promise<Answering> => {
      await given?.ask('FLUSHALL');
      const settings = readSettings(
        { LOG_LEVEL: 'error', ...(given && { REDIS_URL: given.url }) },
        { AUTH: 'demo' },
      );
      const security = trustOf(settings, secret, runtime);
      const service = await build({
        runtime,
        bus: fleet.bus,
        log: createLogger({ name: 'consultas', level: 'error', readable: false, now: () => runtime.now() }),
        registry: createRegistry('consultas'),
        security,
        settings,
        fetch: injectFetch(new Map([['http://consolidador', fleet.services.consolidador.app]])),
        urls: forNeighbours((neighbour) => [`http://${neighbour}`]),
      });
      await service.start();
      await service.app.listen({ host: '127.0.0.1', port: 0 });
      const until = performance.now() + REDIS_LIMIT_MS;
      while (given && !(await given.ask('GET', 'cordada:consultas:epoch')).startsWith('$36')) {
        if (performance.now() > until) throw new Error('consultas does not use its Redis');
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      return {
        port: (service.app.server.address() as AddressInfo).port,
        path: (item) => `/items/${item}`,
        headers: () => ({ authorization: `Bearer ${security.tokens.sign('bff', 'consultas')}` }),
        async close() {
          await service.drain();
          await service.stop();
        },
      };
    };

    const sample = await fetch(`${fleet.urls.bff}/api/v1/inventory/items/${ids[0]}`);
    const constant = await sample.text();
    const bare = async (): Promise<Answering> => {
      const app = fastify();
      app.get('/constant', (_request, reply) => reply.type('application/json; charset=utf-8').send(constant));
      await app.listen({ host: '127.0.0.1', port: 0 });
      return {
        port: (app.server.address() as AddressInfo).port,
        path: () => '/constant',
        headers: () => ({}),
        close: () => app.close(),
      };
    };

    const systems = [
      { system: 'bare', open: bare },
      { system: 'memory', open: () => consultas() },
      ...(redis ? ([{ system: 'Redis', open: () => consultas(redis) }] as const) : []),
    ] as const;
    const runs = systems.map((): { run: HttpRun; cpu: number }[] => []);
    const plan = readsOf(ids);
    for (
      let round = -1;
      round < rounds;
      round += 1 // the first warms all of them up
    )
      for (const [i, { open }] of systems.entries()) {
        const answering = await open();
        const before = process.cpuUsage();
        const run = await client.run({
          port: answering.port,
          connections: CONNECTIONS,
          paths: plan.map((item) => answering.path(item)),
          headers: answering.headers(),
        });
        const { user, system: kernel } = process.cpuUsage(before);
        await answering.close();
        if (round >= 0) runs[i]?.push({ run, cpu: user + kernel });
      }

    const results = runs.map((all) => ({
      ...summed(all.map(({ run }) => run)),
      hits: all.reduce((sum, { run }) => sum + run.hits, 0) / (all.length * plan.length),
      cpu: all.reduce((sum, { cpu }) => sum + cpu, 0) / (all.length * plan.length),
    }));
    const [floor] = results as [(typeof results)[number]];
    return results.map((result, i) => ({
      system: systems[i]?.system ?? 'bare',
      ...result,
      ratio: result.perSecond / floor.perSecond,
      cpuRatio: floor.cpu / result.cpu,
    }));
  } finally {
    client.close();
    await redis?.stop();
    await fleet.stop();
  }
};

/** Which item each read is of: a new one, then others that were read long enough ago to be kept by now. */
const readsOf = (items: readonly string[]): string[] => {
  const reads: string[] = [];
  for (const [i, item] of items.entries()) {
    reads.push(item);
    const known = Math.max(1, i - Math.ceil(CONNECTIONS / READS_AN_ITEM) * 2);
    for (let n = 1; n < READS_AN_ITEM; n += 1) reads.push(items[(i * 31 + n * 7) % known] as string);
  }
  return reads;
};
