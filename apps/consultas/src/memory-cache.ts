import type { Runtime } from '@cordada/infra/runtime.ts';
import { LRUCache } from 'lru-cache';
import type { Cache, Token } from './cache.ts';
import type { Floors } from './floors.ts';
import type { Entry, Page } from './item.ts';

const MOST_ENTRIES = 50_000;
const MOST_REFS = 50_000;
/** Of all pages together. */
const MOST_PAGE_BYTES = 32 * 1024 * 1024;

interface Kept<Value> {
  readonly value: Value;
  /** When the read of it began, epoch milliseconds. */
  readonly at: number;
}

/** A cache of this process alone. @param floors what its reader has shown or heard of: nothing older is kept */
export const memoryCache = (runtime: Pick<Runtime, 'now'>, floors: Floors): Cache => {
  // Counted as sizes: `max` would take the room of all of them at once.
  const entries = new LRUCache<string, Kept<Entry>>({ maxSize: MOST_ENTRIES, sizeCalculation: () => 1 });
  const refs = new LRUCache<string, string>({ maxSize: MOST_REFS, sizeCalculation: () => 1 });
  const pages = new LRUCache<string, Kept<Page> & { readonly names: number }>({
    maxSize: MOST_PAGE_BYTES,
    sizeCalculation: ({ value }) => value.body.length + 1,
  });
  let names = 0;
  let token: Token = { epoch: '', names: '0' };

  return {
    inProcess: true,
    start: () => {},
    find(ref) {
      const kept = entries.get(ref.id ?? refs.get(ref.key) ?? '');
      if (kept === undefined) return { token, ageMs: 0 };
      return { token, kept: kept.value, ageMs: runtime.now() - kept.at };
    },
    store(before, { key, id }, entry, elapsedMs) {
      if (entry.version < floors.of(entry.id)) return;
      const known = entries.get(entry.id);
      if (known !== undefined && known.value.version > entry.version) return;
      entries.set(entry.id, { value: entry, at: runtime.now() - elapsedMs });
      if (id === undefined && before.names === token.names) refs.set(key, entry.id);
    },
    findPage(key) {
      const kept = pages.get(key);
      if (kept === undefined || kept.names !== names) return { token, ageMs: 0 };
      return { token, kept: kept.value, ageMs: runtime.now() - kept.at };
    },
    storePage(before, key, page, elapsedMs) {
      if (before.names !== token.names) return;
      pages.set(key, { value: page, at: runtime.now() - elapsedMs, names });
    },
    learn(news) {
      for (const { id, version } of news.versions) {
        const kept = entries.get(id);
        if (kept !== undefined && kept.value.version < version) entries.delete(id);
      }
      if (news.refs.length === 0) return;
      for (const key of news.refs) refs.delete(key);
      names += 1;
      token = { epoch: '', names: String(names) };
    },
    usable: () => true,
    close() {
      entries.clear();
      refs.clear();
      pages.clear();
    },
  };
};
