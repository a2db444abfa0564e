import { caseFold } from '@cordada/infra/case-fold.ts';
import { array } from '@cordada/infra/database/array.ts';
import { type Database, statement } from '@cordada/infra/database/database.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import { ItemSet } from './items.ts';
import { NOBODY, type ReservaFilter, type ReservaPage, reservaPage } from './reservas.ts';
import { BY_REFERENCE, ITEM, type PricedItem, referenceParameters } from './stock-store.ts';

/** An item as other services read it (systems.md §3). */
export interface ItemView {
  readonly id: string;
  readonly numero: number;
  readonly sku: string;
  readonly name: string;
  readonly description: string | null;
  readonly quantity: number;
  readonly reserved: number;
  readonly available: number;
  readonly version: number;
  readonly precio: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface StockReads {
  items(page: number, size: number): Promise<{ readonly items: ItemView[]; readonly total: number }>;
  /** By UUID, number, SKU or name, in that precedence. */
  item(reference: string): Promise<ItemView | undefined>;
  /** Those there are, in whatever order. */
  itemsWithIds(ids: readonly string[]): Promise<ItemView[]>;
  itemWithSku(sku: string): Promise<ItemView | undefined>;
  /** As `reservaPage`; an item may be named as a buyer names it. @throws CursorUnknown */
  reservas(filter: ReservaFilter, now: Date): Promise<ReservaPage>;
  /**
   * How many units of an item were available right after the last movement of a saga or operation: what there is now
   * less what moved since. What there is now, where the ledger has nothing of it (any more).
   */
  leftAfter(item: string, origen: string): Promise<number | undefined>;
  /** The newest first. */
  movimientos(filter: {
    readonly item?: string;
    readonly antes?: number;
    readonly limit?: number;
  }): Promise<object[]>;
}

const PRICED = `SELECT ${ITEM}, p.precio::text AS precio, p.version AS "precioVersion"
  FROM item i LEFT JOIN precio p ON p.item = i.id`;

const COUNT = statement(
  'read_item_count',
  'SELECT count(*)::int4 AS total FROM item WHERE eliminado IS NULL',
);
const PAGE = statement(
  'read_item_page',
  `${PRICED} WHERE i.eliminado IS NULL ORDER BY i.numero LIMIT $1 OFFSET $2::int8`,
);
const WITH_SKU = statement('read_item_sku', `${PRICED} WHERE i.sku_normalizado = $1 AND i.eliminado IS NULL`);

const MOVIMIENTO =
  'SELECT id, tipo, item, bodega, delta_cantidad, delta_reservada, reserva, origen, fecha FROM movimiento';
const MOVIMIENTOS = statement(
  'read_movimientos',
  `${MOVIMIENTO} WHERE id < $1::int8 ORDER BY id DESC LIMIT $2`,
);
const MOVIMIENTOS_OF_ITEM = statement(
  'read_movimientos_item',
  `${MOVIMIENTO} WHERE item = $3 AND id < $1::int8 ORDER BY id DESC LIMIT $2`,
);

const LEFT_AFTER = statement(
  'read_left_after',
  `SELECT (i.cantidad - i.reservada - coalesce((SELECT sum(m.delta_cantidad - m.delta_reservada) FROM movimiento m
     WHERE m.item = i.id AND m.id >
       (SELECT id FROM movimiento WHERE item = i.id AND origen = $2 ORDER BY id DESC LIMIT 1)), 0))::int4 AS disponible
   FROM item i WHERE i.id = $1::uuid`,
);

const view = (item: PricedItem): ItemView => ({
  id: item.id,
  numero: item.numero,
  sku: item.sku,
  name: item.nombre,
  description: item.descripcion,
  quantity: item.cantidad,
  reserved: item.reservada,
  available: item.cantidad - item.reservada,
  version: item.version,
  precio: item.precio,
  created_at: item.creado,
  updated_at: item.actualizado,
});

/** What can be asked of the stock without changing it. */
export const stockReads = (database: Pick<Database, 'query'>): StockReads => {
  const find = async (reference: string): Promise<PricedItem | undefined> => {
    if (reference.includes('\0')) return undefined;
    const rows = await database.query<PricedItem>(BY_REFERENCE, referenceParameters([reference]));
    return new ItemSet(rows).find(reference) as PricedItem | undefined;
  };
  /** The id that a filter asks for; nobody's for what does not exist. */
  const idOf = async (reference: string): Promise<string> =>
    isUuid(reference) ? reference : ((await find(reference))?.id ?? NOBODY);

  return {
    async items(page, size) {
      const [[count], rows] = await Promise.all([
        database.query<{ total: number }>(COUNT, []),
        database.query<PricedItem>(PAGE, [size, (page - 1) * size]),
      ]);
      return { items: rows.map(view), total: count?.total ?? 0 };
    },
    async item(reference) {
      const found = await find(reference);
      return found && view(found);
    },
    async itemsWithIds(ids) {
      const rows = await database.query<PricedItem>(BY_REFERENCE, [
        array('uuid', ids),
        array('int4', []),
        array('text', []),
      ]);
      return rows.filter(({ eliminado }) => eliminado === null).map(view);
    },
    async itemWithSku(sku) {
      if (sku.includes('\0')) return undefined;
      const [found] = await database.query<PricedItem>(WITH_SKU, [caseFold(sku)]);
      return found && view(found);
    },
    async reservas({ item, ...filter }, now) {
      return reservaPage(database, { ...filter, ...(item !== undefined && { item: await idOf(item) }) }, now);
    },
    async leftAfter(item, origen) {
      if (!isUuid(item)) return undefined;
      const [row] = await database.query<{ disponible: number }>(LEFT_AFTER, [item, origen]);
      return row?.disponible;
    },
    async movimientos({ item, antes = Number.MAX_SAFE_INTEGER, limit = 100 }) {
      const rows =
        item === undefined
          ? await database.query(MOVIMIENTOS, [antes, limit])
          : await database.query(MOVIMIENTOS_OF_ITEM, [antes, limit, await idOf(item)]);
      return rows.map((row) => ({ ...row, id: Number(row.id) }));
    },
  };
};
