import type { ServiceClient } from '@cordada/infra/http/service-client.ts';
import type { Cancel, Runtime } from '@cordada/infra/runtime.ts';
import DataLoader from 'dataloader';
import type { ItemView } from './item.ts';
import type { Source } from './reader.ts';

export type Consolidador = Pick<ServiceClient, 'call' | 'find'>;

/** Items that are missed sooner after a request than this, in milliseconds, wait for the next one, which asks for all of them. */
const GATHER_MS = 10;
/** As many as consolidador answers at once. */
const MOST_TOGETHER = 100;

/** An item with its price, which §3 does not show, and which is another service's to change. */
type PricedItem = ItemView & { readonly precio?: unknown };
const unpriced = ({ precio: _price, ...item }: PricedItem): ItemView => item;

/**
 * What consolidador answers. One item alone is asked for at once; on a cold cache items share requests, of which there
 * are a hundred a second at the most and those that are full: one costs either side as much as for a single item.
 */
export const sourceAt = (consolidador: Consolidador, runtime: Pick<Runtime, 'after' | 'now'>): Source => {
  /** When items were last asked for, in milliseconds. */
  let lastAsked = Number.NEGATIVE_INFINITY;
  /** Asks for those that have gathered; undefined where none have. */
  let ask: (() => void) | undefined;
  const byId = new DataLoader<string, ItemView | undefined>(
    async (ids) => {
      const { items } = await consolidador.call<{ items: PricedItem[] }>({
        method: 'GET',
        path: ['items-by-id'],
        query: { ids: ids.join(',') },
      });
      const found = new Map(items.map((item) => [item.id, unpriced(item)]));
      return ids.map((id) => found.get(id));
    },
    {
      cache: false,
      maxBatchSize: MOST_TOGETHER,
      batchScheduleFn(dispatch) {
        ask?.(); // it is full
        let cancel: Cancel = () => {};
        const once = (): void => {
          cancel();
          ask = undefined;
          lastAsked = runtime.now();
          dispatch();
        };
        ask = once;
        const wait = lastAsked + GATHER_MS - runtime.now();
        // No longer than that where the clock has gone back.
        if (wait > 0) cancel = runtime.after(Math.min(wait, GATHER_MS), once);
        else void Promise.resolve().then(() => ask === once && once());
      },
    },
  );
  return {
    async item({ id, path }) {
      const known = id === undefined ? undefined : await byId.load(id);
      if (known !== undefined) return known;
      // A UUID that is nobody's id may be a SKU or a name.
      const item = await consolidador.find<PricedItem>({ method: 'GET', path });
      return item && unpriced(item);
    },
    async page(page, size) {
      const query = { page, page_size: size };
      const answer = await consolidador.call<{ items: PricedItem[] }>({
        method: 'GET',
        path: ['items'],
        query,
      });
      return { ...answer, items: answer.items.map(unpriced) };
    },
  };
};
