import { type Database, type Row, statement } from '@cordada/infra/database/database.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';

export const estados = ['VIGENTE', 'LIBERADA', 'CONFIRMADA', 'DEVUELTA', 'VENCIDA'] as const;
export type EstadoReserva = (typeof estados)[number];

export interface ReservaView {
  readonly id: string;
  /** The purchase that owns it, `{compra}`, or whoever made it by hand, `{operacion}`. */
  readonly dueno: { readonly compra: string } | { readonly operacion: string };
  readonly estado: string;
  readonly creada: Date;
  readonly vence: Date;
  /** Seconds since it was made. */
  readonly edad_s: number;
  /** Whether it still holds its units although its time is over: only its purchase releases such a one. */
  readonly vencida: boolean;
  readonly lineas: readonly { readonly item: string; readonly bodega: string; readonly cantidad: number }[];
}

export interface ReservaFilter {
  readonly compra?: string;
  /** The id of an item. */
  readonly item?: string;
  readonly estado?: EstadoReserva;
  /** As the page before gave it, of the same filter. */
  readonly cursor?: string;
  readonly limit?: number;
}

export interface ReservaPage {
  readonly reservas: readonly ReservaView[];
  /** Of the next page; absent on the last one. */
  readonly cursor?: string;
}

/** A cursor that this list has not given out. */
export class CursorUnknown extends Error {
  override readonly name = 'CursorUnknown';
}

const PAGE = 100;
const RESERVA = `r.id, r.dueno, r.compra, r.origen, r.estado, r.creada, r.vence,
  (SELECT json_agg(json_build_object('item', l.item, 'bodega', l.bodega, 'cantidad', l.cantidad)
     ORDER BY l.item, l.bodega) FROM reserva_linea l WHERE l.reserva = r.id) AS lineas`;

const OF_COMPRA = statement(
  'read_reservas_compra',
  `SELECT ${RESERVA} FROM reserva r WHERE r.compra = $1 AND ($2::text IS NULL OR r.estado = $2)
   ORDER BY r.creada, r.id LIMIT $3`,
);
const LIVE = statement(
  'read_reservas_live',
  `SELECT ${RESERVA} FROM reserva r WHERE r.estado = 'VIGENTE' AND ($1::uuid IS NULL
     OR EXISTS (SELECT 1 FROM reserva_linea l WHERE l.reserva = r.id AND l.item = $1))
     AND (r.creada, r.id) > ($2::timestamptz, $3::uuid)
   ORDER BY r.creada, r.id LIMIT $4`,
);
// A statement a state: which partial index has it is known from its text alone.
const ended = (name: string, which: string) =>
  statement(
    `read_reservas_${name}`,
    `SELECT ${RESERVA} FROM reserva r WHERE ${which} AND (r.creada, r.id) < ($1::timestamptz, $2::uuid)
     ORDER BY r.creada DESC, r.id DESC LIMIT $3`,
  );
const ENDED = {
  any: ended('ended', "r.estado <> 'VIGENTE'"),
  LIBERADA: ended('released', "r.estado = 'LIBERADA'"),
  CONFIRMADA: ended('confirmed', "r.estado = 'CONFIRMADA'"),
  DEVUELTA: ended('returned', "r.estado = 'DEVUELTA'"),
  VENCIDA: ended('expired', "r.estado = 'VENCIDA'"),
} as const;
// The ledger has an item's reservations in the order in which they were made, and keeps those that there are.
const ENDED_OF_ITEM = statement(
  'read_reservas_ended_item',
  `SELECT ${RESERVA}, m.id AS movimiento FROM movimiento m JOIN reserva r ON r.id = m.reserva
   WHERE m.item = $1::uuid AND m.tipo = 'RESERVA' AND m.id < $2::int8 AND r.estado <> 'VIGENTE'
     AND ($3::text IS NULL OR r.estado = $3)
     AND NOT EXISTS (SELECT 1 FROM reserva_linea o
       WHERE o.reserva = m.reserva AND o.item = m.item AND o.bodega < m.bodega)
   ORDER BY m.id DESC LIMIT $4`,
);

/** An id of nothing, before every other. */
export const NOBODY = '00000000-0000-0000-0000-000000000000';
const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Where a page begins: after a live reservation, after one that has ended, or after that of a movement. */
type Place =
  | { readonly list: 'v' | 't'; readonly creada: Date; readonly id: string }
  | { readonly list: 'm'; readonly movimiento: string };

const FIRST_LIVE: Place = { list: 'v', creada: new Date(0), id: NOBODY };
const FIRST_ENDED = { creada: new Date('9999-12-31T00:00:00Z'), id: LAST };
const FIRST_MOVED = String(Number.MAX_SAFE_INTEGER);

/** @throws CursorUnknown */
const placeOf = (cursor: string, ofItem: boolean): Place => {
  const [list, one = '', id = '', ...rest] = cursor.split('_');
  const creada = new Date(one);
  if (list === 'm' && ofItem && /^\d{1,15}$/.test(one) && id === '' && rest.length === 0)
    return { list, movimiento: one };
  const isKnown = list === 'v' || (list === 't' && !ofItem);
  if (!isKnown || Number.isNaN(creada.getTime()) || !isUuid(id) || rest.length > 0)
    throw new CursorUnknown(`${cursor} is no cursor of this list`);
  return { list, creada, id };
};

const view = (row: Row, now: Date): ReservaView => ({
  id: row.id,
  dueno: row.dueno === 'COMPRA' ? { compra: row.compra } : { operacion: row.origen },
  estado: row.estado,
  creada: row.creada,
  vence: row.vence,
  edad_s: Math.max(0, Math.floor((now.getTime() - row.creada.getTime()) / 1000)),
  vencida: row.estado === 'VIGENTE' && row.vence <= now,
  lineas: row.lineas ?? [],
});

const hasItem = ({ lineas }: Row, id: string): boolean =>
  (lineas as readonly { readonly item: string }[] | null)?.some(({ item }) => item === id.toLowerCase()) ??
  false;

/** A reservation, and the cursor that stands after it. */
type Placed = readonly [row: Row, cursor: string];

/**
 * Reservations a page at a time: the live ones first, the oldest first; then those that have ended, the newest first. A
 * purchase's are one page.
 * @throws CursorUnknown
 */
export const reservaPage = async (
  database: Pick<Database, 'query'>,
  { compra, item, estado, cursor, limit = PAGE }: ReservaFilter,
  now: Date,
): Promise<ReservaPage> => {
  if (compra !== undefined) {
    const rows = await database.query(OF_COMPRA, [isUuid(compra) ? compra : NOBODY, estado ?? null, limit]);
    return {
      reservas: rows.filter((row) => item === undefined || hasItem(row, item)).map((row) => view(row, now)),
    };
  }
  const place = cursor === undefined ? FIRST_LIVE : placeOf(cursor, item !== undefined);
  const placed =
    (list: 'v' | 't') =>
    (row: Row): Placed => [row, `${list}_${row.creada.toISOString()}_${row.id}`];

  const live = async (): Promise<Placed[]> => {
    if (place.list !== 'v' || (estado !== undefined && estado !== 'VIGENTE')) return [];
    const rows = await database.query(LIVE, [item ?? null, place.creada, place.id, limit + 1]);
    return rows.map(placed('v'));
  };
  const over = async (left: number): Promise<Placed[]> => {
    if (estado === 'VIGENTE' || left <= 0) return [];
    if (item !== undefined) {
      const before = place.list === 'm' ? place.movimiento : FIRST_MOVED;
      const rows = await database.query(ENDED_OF_ITEM, [item, before, estado ?? null, left]);
      return rows.map((row) => [row, `m_${row.movimiento}`]);
    }
    const { creada, id } = place.list === 't' ? place : FIRST_ENDED;
    return (await database.query(ENDED[estado ?? 'any'], [creada, id, left])).map(placed('t'));
  };

  const first = await live();
  const found = [...first, ...(await over(limit + 1 - first.length))];
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    reservas: page.map(([row]) => view(row, now)),
    ...(found.length > limit && last && { cursor: last[1] }),
  };
};
