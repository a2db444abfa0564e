import { keptMs } from '@cordada/consultas/cache.ts';
import { createFloors } from '@cordada/consultas/floors.ts';
import { type ItemView, refOf } from '@cordada/consultas/item.ts';
import { memoryCache } from '@cordada/consultas/memory-cache.ts';
import { newsContracts, newsOf } from '@cordada/consultas/news.ts';
import { createReader } from '@cordada/consultas/reader.ts';
import type { Bus } from '@cordada/infra/bus/bus.ts';
import { decodeUtf8 } from '@cordada/infra/http/utf8.ts';
import { createLogger } from '@cordada/infra/telemetry/logger.ts';
import type { Incarnation } from '@cordada/infra/testing/virtual-time.ts';
import type { PlannedRead, Purchases } from './purchases.ts';

/** Longer than the slowest read takes. */
const SLOWEST_READ_MS = 120_000;

export interface MemoryConsultas {
  /** What it shows of an item; undefined where there is none. */
  read(
    asked: PlannedRead,
  ): Promise<(Pick<ItemView, 'id' | 'quantity' | 'reserved'> & { readonly version?: number }) | undefined>;
}

/**
 * What a life of `consultas` is without its HTTP side: its reader, its cache and what it hears of.
 * @param find asks consolidador; rejects where that is away
 */
export const memoryConsultas = async (
  bus: Pick<Bus, 'subscribe'>,
  { runtime, call }: Incarnation,
  { cacheMs }: Purchases,
  find: (called: string) => Promise<ItemView | undefined>,
): Promise<MemoryConsultas> => {
  const ttl = { itemMs: cacheMs.item, stockMs: cacheMs.stock };
  const floors = createFloors(runtime, keptMs(ttl) + SLOWEST_READ_MS);
  const reader = createReader({
    cache: memoryCache(runtime, floors),
    floors,
    source: {
      item: ({ path }) => call(() => find(path.at(-1) ?? '')),
      page: () => Promise.reject(new Error('no page is asked for')),
    },
    runtime,
    log: createLogger({ name: 'consultas', level: 'silent', readable: false, now: runtime.now }),
    ttl,
    counted: () => {},
  });
  await bus.subscribe(
    {
      topics: newsContracts.map(({ topic }) => topic),
      subscription: 'consultas',
      mode: 'each-replica',
      maxBatch: 500,
    },
    (batch) => reader.learn(newsOf(batch, () => {})),
  );
  return {
    async read({ item, view }) {
      const answer = await reader.one(refOf(item), view);
      return answer && JSON.parse(decodeUtf8(answer.body));
    },
  };
};
