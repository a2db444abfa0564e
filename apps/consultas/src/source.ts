import type { ServiceClient } from '@cordada/infra/http/service-client.ts';
import type { Cancel, Runtime } from '@cordada/infra/runtime.ts';
import DataLoader from 'dataloader';
import type { ItemView } from './item.ts';
import type { Source } from './reader.ts';

export type Consolidador = Pick<ServiceClient, 'call' | 'find'>;

/** Items wait for a request that is under way, to be asked for together, no longer than this. */
const GATHER_MS = 10;
/** As many as consolidador answers at once. */
const MOST_TOGETHER = 100;

/** An item with its price, which §3 does not show, and which is another service's to change. */
type PricedItem = ItemView & { readonly precio?: unknown };
const unpriced = ({ precio: _price, ...item }: PricedItem): ItemView => item;

/**
 * What consolidador answers. On a cold cache the items that are missed while others are under way share a request: it
 * costs either side as much as one for a single item.
 */
export const sourceAt = (consolidador: Consolidador, runtime: Pick<Runtime, 'after'>): Source => {
  let underWay = 0;
  /** Asks for those that have gathered; undefined where none have. */
  let ask: (() => void) | undefined;
  const byId = new DataLoader<string, ItemView | undefined>(
    async (ids) => {
      underWay += 1;
      try {
        const { items } = await consolidador.call<{ items: PricedItem[] }>({
          method: 'GET',
          path: ['items-by-id'],
          query: { ids: ids.join(',') },
        });
        const found = new Map(items.map((item) => [item.id, unpriced(item)]));
        return ids.map((id) => found.get(id));
      } finally {
        underWay -= 1;
        ask?.();
      }
    },
    {
      cache: false,
      maxBatchSize: MOST_TOGETHER,
      batchScheduleFn(dispatch) {
        ask?.();
        let cancel: Cancel = () => {};
        const once = (): void => {
          cancel();
          ask = undefined;
          dispatch();
        };
        ask = once;
        if (underWay === 0) void Promise.resolve().then(() => ask === once && once());
        else cancel = runtime.after(GATHER_MS, once);
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
