import { checkLedger } from '@cordada/consolidador/ledger.ts';
import { type Database, statement } from '@cordada/infra/database/database.ts';
import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import { mayBeDeleted } from './deletions.ts';
import { grouped } from './grouped.ts';
import { type Bought, KEYS, type Shop } from './purchases.ts';

type Readable = Pick<Database, 'query'>;

/** The databases in which a purchase leaves something. */
export interface Books {
  readonly gestor: Readable;
  readonly consolidador: Readable;
  readonly ordenes: Readable;
}

/** Opens the books, has them read, and closes them. @param open opens a service's database */
export const withBooks = async <Result>(
  open: (service: string) => Promise<ServiceDatabase>,
  read: (books: Books) => Promise<Result>,
): Promise<Result> => {
  const opened: ServiceDatabase[] = [];
  const one = async (service: string): Promise<ServiceDatabase> => {
    const database = await open(service);
    opened.push(database);
    return database;
  };
  try {
    return await read({
      gestor: await one('gestor-compra'),
      consolidador: await one('consolidador'),
      ordenes: await one('ordenes'),
    });
  } finally {
    await Promise.all(opened.map((database) => database.close()));
  }
};

interface Compra {
  readonly id: string;
  readonly domicilio: string;
  readonly estado: string;
  readonly detenida: boolean;
  readonly codigo: string | null;
  readonly total: string | null;
  /** `item:units`, by item, separated by spaces; null until it was validated. */
  readonly lineas: string | null;
}
interface Orden {
  readonly compra: string;
  readonly estado: string;
  readonly total: string | null;
  /** Of its lines: units by price. */
  readonly suma: string | null;
  readonly lineas: string | null;
}
interface Reserva {
  readonly compra: string;
  readonly estado: string;
}
/** What a purchase has moved, of all items together and of each. */
interface Movido {
  readonly origen: string;
  readonly reservada: number;
  readonly ventas: number;
  /** What is gone of each item, as `lineas` has it; null where nothing is. */
  readonly lineas: string | null;
}
interface Item {
  readonly numero: string;
  readonly cantidad: number;
  readonly reservada: number;
}

const COMPRAS = statement(
  'books_compras',
  `SELECT id, domicilio, estado, detenida, codigo, total::text AS total,
     (SELECT string_agg(item || ':' || n, ' ' ORDER BY item) FROM (
       SELECT l->>'id_item' AS item, sum((l->>'cantidad')::int) AS n FROM jsonb_array_elements(lineas) l GROUP BY 1) q)
       AS lineas FROM compra`,
);
const ORDENES = statement(
  'books_ordenes',
  `SELECT o.compra, o.estado, o.total::text AS total,
     (SELECT sum(l.cantidad * l.precio_unitario)::numeric(18, 2)::text FROM linea_orden l WHERE l.orden = o.id) AS suma,
     (SELECT string_agg(item || ':' || n, ' ' ORDER BY item) FROM (
       SELECT l.id_item::text AS item, sum(l.cantidad) AS n FROM linea_orden l
       WHERE l.orden = o.id AND l.id_item IS NOT NULL GROUP BY 1) q) AS lineas
   FROM orden o`,
);
const RESERVAS = statement('books_reservas', 'SELECT compra, estado FROM reserva WHERE compra IS NOT NULL');
const MOVIDO = statement(
  'books_movido',
  `SELECT coalesce(r.compra::text, m.origen) AS origen, sum(m.reservada)::int4 AS reservada,
     sum(m.ventas)::int4 AS ventas,
     string_agg(m.item || ':' || m.vendida, ' ' ORDER BY m.item) FILTER (WHERE m.vendida <> 0) AS lineas
   FROM (SELECT reserva, CASE WHEN reserva IS NULL THEN origen END AS origen, item::text AS item,
       -sum(delta_cantidad) AS vendida, sum(delta_reservada) AS reservada,
       count(*) FILTER (WHERE tipo = 'VENTA') AS ventas
     FROM movimiento GROUP BY 1, 2, 3) m LEFT JOIN reserva r ON r.id = m.reserva GROUP BY 1`,
);
const ITEMS = statement(
  'books_items',
  'SELECT numero::text AS numero, cantidad, reservada FROM item WHERE eliminado IS NULL',
);

/** What stands in the way of a purchase being whole, or nothing; undefined where it is one of them. */
const discord = (
  compra: Compra,
  ordenes: readonly Orden[],
  reservas: readonly Reserva[],
  movido: Movido | undefined,
): string | undefined => {
  const [orden] = ordenes;
  const [reserva] = reservas;
  if (ordenes.length > 1) return `it has ${ordenes.length} orders`;
  if (reservas.length > 1) return `it has ${reservas.length} reservations`;
  if (!orden) return 'it has no order';
  if ((movido?.reservada ?? 0) !== 0) return `its movements still hold ${movido?.reservada} units`;
  const gone = movido?.lineas ?? null;
  if (compra.estado === 'CONFIRMADA') {
    if (orden.estado !== 'CONFIRMED') return `its order is ${orden.estado}`;
    if (compra.total === null || orden.total !== compra.total || orden.suma !== compra.total)
      return `its total is ${compra.total}, its order's ${orden.total}, that of the lines ${orden.suma}`;
    if (reserva?.estado !== 'CONFIRMADA') return `its reservation is ${reserva?.estado}`;
    if (compra.lineas === null || gone !== compra.lineas || orden.lineas !== compra.lineas)
      return `it is of ${compra.lineas}, its order of ${orden.lineas}, and ${gone} went out`;
    return undefined;
  }
  if (compra.estado !== 'RECHAZADA') return 'it has not ended';
  if (orden.estado !== 'REJECTED' && orden.estado !== 'CANCELLED') return `its order is ${orden.estado}`;
  if (reserva && reserva.estado !== 'LIBERADA' && reserva.estado !== 'DEVUELTA')
    return `its reservation is ${reserva.estado}`;
  if (gone !== null) return `${gone} went out`;
  return undefined;
};

/**
 * Reads what purchases have left in three databases, and compares it with itself and with what the buyers were told.
 * @param alerted sagas of which an alert was given: where their purchases stand is the operator's to say
 * @returns what does not hold, a line each
 */
export const purchaseFaults = async (
  { gestor, consolidador, ordenes: orders }: Books,
  bought: readonly Bought[],
  shop: Shop,
  alerted: ReadonlySet<string> = new Set(),
): Promise<string[]> => {
  const faults: string[] = [];
  const [compras, ordenes, reservas, movidos, items, ledger] = await Promise.all([
    gestor.query<Compra>(COMPRAS, []),
    orders.query<Orden>(ORDENES, []),
    consolidador.query<Reserva>(RESERVAS, []),
    consolidador.query<Movido>(MOVIDO, []),
    consolidador.query<Item>(ITEMS, []),
    checkLedger(consolidador),
  ]);
  for (const { says, differences } of ledger)
    for (const difference of differences) faults.push(`the ledger (${says}): ${difference}`);

  const byDomicilio = grouped(compras, ({ domicilio }) => domicilio);
  const ordenesOf = grouped(ordenes, ({ compra }) => compra);
  const reservasOf = grouped(reservas, ({ compra }) => compra);
  const movidoOf = new Map(movidos.map((one) => [one.origen, one]));
  const known = new Set(bought.map(({ key }) => key));
  const ids = new Set(compras.map(({ id }) => id));
  for (const { domicilio } of compras)
    if (domicilio.startsWith(KEYS) && !known.has(domicilio))
      faults.push(`nobody asked for the purchase ${domicilio}`);
  for (const { compra } of ordenes)
    if (!ids.has(compra)) faults.push(`an order is of no purchase: ${compra}`);
  for (const { compra } of reservas)
    if (!ids.has(compra)) faults.push(`a reservation is of no purchase: ${compra}`);

  /** Units of each item, by its number, that the buyers have. */
  const sold = new Map<string, number>();
  for (const one of bought) {
    const made = byDomicilio.get(one.key) ?? [];
    if (made.length > 1) {
      faults.push(`${one.key} was bought ${made.length} times`);
      continue;
    }
    const [compra] = made;
    if (!compra) {
      if (one.fate === 'accepted') faults.push(`${one.key} was accepted and is lost`);
      continue;
    }
    if (one.id !== undefined && one.id !== compra.id)
      faults.push(`${one.key} was answered as ${one.id}, and is ${compra.id}`);
    if (compra.estado === 'CONFIRMADA')
      for (const { producto, cantidad } of one.productos)
        sold.set(producto, (sold.get(producto) ?? 0) + cantidad);
    if (alerted.has(compra.id) || compra.detenida) {
      if (!alerted.has(compra.id)) faults.push(`${one.key} is parked, and no alert was given`);
      continue;
    }
    const told = `${one.key} (${compra.id}) is ${compra.estado}${compra.codigo === null ? '' : ` by ${compra.codigo}`}`;
    const wrong = discord(
      compra,
      ordenesOf.get(compra.id) ?? [],
      reservasOf.get(compra.id) ?? [],
      movidoOf.get(compra.id),
    );
    if (wrong !== undefined) faults.push(`${told}: ${wrong}`);
    const confirmed = compra.estado === 'CONFIRMADA';
    const asked = mayBeDeleted(one.deletions);
    if (confirmed && one.refused) faults.push(`${told}, though it had to be refused`);
    if (confirmed && one.deletions.promised) faults.push(`${told}, though it was given back`);
    if (!confirmed && !one.refused && !asked) {
      if (!one.scarce) faults.push(`${told}, though nothing stood against it`);
      else if (compra.codigo !== 'INVENTARIO_INSUFICIENTE')
        faults.push(`${told}, though only stock could stand against it`);
    }
  }

  // A purchase that waits for an operator may hold what it likes: the ledger has checked that it adds up.
  const parked = compras.some(({ detenida }) => detenida);
  const found = new Map(items.map((item) => [item.numero, item]));
  for (const [numero, units] of shop.units) {
    const item = found.get(numero);
    const left = units - (sold.get(numero) ?? 0);
    if (!item) faults.push(`product ${numero} is gone`);
    else if (!parked && (item.cantidad !== left || item.reservada !== 0))
      faults.push(
        `product ${numero} had ${units} units, of which ${units - left} were sold; it has ${item.cantidad}, ${item.reservada} reserved`,
      );
  }
  return faults;
};
