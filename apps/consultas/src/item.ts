import { caseFold } from '@cordada/infra/case-fold.ts';
import { decodeUtf8, encodeUtf8, type Utf8 } from '@cordada/infra/http/utf8.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';

/** An item as consolidador tells it; what else it has is passed on. */
export interface ItemView {
  readonly id: string;
  readonly numero: number;
  readonly sku: string;
  readonly name: string;
  readonly quantity: number;
  readonly reserved: number;
  readonly available: number;
  /** Grows with every change of the item or of its stock. */
  readonly version: number;
  readonly updated_at: string;
}

/** What is shown of an item. */
export type View = 'item' | 'stock';

/** An item as it is kept: little more than what is sent the most. Anything else is read out of that when it is asked for. */
export interface Entry {
  readonly id: string;
  readonly version: number;
  /** JSON. */
  readonly item: Utf8;
}

export const entryOf = (item: ItemView): Entry => ({
  id: item.id,
  version: item.version,
  item: encodeUtf8(JSON.stringify(item)),
});

const itemOf = ({ item }: Entry): ItemView => JSON.parse(decodeUtf8(item));

/** @returns JSON */
export const viewOf = (entry: Entry, view: View): Utf8 => {
  if (view === 'item') return entry.item;
  const { id, sku, quantity, reserved, available, updated_at } = itemOf(entry);
  return encodeUtf8(JSON.stringify({ id, sku, quantity, reserved, available, updated_at }));
};

/** @returns undefined for what is no item: whatever else stands in the cache, it is as if nothing did */
export const parseEntry = (text: string): Entry | undefined => {
  try {
    const item: Partial<ItemView> | null = JSON.parse(text);
    const whole =
      typeof item?.id === 'string' &&
      typeof item.sku === 'string' &&
      typeof item.name === 'string' &&
      typeof item.updated_at === 'string' &&
      [item.numero, item.quantity, item.reserved, item.available, item.version].every(Number.isSafeInteger);
    return whole
      ? { id: item.id as string, version: item.version as number, item: encodeUtf8(text) }
      : undefined;
  } catch {
    return undefined;
  }
};

/** How a client calls an item. */
export interface Ref {
  /** The same for all ways to write it. */
  readonly key: string;
  /** Where it is the item's own id. */
  readonly id?: string;
  /** Where consolidador answers it. */
  readonly path: readonly string[];
  /** Whether an item is still called so. */
  names(entry: Entry): boolean;
}

/** Made for each request that is answered from memory: what that does not need is only made when it is asked for. */
class IdRef implements Ref {
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }

  get key(): string {
    return `id:${this.id}`;
  }

  get path(): readonly string[] {
    return ['items', this.id];
  }

  names(entry: Entry): boolean {
    return entry.id === this.id;
  }
}

/** @param id in lower case */
export const idRefOf = (id: string): Ref => new IdRef(id);

/** An id, a number, a SKU or a name: consolidador knows which comes first. */
export const refOf = (text: string): Ref => {
  const folded = caseFold(text);
  if (isUuid(text)) return idRefOf(folded);
  return {
    key: `ref:${folded}`,
    path: ['items', text],
    names(entry) {
      const { numero, sku, name } = itemOf(entry);
      return String(numero) === text || caseFold(sku) === folded || caseFold(name) === folded;
    },
  };
};

export const skuRefOf = (text: string): Ref => {
  const folded = caseFold(text);
  return {
    key: `sku:${folded}`,
    path: ['items', 'sku', text],
    names: (entry) => caseFold(itemOf(entry).sku) === folded,
  };
};

/** The keys of all refs that a name, a number or a SKU can be meant by. */
export const refKeysOf = ({
  sku,
  name,
  numero,
}: {
  readonly sku: string;
  readonly name?: string;
  readonly numero?: number;
}): string[] => [
  `sku:${caseFold(sku)}`,
  `ref:${caseFold(sku)}`,
  ...(name === undefined ? [] : [`ref:${caseFold(name)}`]),
  ...(numero === undefined ? [] : [`ref:${numero}`]),
];

/** A page of the list of items, as it is kept. */
export interface Page {
  /** JSON. */
  readonly body: Utf8;
  readonly versions: readonly Versioned[];
}

export interface Versioned {
  readonly id: string;
  readonly version: number;
}
