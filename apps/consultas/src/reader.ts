import { encodeUtf8, type Utf8 } from '@cordada/infra/http/utf8.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import type { Logger } from '@cordada/infra/telemetry/logger.ts';
import type { Cache, Found, News, Token } from './cache.ts';
import type { Floors } from './floors.ts';
import {
  type Entry,
  entryOf,
  type ItemView,
  type Page,
  type Ref,
  type Versioned,
  type View,
  viewOf,
} from './item.ts';

export interface Answer {
  /** JSON. */
  readonly body: Utf8;
  readonly hit: boolean;
}

/** The read side of consolidador. */
export interface Source {
  /** @throws HttpError 503 when it is away */
  item(ref: Ref): Promise<ItemView | undefined>;
  page(page: number, size: number): Promise<{ readonly items: readonly ItemView[] }>;
}

export interface Reader {
  /**
   * At once where it is kept in this process; undefined where there is no such item.
   * @throws HttpError 503 when it is not kept and consolidador is away
   */
  one(ref: Ref, view: View): Answer | undefined | Promise<Answer | undefined>;
  /** @throws HttpError 503 as `one` */
  page(page: number, size: number): Promise<Answer>;
  /** What consolidador has told. */
  learn(news: News): Promise<void>;
}

export interface ReaderOptions {
  readonly cache: Cache;
  readonly floors: Floors;
  readonly source: Source;
  readonly runtime: Runtime;
  readonly log: Logger;
  readonly ttl: { readonly itemMs: number; readonly stockMs: number };
  /** Told of each answer. */
  counted(outcome: 'hit' | 'miss'): void;
}

/** What was read or found for all who asked for it meanwhile. */
interface Landed<Kept> {
  readonly kept: Kept | undefined;
  readonly hit: boolean;
  readonly ageMs: number;
}

/** What was read is older than what is known: it is read again, so often. */
const MOST_READS = 5;

/**
 * Answers from the cache, else from consolidador: once for all who ask for the same while that lasts. What it answers
 * was true less than its time to live ago, and is of no older version than any that this replica has shown or heard of.
 */
export const createReader = (options: ReaderOptions): Reader => {
  const { cache, floors, source, runtime, log, ttl, counted } = options;
  /** How old each may be, in milliseconds. */
  const most: Readonly<Record<View, number>> = { item: ttl.itemMs, stock: ttl.stockMs };
  const flights = new Map<string, Promise<Landed<unknown>>>();
  /** How often an item was created, renamed or deleted, as far as this replica has heard. */
  let names = 0;

  const isNewest = (versions: readonly Versioned[]): boolean =>
    versions.every(({ id, version }) => version >= floors.of(id));
  const isFresh = (ageMs: number, most: number): boolean => ageMs >= 0 && ageMs < most;

  /** Reads until what is read is no older than what has been shown or heard of, be it meanwhile. */
  const read = async <Kept>(
    get: () => Promise<Kept | undefined>,
    versionsOf: (kept: Kept) => readonly Versioned[],
  ): Promise<{ kept: Kept | undefined; elapsedMs: number }> => {
    for (let reads = 1; ; reads += 1) {
      const began = runtime.now();
      const namesBefore = names;
      const kept = await get();
      const current = kept === undefined ? names === namesBefore : isNewest(versionsOf(kept));
      if (!current && reads < MOST_READS) continue;
      if (!current && kept !== undefined) {
        const versions = versionsOf(kept);
        log.warn({ versions }, 'consolidador has older versions than it told of: they count from now on');
        for (const version of versions) if (version.version < floors.of(version.id)) floors.reset(version);
      }
      return { kept, elapsedMs: runtime.now() - began };
    }
  };

  /** One for all who want the same: the look into the cache included. */
  const fly = <Kept>(
    key: string,
    find: () => Found<Kept> | Promise<Found<Kept>>,
    isUsable: (found: Found<Kept>) => boolean,
    get: () => Promise<Kept | undefined>,
    versionsOf: (kept: Kept) => readonly Versioned[],
    store: (token: Token, kept: Kept, elapsedMs: number) => void | Promise<void>,
  ): Promise<Landed<Kept>> => {
    const underWay = flights.get(key);
    if (underWay !== undefined) return underWay as Promise<Landed<Kept>>;
    const flight = (async (): Promise<Landed<Kept>> => {
      const found = await find();
      if (isUsable(found)) return { kept: found.kept, hit: true, ageMs: found.ageMs };
      const { kept, elapsedMs } = await read(get, versionsOf);
      if (kept !== undefined && found.token !== undefined) await store(found.token, kept, elapsedMs);
      return { kept, hit: false, ageMs: elapsedMs };
    })();
    flights.set(key, flight);
    // Not before it is stored: who looks then finds it.
    const over = (): void => void flights.delete(key);
    flight.then(over, over);
    return flight;
  };

  const shown = (body: Utf8, hit: boolean, versions: readonly Versioned[]): Answer => {
    for (const version of versions) floors.raise(version);
    counted(hit ? 'hit' : 'miss');
    return { body, hit };
  };

  const one = async (ref: Ref, view: View): Promise<Answer | undefined> => {
    for (;;) {
      const { kept, hit, ageMs } = await fly<Entry>(
        ref.key,
        () => cache.find(ref),
        (found) => usable(ref, found, view),
        async () => {
          const item = await source.item(ref);
          return item && entryOf(item);
        },
        (entry) => [entry],
        (token, entry, elapsedMs) => cache.store(token, ref, entry, elapsedMs),
      );
      if (kept === undefined) {
        counted('miss');
        return undefined;
      }
      // Who came later, or wants it fresher, than the one whose answer this is, looks by itself.
      if (isNewest([kept]) && (!hit || isFresh(ageMs, most[view])))
        return shown(viewOf(kept, view), hit, [kept]);
    }
  };

  const usable = (ref: Ref, { kept, ageMs }: Found<Entry>, view: View): boolean =>
    kept !== undefined && isFresh(ageMs, most[view]) && ref.names(kept) && isNewest([kept]);

  /** What is kept of it; undefined where it must be read, or where the cache must be waited for. */
  const keptOf = (ref: Ref, view: View): Utf8 | undefined => {
    if (!cache.inProcess) return undefined;
    const { kept, ageMs } = cache.find(ref) as Found<Entry>;
    if (kept === undefined || !isFresh(ageMs, most[view]) || !ref.names(kept)) return undefined;
    // What is older than what was shown or heard of is not raised to.
    if (!floors.raise(kept)) return undefined;
    counted('hit');
    return viewOf(kept, view);
  };

  return {
    one(ref, view) {
      const body = keptOf(ref, view);
      return body === undefined ? one(ref, view) : { body, hit: true };
    },
    async page(page, size) {
      const key = `${page}:${size}`;
      for (;;) {
        const { kept, hit } = await fly<Page>(
          `page:${key}`,
          () => cache.findPage(key),
          (seen) =>
            seen.kept !== undefined && isFresh(seen.ageMs, ttl.itemMs) && isNewest(seen.kept.versions),
          async () => {
            const answer = await source.page(page, size);
            const versions = answer.items.map(({ id, version }) => ({ id, version }));
            return { body: encodeUtf8(JSON.stringify(answer)), versions };
          },
          ({ versions }) => versions,
          (token, seen, elapsedMs) => cache.storePage(token, key, seen, elapsedMs),
        );
        if (kept !== undefined && isNewest(kept.versions)) return shown(kept.body, hit, kept.versions);
      }
    },
    async learn(news) {
      for (const version of news.versions) floors.raise(version);
      if (news.refs.length > 0) names += 1;
      await cache.learn(news);
    },
  };
};
