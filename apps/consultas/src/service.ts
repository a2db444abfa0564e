import type { Subscription } from '@cordada/infra/bus/bus.ts';
import type { AllSettings } from '@cordada/infra/config/settings.ts';
import { networkResilience } from '@cordada/infra/http/resilience.ts';
import { createServiceClient } from '@cordada/infra/http/service-client.ts';
import type { FrontDeps } from '@cordada/infra/service/lone-service.ts';
import type { Service } from '@cordada/infra/service/service.ts';
import { createServiceServer } from '@cordada/infra/service/service-server.ts';
import { addLevel, addTally } from '@cordada/infra/telemetry/metrics.ts';
import { keptMs } from './cache.ts';
import { createFloors } from './floors.ts';
import { memoryCache } from './memory-cache.ts';
import { newsContracts, newsOf } from './news.ts';
import { createReader } from './reader.ts';
import { type RedisPlace, redisCache } from './redis-cache.ts';
import { addQueryRoutes, fastPathTo } from './routes.ts';
import { type Consolidador, sourceAt } from './source.ts';

const name = 'consultas';
/** Longer than the slowest read of consolidador takes, repeated as often as it may be. */
const SLOWEST_READ_MS = 120_000;
const MOST_NEWS = 500;

/** The query side of the inventory: reads cache first, and keeps nothing that it cannot read again. */
export const build = (deps: FrontDeps): Promise<Service> => {
  const { runtime, log, security, urls } = deps;
  const consolidador = createServiceClient({
    caller: name,
    target: 'consolidador',
    fetch: deps.fetch,
    tokens: security.tokens,
    resilience: networkResilience('consolidador', urls.consolidador, log, runtime),
  });
  return buildBefore(consolidador, deps);
};

/** As `build`, with what calls consolidador given. */
export const buildBefore = async (
  consolidador: Consolidador,
  deps: Omit<FrontDeps, 'fetch' | 'urls'>,
): Promise<Service> => {
  const { runtime, bus, log, registry, settings } = deps;
  const ttl = { itemMs: settings.CACHE_TTL_MS, stockMs: settings.CACHE_STOCK_TTL_MS };
  const longest = keptMs(ttl);
  const floorMs = longest + SLOWEST_READ_MS;
  const floors = createFloors(runtime, floorMs);
  const place = placeOf(settings);
  const cache =
    place === undefined
      ? memoryCache(runtime, floors)
      : redisCache({ place, runtime, log, keptMs: longest, floorMs });
  const reads = addTally(
    registry,
    {
      name: 'cache_reads_total',
      help: 'Answers given, by whether they were kept (hit) or had to be read (miss)',
      label: 'outcome',
    },
    ['hit', 'miss'],
  );
  addLevel(
    registry,
    runtime,
    { name: 'cache_usable', help: 'Whether the cache can be used: 1 or 0. Without it, reads take longer' },
    () => [{ value: cache.usable() ? 1 : 0 }],
  );
  const reader = createReader({
    cache,
    floors,
    source: sourceAt(consolidador, runtime),
    runtime,
    log,
    ttl,
    counted(outcome) {
      reads[outcome] += 1;
    },
  });
  const app = await createServiceServer(
    deps,
    name,
    'Answers what there is of each item. Called by the BFF only.',
    fastPathTo(reader),
  );
  addQueryRoutes(app, reader);
  let subscription: Subscription | undefined;
  return {
    name,
    app,
    async start() {
      // First the news: what is kept from here on must hear of them.
      subscription = await bus.subscribe(
        {
          topics: newsContracts.map(({ topic }) => topic),
          subscription: name,
          mode: 'each-replica',
          maxBatch: MOST_NEWS,
        },
        (batch) =>
          reader.learn(
            newsOf(batch, (cause) => log.warn({ cause }, 'an event about the inventory cannot be read')),
          ),
      );
      cache.start();
    },
    drain: () => app.close(),
    async stop() {
      await subscription?.close();
      cache.close();
    },
  };
};

/** Where the settings say that Redis is; undefined where they do not. */
const placeOf = ({
  REDIS_URL,
  REDIS_HOST,
  REDIS_PORT,
  REDIS_PASSWORD,
}: AllSettings): RedisPlace | undefined => {
  if (REDIS_URL !== undefined) return REDIS_URL;
  if (REDIS_HOST === undefined) return undefined;
  return {
    host: REDIS_HOST,
    port: REDIS_PORT,
    ...(REDIS_PASSWORD !== undefined && { password: REDIS_PASSWORD }),
  };
};
