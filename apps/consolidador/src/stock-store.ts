import { array, column } from '@cordada/infra/database/array.ts';
import { type SqlTransaction, statement } from '@cordada/infra/database/database.ts';
import { type Item, referenceOf } from './items.ts';
import { type Existencia, type Linea, type Precio, type Reserva, Stock } from './stock.ts';

/** What a batch must know of the stock. Ids are UUIDs in lower case. */
export interface StockNeeds {
  /** Products as a buyer calls them, or SKUs and numbers that must be free: read, not locked. */
  readonly references: Set<string>;
  /** Items that may change. */
  readonly items: Set<string>;
  /** Reservations that may change, with the items of their lines. */
  readonly reservas: Set<string>;
  /** Items whose live manual reservations may change. */
  readonly manual: Set<string>;
  /** Items whose price is learnt. */
  readonly precios: Set<string>;
}

/** The columns of an `Item`, of a table called `i`. */
export const ITEM = `i.id, i.numero, i.sku, i.sku_normalizado AS "skuNormalizado", i.nombre,
  i.nombre_normalizado AS "nombreNormalizado", i.descripcion, i.cantidad, i.reservada, i.version, i.creado,
  i.actualizado, i.eliminado`;

// LATERAL with LIMIT: one look into an index a reference, whatever the planner believes of the table's size.
export const BY_REFERENCE = statement(
  'item_by_reference',
  `SELECT f.*, p.precio::text AS precio, p.version AS "precioVersion"
   FROM (
     SELECT ${ITEM} FROM unnest($1::uuid[]) w (id), LATERAL (SELECT * FROM item WHERE id = w.id LIMIT 1) i
     UNION ALL
     SELECT ${ITEM} FROM unnest($2::int4[]) w (numero), LATERAL (SELECT * FROM item WHERE numero = w.numero LIMIT 1) i
     UNION ALL
     SELECT ${ITEM} FROM unnest($3::text[]) w (texto),
       LATERAL (SELECT * FROM item WHERE sku_normalizado = w.texto AND eliminado IS NULL LIMIT 1) i
     UNION ALL
     SELECT ${ITEM} FROM unnest($3::text[]) w (texto),
       LATERAL (SELECT * FROM item WHERE nombre_normalizado = w.texto AND eliminado IS NULL ORDER BY numero LIMIT 1) i
   ) f LEFT JOIN LATERAL (SELECT precio, version FROM precio WHERE item = f.id LIMIT 1) p ON true`,
);

/** An item with its price, as `BY_REFERENCE` answers it. */
export type PricedItem = Item & { readonly precio: string | null; readonly precioVersion: number | null };

// Every change of an item's units, and of its reservations, is made under the lock of the item: all take it in this
// order, and what is read after it cannot change any more. The statements see what is committed when they begin.
const TOUCHED = `SELECT unnest($1::uuid[]) UNION SELECT item FROM reserva_linea WHERE reserva = ANY($2::uuid[])`;

const LOCK_ITEMS = statement(
  'item_lock',
  `SELECT ${ITEM} FROM item i WHERE i.id IN (${TOUCHED}) ORDER BY i.id FOR UPDATE`,
);

const LOCK_EXISTENCIAS = statement(
  'existencia_lock',
  `SELECT item || '/' || bodega AS id, item, bodega, cantidad, reservada, version FROM existencia
   WHERE item IN (${TOUCHED}) ORDER BY item, bodega FOR UPDATE`,
);

const RESERVA = 'r.id, r.dueno, r.compra, r.origen, r.estado, r.creada, r.vence, r.avisada, r.actualizada';
const LINEA = 'l.reserva, l.item, l.bodega, l.cantidad';
/** The live reservations by hand, which are few, of these items. */
const MANUAL = `SELECT l.reserva FROM (SELECT id FROM reserva WHERE estado = 'VIGENTE' AND dueno = 'MANUAL' OFFSET 0) v
  JOIN reserva_linea l ON l.reserva = v.id AND l.item = ANY($1::uuid[])`;

const LOCK_RESERVAS = statement(
  'reserva_lock',
  `SELECT ${RESERVA} FROM reserva r WHERE r.id = ANY($1::uuid[]) ORDER BY r.id FOR UPDATE`,
);

const LINEAS = statement(
  'reserva_linea_of',
  `SELECT ${LINEA} FROM reserva_linea l WHERE l.reserva = ANY($1::uuid[]) ORDER BY l.reserva, l.item, l.bodega`,
);

const LOCK_MANUAL = statement(
  'reserva_lock_manual',
  `SELECT ${RESERVA} FROM reserva r WHERE r.id IN (${MANUAL}) ORDER BY r.id FOR UPDATE`,
);

const LINEAS_MANUAL = statement(
  'reserva_linea_of_manual',
  `SELECT ${LINEA} FROM reserva_linea l WHERE l.reserva IN (${MANUAL}) ORDER BY l.reserva, l.item, l.bodega`,
);

const PRECIOS = statement(
  'precio_of',
  'SELECT item AS id, precio::text AS precio, version FROM precio WHERE item = ANY($1::uuid[])',
);

/** The parameters of a statement that looks items up by what they are called. */
export const referenceParameters = (references: Iterable<string>) => {
  const all = [...references].map(referenceOf);
  const present = <Value>(values: readonly (Value | undefined)[]) => [
    ...new Set(values.filter((value): value is Value => value !== undefined)),
  ];
  return [
    array('uuid', present(all.map(({ uuid }) => uuid))),
    array('int4', present(all.map(({ numero }) => numero))),
    array('text', present(all.map(({ text }) => text))),
  ] as const;
};

const priceOf = ({ id, precio, precioVersion: version }: PricedItem): Precio[] =>
  version === null ? [] : [{ id, precio, version }];

type ReservaRow = Omit<Reserva, 'lineas'>;
type LineaRow = Linea & { readonly reserva: string };

/** A reservation that two statements have answered has the lines of the first. */
const linesByReserva = (...answers: readonly (readonly LineaRow[])[]): ReadonlyMap<string, Linea[]> => {
  const all = new Map<string, Linea[]>();
  for (const rows of answers) {
    const these = new Map<string, Linea[]>();
    for (const { reserva, ...line } of rows) {
      const lines = these.get(reserva);
      if (lines) lines.push(line);
      else these.set(reserva, [line]);
    }
    for (const [reserva, lines] of these) if (!all.has(reserva)) all.set(reserva, lines);
  }
  return all;
};

/**
 * Reads what a batch needs, in one flight of statements: items, then their warehouses, then reservations, each locked
 * in the order of their keys.
 */
export const loadStock = async (tx: SqlTransaction, needs: StockNeeds): Promise<Stock> => {
  const referenced = needs.references.size > 0 ? referenceParameters(needs.references) : undefined;
  const changing = needs.items.size + needs.reservas.size > 0;
  const touched = changing && [array('uuid', [...needs.items]), array('uuid', [...needs.reservas])];
  const wanted = needs.reservas.size > 0 && [array('uuid', [...needs.reservas])];
  const manual = needs.manual.size > 0 && [array('uuid', [...needs.manual])];
  const [named, locked, existencias, reservas, byHand, lineas, linesByHand, precios] = await Promise.all([
    referenced ? tx.query<PricedItem>(BY_REFERENCE, referenced) : [],
    touched ? tx.query<Item>(LOCK_ITEMS, touched) : [],
    touched ? tx.query<Existencia>(LOCK_EXISTENCIAS, touched) : [],
    wanted ? tx.query<ReservaRow>(LOCK_RESERVAS, wanted) : [],
    manual ? tx.query<ReservaRow>(LOCK_MANUAL, manual) : [],
    wanted ? tx.query<LineaRow>(LINEAS, wanted) : [],
    manual ? tx.query<LineaRow>(LINEAS_MANUAL, manual) : [],
    needs.precios.size > 0 ? tx.query<Precio>(PRECIOS, [array('uuid', [...needs.precios])]) : [],
  ]);
  const linesOf = linesByReserva(lineas, linesByHand);
  return new Stock({
    items: [...named, ...locked], // of two readings of one row the locked one counts
    existencias,
    reservas: [...reservas, ...byHand].map((reserva) => ({
      ...reserva,
      lineas: linesOf.get(reserva.id) ?? [],
    })),
    precios: [...named.flatMap(priceOf), ...precios],
  });
};

const INSERT_ITEMS = statement(
  'item_insert',
  `INSERT INTO item (id, numero, sku, sku_normalizado, nombre, nombre_normalizado, descripcion, cantidad, reservada,
     version, creado, actualizado)
   SELECT v.*, $11, $11 FROM unnest($1::uuid[], $2::int4[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
     $8::int4[], $9::int4[], $10::int4[]) v`,
);

const DESCRIBE_ITEMS = statement(
  'item_describe',
  `UPDATE item i SET nombre = v.nombre, nombre_normalizado = v.normalizado, descripcion = v.descripcion,
     eliminado = v.eliminado
   FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
     v (id, nombre, normalizado, descripcion, eliminado) WHERE i.id = v.id`,
);

// Locked rows cannot have changed since they were read; should a row have done so all the same, nothing is written.
const UPDATE_ITEMS = statement(
  'item_update',
  `WITH escritas AS (
     UPDATE item i SET cantidad = v.cantidad, reservada = v.reservada, version = v.version, actualizado = $6
     FROM unnest($1::uuid[], $2::int4[], $3::int4[], $4::int4[], $5::int4[])
       v (id, cantidad, reservada, version, leida)
     WHERE i.id = v.id AND i.version = v.leida RETURNING 1)
   SELECT exigir_filas(count(*), cardinality($1::uuid[])) FROM escritas`,
);

const INSERT_EXISTENCIAS = statement(
  'existencia_insert',
  `INSERT INTO existencia (item, bodega, cantidad, reservada, version)
   SELECT * FROM unnest($1::uuid[], $2::text[], $3::int4[], $4::int4[], $5::int4[])`,
);

const UPDATE_EXISTENCIAS = statement(
  'existencia_update',
  `UPDATE existencia e SET cantidad = v.cantidad, reservada = v.reservada, version = v.version
   FROM unnest($1::uuid[], $2::text[], $3::int4[], $4::int4[], $5::int4[])
     v (item, bodega, cantidad, reservada, version) WHERE e.item = v.item AND e.bodega = v.bodega`,
);

const INSERT_RESERVAS = statement(
  'reserva_insert',
  `INSERT INTO reserva (id, dueno, compra, origen, estado, creada, vence, avisada, actualizada)
   SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[],
     $7::timestamptz[], $8::timestamptz[], $9::timestamptz[])`,
);

const INSERT_LINEAS = statement(
  'reserva_linea_insert',
  `INSERT INTO reserva_linea (reserva, item, bodega, cantidad)
   SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int4[])`,
);

const UPDATE_RESERVAS = statement(
  'reserva_update',
  `UPDATE reserva r SET estado = v.estado, avisada = v.avisada, actualizada = v.actualizada
   FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[]) v (id, estado, avisada, actualizada)
   WHERE r.id = v.id`,
);

const UPDATE_LINEAS = statement(
  'reserva_linea_update',
  `UPDATE reserva_linea l SET cantidad = v.cantidad
   FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int4[]) v (reserva, item, bodega, cantidad)
   WHERE l.reserva = v.reserva AND l.item = v.item AND l.bodega = v.bodega`,
);

const INSERT_MOVIMIENTOS = statement(
  'movimiento_insert',
  `INSERT INTO movimiento (tipo, item, bodega, delta_cantidad, delta_reservada, reserva, origen, fecha)
   SELECT v.*, $8 FROM unnest($1::text[], $2::uuid[], $3::text[], $4::int4[], $5::int4[], $6::uuid[], $7::text[]) v`,
);

const WRITE_PRECIOS = statement(
  'precio_write',
  `INSERT INTO precio (item, precio, version, actualizado) SELECT v.*, $4
   FROM unnest($1::uuid[], $2::numeric[], $3::int4[]) v
   ON CONFLICT (item) DO UPDATE SET precio = excluded.precio, version = excluded.version,
     actualizado = excluded.actualizado WHERE precio.version < excluded.version`,
);

/** Writes what has changed, set by set; every change of a quantity with its row in the ledger. */
export const writeStock = (tx: SqlTransaction, stock: Stock, now: Date): void => {
  const { items, existencias, reservas, precios, movimientos } = stock;
  writeItems(tx, items.inserted, items.updated, now);
  const created = existencias.inserted;
  if (created.length > 0) void tx.write(INSERT_EXISTENCIAS, existenciaColumns(created));
  const changed = existencias.updated;
  if (changed.length > 0) void tx.write(UPDATE_EXISTENCIAS, existenciaColumns(changed));
  writeReservas(tx, reservas.inserted, reservas.updated);
  if (movimientos.length > 0)
    void tx.write(INSERT_MOVIMIENTOS, [
      column('text', movimientos, (m) => m.tipo),
      column('uuid', movimientos, (m) => m.item),
      column('text', movimientos, (m) => m.bodega),
      column('int4', movimientos, (m) => m.deltaCantidad),
      column('int4', movimientos, (m) => m.deltaReservada),
      column('uuid', movimientos, (m) => m.reserva),
      column('text', movimientos, (m) => m.origen),
      now,
    ]);
  const learnt = [...precios.inserted, ...precios.updated].sort((a, b) => (a.id < b.id ? -1 : 1));
  if (learnt.length > 0)
    void tx.write(WRITE_PRECIOS, [
      column('uuid', learnt, (p) => p.id),
      column('numeric', learnt, (p) => p.precio),
      column('int4', learnt, (p) => p.version),
      now,
    ]);
};

const writeItems = (
  tx: SqlTransaction,
  inserted: readonly Item[],
  updated: Stock['items']['updated'],
  now: Date,
): void => {
  if (inserted.length > 0)
    void tx.write(INSERT_ITEMS, [
      column('uuid', inserted, (i) => i.id),
      column('int4', inserted, (i) => i.numero),
      column('text', inserted, (i) => i.sku),
      column('text', inserted, (i) => i.skuNormalizado),
      column('text', inserted, (i) => i.nombre),
      column('text', inserted, (i) => i.nombreNormalizado),
      column('text', inserted, (i) => i.descripcion),
      column('int4', inserted, (i) => i.cantidad),
      column('int4', inserted, (i) => i.reservada),
      column('int4', inserted, (i) => i.version),
      now,
    ]);
  const described = updated.filter(({ described }) => described).map(({ item }) => item);
  if (described.length > 0)
    void tx.write(DESCRIBE_ITEMS, [
      column('uuid', described, (i) => i.id),
      column('text', described, (i) => i.nombre),
      column('text', described, (i) => i.nombreNormalizado),
      column('text', described, (i) => i.descripcion),
      column('timestamptz', described, (i) => i.eliminado),
    ]);
  if (updated.length > 0)
    void tx.write(UPDATE_ITEMS, [
      column('uuid', updated, ({ item }) => item.id),
      column('int4', updated, ({ item }) => item.cantidad),
      column('int4', updated, ({ item }) => item.reservada),
      column('int4', updated, ({ item }) => item.version),
      column('int4', updated, ({ read }) => read),
      now,
    ]);
};

const existenciaColumns = (rows: readonly Existencia[]) => [
  column('uuid', rows, (e) => e.item),
  column('text', rows, (e) => e.bodega),
  column('int4', rows, (e) => e.cantidad),
  column('int4', rows, (e) => e.reservada),
  column('int4', rows, (e) => e.version),
];

const lineaColumns = (reservas: readonly Reserva[]) => {
  const lines = reservas.flatMap(({ id, lineas }) => lineas.map((line) => ({ id, ...line })));
  return [
    column('uuid', lines, (l) => l.id),
    column('uuid', lines, (l) => l.item),
    column('text', lines, (l) => l.bodega),
    column('int4', lines, (l) => l.cantidad),
  ];
};

const writeReservas = (
  tx: SqlTransaction,
  inserted: readonly Reserva[],
  updated: readonly Reserva[],
): void => {
  if (inserted.length > 0) {
    void tx.write(INSERT_RESERVAS, [
      column('uuid', inserted, (r) => r.id),
      column('text', inserted, (r) => r.dueno),
      column('uuid', inserted, (r) => r.compra),
      column('text', inserted, (r) => r.origen),
      column('text', inserted, (r) => r.estado),
      column('timestamptz', inserted, (r) => r.creada),
      column('timestamptz', inserted, (r) => r.vence),
      column('timestamptz', inserted, (r) => r.avisada),
      column('timestamptz', inserted, (r) => r.actualizada),
    ]);
    void tx.write(INSERT_LINEAS, lineaColumns(inserted));
  }
  if (updated.length === 0) return;
  void tx.write(UPDATE_RESERVAS, [
    column('uuid', updated, (r) => r.id),
    column('text', updated, (r) => r.estado),
    column('timestamptz', updated, (r) => r.avisada),
    column('timestamptz', updated, (r) => r.actualizada),
  ]);
  // The lines of a purchase's never change: it is confirmed or released whole.
  const manual = updated.filter(({ dueno }) => dueno === 'MANUAL');
  if (manual.length > 0) void tx.write(UPDATE_LINEAS, lineaColumns(manual));
};
