import type { Runtime } from '@cordada/infra/runtime.ts';
import { LRUCache } from 'lru-cache';
import type { Versioned } from './item.ts';

/** Items whose newest version is remembered, of those last heard of. */
const MOST = 100_000;

/** The newest version of each item that this replica has shown or heard of: it shows no older one. */
export interface Floors {
  /** 0 where nothing is known. */
  of(id: string): number;
  /** @returns false where a newer one is known, and stays */
  raise(to: Versioned): boolean;
  /** What is there is older than what is remembered: a database that was put back. */
  reset(to: Versioned): void;
}

/** @param lastsMs for how long a version counts; longer than anything older can still be on its way or be kept */
export const createFloors = (runtime: Pick<Runtime, 'now'>, lastsMs: number): Floors => {
  // Counted as sizes: `max` would take the room of all of them at once.
  const known = new LRUCache<string, { version: number; at: number }>({
    maxSize: MOST,
    sizeCalculation: () => 1,
  });
  const of = (id: string): number => {
    const floor = known.get(id);
    return floor !== undefined && runtime.now() - floor.at < lastsMs ? floor.version : 0;
  };
  return {
    of,
    raise({ id, version }) {
      const floor = known.get(id);
      if (floor !== undefined && floor.version > version && runtime.now() - floor.at < lastsMs) return false;
      if (floor === undefined) known.set(id, { version, at: runtime.now() });
      else {
        floor.version = version;
        floor.at = runtime.now();
      }
      return true;
    },
    reset: ({ id, version }) => void known.set(id, { version, at: runtime.now() }),
  };
};
