import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { trustOf } from '@cordada/infra/service/trust.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { startTestRedis, type TestRedis } from '@cordada/infra/testing/redis.ts';
import { fastify } from 'fastify';
import { startFleet } from '../src/fleet.ts';
import type { Place } from '../src/stores.ts';
import type { Asked, Opening, Told } from './answering.ts';
import { askProcess } from './ask-process.ts';
import { busSystem } from './bus-work.ts';
import { type LoadResult, summed } from './closed-loop.ts';
import { type HttpRun, startHttpClient } from './http-load.ts';
import { serverPool } from './server-pool.ts';

/** So many that what answers is never idle, though some of them wait for misses. */
const CONNECTIONS = 200;
/** Of so many reads of an item the first is a miss: 95 % hits. */
const READS_AN_ITEM = 20;
/** An item is read again once so many others have been: sooner it may still be on its way, and be missed twice. */
const ITEMS_ON_THEIR_WAY = 400;
/** The longest that a start of Redis's client may take, in milliseconds. */
const REDIS_LIMIT_MS = 30_000;
const POLL_MS = 20;
const PLAIN_CONNECTIONS = 10;
/** Processes of the same code differ by up to 15 %: each system is begun so often anew, and what all of them do counts. */
const STARTS = 3;
/** Rounds of each start before those that count: what is compiled then stays so. */
const WARM_ROUNDS = 2;

export interface ReadsResult extends LoadResult {
  readonly system: 'bare' | 'plain' | 'memory' | 'Redis';
  readonly hits: number;
  /** CPU time of the answering process a request, in microseconds. */
  readonly cpu: number;
  /** Requests a second as a ratio to the bare route's, in this run. */
  readonly ratio: number;
  /** What the bare route takes of the CPU a request, as a ratio to what this takes. */
  readonly cpuRatio: number;
}

/** A Postgres server, so that the plain service has something to read. */
type PostgresPlace = Extract<Place, { kind: 'postgres' }>;

/** What answers, and how it is asked. */
interface Answering {
  readonly system: ReadsResult['system'];
  readonly port: number;
  path(item: string): string;
  headers(): Record<string, string>;
  /** CPU time that it has taken, in microseconds. */
  cpu(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Reads of single items at consultas, beside a Fastify route that answers a constant of the same length, and the plainest
 * service that keeps items: each in a process that does nothing else, as a service by itself does, asked by another one.
 * Each round reads items of its own for the first time, and others again; what is missed is read in this process, on `place`.
 * @param rounds of each start that count
 * @param items of each round
 */
export const measureReads = async (
  place: Place,
  rounds: number,
  items: number,
): Promise<readonly ReadsResult[]> => {
  const runtime = systemRuntime();
  const secret = `${runtime.uuid()}${runtime.uuid()}`;
  const settings = readSettings({ LOG_LEVEL: 'error', SERVICE_TOKEN_SECRET: secret }, { AUTH: 'demo' });
  const fleet = await startFleet({ settings, place, runtime, ports: 'free', readable: false });
  const redis = await startTestRedis();
  const client = startHttpClient();
  const source = place.kind === 'postgres' ? await openPlainSource(place) : undefined;
  const systems: Answering[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(systems.splice(0).map((system) => system.close()));
  };
  try {
    const product = { name: 'reads', bus: fleet.bus, bffUrl: fleet.urls.bff, runtime, close: async () => {} };
    const { items: ids } = await busSystem(product, items * (WARM_ROUNDS + rounds));
    const sample = await fetch(`${fleet.urls.bff}/api/v1/inventory/items/${ids[0]}`);
    const constant = await sample.text();
    const { tokens } = trustOf(settings, secret, runtime);
    const consultas = async (given?: TestRedis): Promise<Omit<Answering, 'system'>> => ({
      ...(await startAnswering({
        consolidador: fleet.urls.consolidador,
        secret,
        ...(given && { redisUrl: given.url }),
      })),
      path: (item) => `/items/${item}`,
      headers: () => ({ authorization: `Bearer ${tokens.sign('bff', 'consultas')}` }),
    });
    const open = async (): Promise<void> => {
      systems.push({
        system: 'bare',
        ...(await startAnswering({ constant })),
        path: () => '/constant',
        headers: () => ({}),
      });
      if (source)
        systems.push({
          system: 'plain',
          ...(await startAnswering({ plain: source.url })),
          path: (item) => `/items/${item}`,
          headers: () => ({}),
        });
      systems.push({ system: 'memory', ...(await consultas()) });
      if (redis) {
        await redis.ask('FLUSHALL');
        systems.push({ system: 'Redis', ...(await consultas(redis)) });
        await used(redis);
      }
    };

    const runs = new Map<Answering['system'], { run: HttpRun; cpu: number }[]>();
    for (let start = 0; start < STARTS; start += 1) {
      await open();
      for (let round = 0; round < WARM_ROUNDS + rounds; round += 1) {
        const plan = readsOf(ids, round * items, items);
        for (const { system, port, path, headers, cpu } of systems) {
          const before = await cpu();
          const run = await client.run({
            port,
            connections: CONNECTIONS,
            paths: plan.map((item) => path(item)),
            headers: headers(),
          });
          const taken = (await cpu()) - before;
          if (round >= WARM_ROUNDS) runs.set(system, [...(runs.get(system) ?? []), { run, cpu: taken }]);
        }
      }
      await close();
    }

    const reads = STARTS * rounds * items * READS_AN_ITEM;
    const results = [...runs].map(([system, all]) => ({
      system,
      ...summed(all.map(({ run }) => run)),
      hits: all.reduce((sum, { run }) => sum + run.hits, 0) / reads,
      cpu: all.reduce((sum, { cpu }) => sum + cpu, 0) / reads,
    }));
    const [floor] = results as [(typeof results)[number]];
    return results.map((result) => ({
      ...result,
      ratio: result.perSecond / floor.perSecond,
      cpuRatio: floor.cpu / result.cpu,
    }));
  } finally {
    client.close();
    await close();
    await redis?.stop();
    await source?.close();
    await fleet.stop();
  }
};

/** A Fastify route that answers an item by one statement on consolidador's database, and nothing else. */
const openPlainSource = async ({ url, prefix }: PostgresPlace) => {
  const pool = serverPool(url, `${prefix}_consolidador`, PLAIN_CONNECTIONS);
  const text = `SELECT id, numero, sku, nombre AS name, cantidad AS quantity, reservada AS reserved,
    cantidad - reservada AS available, version, actualizado AS updated_at FROM item WHERE id = $1`;
  const app = fastify();
  app.get<{ Params: { id: string } }>('/items/:id', async ({ params: { id } }) => {
    const { rows } = await pool.query({ name: 'plain', text, values: [id] });
    return rows[0];
  });
  return {
    url: await app.listen({ host: '127.0.0.1', port: 0 }),
    async close() {
      await app.close();
      await pool.end();
    },
  };
};

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Starts a process that answers, as a bundle, like every service. */
const startAnswering = async (opening: Opening): Promise<Pick<Answering, 'port' | 'cpu' | 'close'>> => {
  const child = fork('apps/embedded/launch.mjs', ['--bundle', 'apps/embedded/bench/answering.ts'], {
    cwd: root,
  });
  const told = (asked: Asked): Promise<Told> => askProcess(child, asked, 'what answers');
  return {
    port: await told(opening),
    cpu: () => told('cpu'),
    async close() {
      if (!child.connected) return; // it has ended by itself
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
};

/** Resolves once consultas uses its Redis. */
const used = async (redis: TestRedis): Promise<void> => {
  const until = performance.now() + REDIS_LIMIT_MS;
  while (!(await redis.ask('GET', 'cordada:consultas:epoch')).startsWith('$36')) {
    if (performance.now() > until) throw new Error('consultas does not use its Redis');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
};

/** Which item each read is of: a new one of `count` from `first` on, then others that are kept by now, of as many. */
const readsOf = (ids: readonly string[], first: number, count: number): string[] => {
  const reads: string[] = [];
  for (let i = first; i < first + count; i += 1) {
    reads.push(ids[i] as string);
    const known = Math.max(1, i - ITEMS_ON_THEIR_WAY);
    const among = Math.min(known, count);
    for (let n = 1; n < READS_AN_ITEM; n += 1)
      reads.push(ids[known - 1 - ((i * 31 + n * 7) % among)] as string);
  }
  return reads;
};
