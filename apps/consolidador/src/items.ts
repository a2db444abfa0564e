import { caseFold } from '@cordada/infra/case-fold.ts';
import { RowSet } from '@cordada/infra/database/row-set.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';

/** What is sold, with the sums of its warehouses. */
export interface Item {
  readonly id: string;
  readonly numero: number;
  readonly sku: string;
  /** `sku` in the form in which two are the same; so is the name's. */
  readonly skuNormalizado: string;
  readonly nombre: string;
  readonly nombreNormalizado: string;
  readonly descripcion: string | null;
  readonly cantidad: number;
  readonly reservada: number;
  /** One more with every change. */
  readonly version: number;
  readonly creado: Date;
  readonly actualizado: Date;
  readonly eliminado: Date | null;
}

/** What an item may be called by: its UUID, its number, its SKU or its name, the first that finds one. */
export interface Reference {
  readonly uuid: string | undefined;
  readonly numero: number | undefined;
  /** As SKUs and names are compared. */
  readonly text: string;
}

const MOST_NUMERO = 2_147_483_647;

export const referenceOf = (text: string): Reference => {
  const numero = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  return {
    uuid: isUuid(text) ? text.toLowerCase() : undefined,
    numero: numero <= MOST_NUMERO ? numero : undefined,
    text: caseFold(text),
  };
};

/** The items that a batch read or changed, by all that they are called by. */
export class ItemSet {
  readonly #rows: RowSet<Item>;
  /** The version that each was read with. */
  readonly #read = new Map<string, number>();
  readonly #described = new Set<string>();
  readonly #byNumero = new Map<number, string>();
  readonly #bySku = new Map<string, string>();
  readonly #byNombre = new Map<string, Set<string>>();

  /** @param loaded of two rows of one item the later counts */
  constructor(loaded: Iterable<Item> = []) {
    const rows = new Map<string, Item>();
    for (const item of loaded) rows.set(item.id, item);
    this.#rows = new RowSet(rows.values());
    for (const item of rows.values()) {
      this.#read.set(item.id, item.version);
      this.#index(item);
    }
  }

  /** Whether it lives or not. */
  get(id: string): Item | undefined {
    return this.#rows.get(id.toLowerCase());
  }

  /** By id, where it is not deleted. */
  live(id: string): Item | undefined {
    const item = this.get(id);
    return item && item.eliminado === null ? item : undefined;
  }

  /** The live item that a SKU is of. */
  withSku(normalized: string): Item | undefined {
    return this.live(this.#bySku.get(normalized) ?? '');
  }

  /** Whether a number was given already, be it to an item that is gone. */
  hasNumero(numero: number): boolean {
    return this.#byNumero.has(numero);
  }

  /** The live item that `text` calls by its UUID, number, SKU or name, in that precedence; of one name the lowest number. */
  find(text: string): Item | undefined {
    const { uuid, numero, text: folded } = referenceOf(text);
    return (
      (uuid === undefined ? undefined : this.live(uuid)) ??
      (numero === undefined ? undefined : this.live(this.#byNumero.get(numero) ?? '')) ??
      this.withSku(folded) ??
      this.#withNombre(folded)
    );
  }

  insert(item: Item): void {
    this.#rows.insert(item);
    this.#index(item);
  }

  /** Quantities and version. */
  update(item: Item): void {
    this.#rows.update(item);
  }

  /** Name, description, or that it is deleted. */
  describe(item: Item): void {
    this.#rows.update(item);
    this.#described.add(item.id);
    this.#index(item);
  }

  get inserted(): Item[] {
    return this.#rows.inserted;
  }

  /** Changed ones, in id order, each with the version that it was read with. */
  get updated(): { readonly item: Item; readonly read: number; readonly described: boolean }[] {
    return this.#rows.updated.map((item) => ({
      item,
      read: this.#read.get(item.id) as number,
      described: this.#described.has(item.id),
    }));
  }

  #index(item: Item): void {
    this.#byNumero.set(item.numero, item.id);
    if (item.eliminado !== null) return;
    this.#bySku.set(item.skuNormalizado, item.id);
    const named = this.#byNombre.get(item.nombreNormalizado) ?? new Set();
    this.#byNombre.set(item.nombreNormalizado, named.add(item.id));
  }

  #withNombre(folded: string): Item | undefined {
    let found: Item | undefined;
    for (const id of this.#byNombre.get(folded) ?? []) {
      const item = this.live(id);
      if (item?.nombreNormalizado === folded && (!found || item.numero < found.numero)) found = item;
    }
    return found;
  }
}
