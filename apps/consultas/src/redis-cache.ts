import { decodeUtf8, encodeUtf8 } from '@cordada/infra/http/utf8.ts';
import type { Cancel, Runtime } from '@cordada/infra/runtime.ts';
import type { Logger } from '@cordada/infra/telemetry/logger.ts';
import type { Redis, RedisOptions } from 'ioredis';
import type { Cache, Found, Token } from './cache.ts';
import { type Entry, type Page, parseEntry, type Versioned } from './item.ts';
import { FIND, FIND_PAGE, LEARN, STORE, STORE_PAGE } from './redis-scripts.ts';

/** Where Redis is: an address, or its parts. */
export type RedisPlace =
  | string
  | { readonly host: string; readonly port: number; readonly password?: string };

export interface RedisCacheOptions {
  readonly place: RedisPlace;
  readonly runtime: Runtime;
  readonly log: Logger;
  /** For how long anything is kept, in milliseconds. */
  readonly keptMs: number;
  /** For how long the newest version of an item is remembered, in milliseconds. */
  readonly floorMs: number;
}

const PREFIX = 'cordada:consultas:';
/** A Redis that takes longer is away: whoever asked reads consolidador instead. */
const COMMAND_TIMEOUT_MS = 250;
const CONNECT_TIMEOUT_MS = 2_000;
const firstPauseMs = 250;
const longestPauseMs = 5_000;

const scripts = {
  find: FIND,
  store: STORE,
  findPage: FIND_PAGE,
  storePage: STORE_PAGE,
  learn: LEARN,
} as const;
type Script = keyof typeof scripts;
type Scripted = Redis & Record<Script, (...argv: (string | number)[]) => Promise<unknown>>;

const nothing = { ageMs: 0 };

/**
 * A cache in Redis, shared by all replicas. Whatever goes wrong with it (no connection, no answer in time, an error, an
 * answer of no sense) ends its use: nobody waits for it any more. It is used again, in the background, once a new epoch
 * stands in it, so that nothing is found that was kept before and missed the news meanwhile.
 */
export const redisCache = ({ place, runtime, log, keptMs, floorMs }: RedisCacheOptions): Cache => {
  let client: Scripted | undefined;
  let connecting: Scripted | undefined;
  let closed = false;
  let told = false;
  let pauseMs = firstPauseMs;
  let nextTry: Cancel = () => {};
  /** News came that Redis was not told of. */
  let missed = false;

  const within = <R>(answer: Promise<R>, ms: number): Promise<R> =>
    new Promise((resolve, reject) => {
      const cancel = runtime.after(ms, () => reject(new Error(`Redis did not answer within ${ms} ms`)));
      answer.then(resolve, reject).finally(cancel);
    });

  const lose = (lost: Scripted, error: unknown): void => {
    if (client !== lost || closed) return;
    client = undefined;
    lost.disconnect();
    if (!told) log.warn({ err: error }, 'Redis cannot be used: what is asked for is read from consolidador');
    told = true;
    retry();
  };

  const retry = (): void => {
    nextTry = runtime.after(pauseMs, () => void connect());
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  };

  const connect = async (): Promise<void> => {
    // On first use: nobody else pays for it.
    const { Redis } = await import('ioredis');
    if (closed) return;
    const options = {
      lazyConnect: true,
      // A lost connection is replaced by `connect`, with a new epoch; nothing is sent twice or later.
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      disableClientInfo: true,
      protocol: 2,
      connectTimeout: CONNECT_TIMEOUT_MS,
    } as const satisfies RedisOptions;
    const opened = (
      typeof place === 'string' ? new Redis(place, options) : new Redis({ ...place, ...options })
    ) as Scripted;
    connecting = opened;
    for (const [name, lua] of Object.entries(scripts)) opened.defineCommand(name, { numberOfKeys: 0, lua });
    opened.on('error', (error) => lose(opened, error)); // without a listener it would end the process
    opened.on('end', () => lose(opened, new Error('the connection ended')));
    try {
      await within(opened.connect(), CONNECT_TIMEOUT_MS);
      do {
        missed = false;
        const raised: unknown = await within(
          opened.set(`${PREFIX}epoch`, runtime.uuid()),
          COMMAND_TIMEOUT_MS,
        );
        if (raised !== 'OK') throw new Error('Redis gave an answer of no sense');
      } while (missed);
      if (closed) return opened.disconnect();
      client = opened;
      pauseMs = firstPauseMs;
      if (told) log.info('Redis is used again');
      told = false;
    } catch (error) {
      opened.disconnect();
      if (closed) return;
      if (!told)
        log.warn({ err: error }, 'Redis cannot be used: what is asked for is read from consolidador');
      told = true;
      retry();
    } finally {
      connecting = undefined;
    }
  };
  /** @returns undefined where Redis cannot be used */
  const run = async (script: Script, ...argv: (string | number)[]): Promise<unknown> => {
    const used = client;
    if (used === undefined) return undefined;
    try {
      return await within(used[script](PREFIX, ...argv), COMMAND_TIMEOUT_MS);
    } catch (error) {
      lose(used, error);
      return undefined;
    }
  };

  /** What a find of `script` says, its text read by `parse`. */
  const foundBy = async <Kept>(
    answer: Promise<unknown>,
    parse: (text: string, rest: readonly unknown[]) => Kept | undefined,
  ): Promise<Found<Kept>> => {
    const reply = await answer;
    if (!Array.isArray(reply)) return nothing;
    const [epoch, names, text, leftMs, ...rest] = reply;
    if (typeof epoch !== 'string' || typeof names !== 'string') return nothing;
    const token: Token = { epoch, names };
    const kept = typeof text === 'string' ? parse(text, rest) : undefined;
    // What has no time to live was not written by us.
    if (kept === undefined || typeof leftMs !== 'number' || leftMs < 0) return { token, ageMs: 0 };
    return { token, kept, ageMs: keptMs - leftMs };
  };

  return {
    inProcess: false,
    start: () => void connect(),
    find({ key, id }) {
      const asked = id === undefined ? ['ref', key] : ['id', id];
      return foundBy<Entry>(run('find', runtime.uuid(), ...asked), parseEntry);
    },
    async store(token, { key, id }, entry, elapsedMs) {
      const left = keptMs - elapsedMs;
      if (left < 1) return;
      const ref = id === undefined ? key : '';
      const { epoch, names } = token;
      await run('store', epoch, names, entry.id, entry.version, decodeUtf8(entry.item), left, floorMs, ref);
    },
    findPage: (key) =>
      foundBy<Page>(run('findPage', runtime.uuid(), key), (text, [versions]) => {
        const known = typeof versions === 'string' ? versionsOf(versions) : undefined;
        return known && isJson(text) ? { body: encodeUtf8(text), versions: known } : undefined;
      }),
    async storePage({ epoch, names }, key, page, elapsedMs) {
      const left = keptMs - elapsedMs;
      if (left < 1) return;
      const versions = page.versions.map(({ id, version }) => `${id}:${version}`).join(',') || NO_ITEMS;
      await run('storePage', epoch, names, key, versions, decodeUtf8(page.body), left, floorMs);
    },
    async learn({ versions, refs }) {
      if (client === undefined) {
        missed = true;
        return;
      }
      const items = versions.flatMap(({ id, version }) => [id, version]);
      await run('learn', floorMs, versions.length, ...items, ...refs);
    },
    usable: () => client !== undefined,
    close() {
      closed = true;
      nextTry();
      connecting?.disconnect();
      client?.disconnect();
      client = undefined;
    },
  };
};

/** The versions of a page without items: a text of none would not be matched. */
const NO_ITEMS = '-';

const versionsOf = (text: string): Versioned[] | undefined => {
  if (text === NO_ITEMS) return [];
  const versions = text.split(',').map((one) => {
    const [id = '', version = ''] = one.split(':');
    return { id, version: Number(version) };
  });
  return versions.every(({ id, version }) => id !== '' && Number.isSafeInteger(version))
    ? versions
    : undefined;
};

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};
