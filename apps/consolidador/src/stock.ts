import { RowSet } from '@cordada/infra/database/row-set.ts';
import { type Item, ItemSet } from './items.ts';

/** Where units are that nobody has put elsewhere. */
export const PRINCIPAL = 'principal';
/** Quantities are 32 bits wide, here and in the contracts. */
export const MOST_UNITS = 2_147_483_647;

/** The units of an item at one warehouse. */
export interface Existencia {
  /** `<item>/<bodega>` */
  readonly id: string;
  readonly item: string;
  readonly bodega: string;
  readonly cantidad: number;
  readonly reservada: number;
  readonly version: number;
}

export interface Linea {
  readonly item: string;
  readonly bodega: string;
  readonly cantidad: number;
}

/** Units set aside for a purchase, or by hand. */
export interface Reserva {
  readonly id: string;
  readonly dueno: 'COMPRA' | 'MANUAL';
  /** The saga that owns it; null where it is MANUAL. */
  readonly compra: string | null;
  /** The saga or operation that made it. */
  readonly origen: string;
  readonly estado: 'VIGENTE' | 'LIBERADA' | 'CONFIRMADA' | 'DEVUELTA' | 'VENCIDA';
  readonly creada: Date;
  readonly vence: Date;
  /** When it was announced that a purchase's has run out. */
  readonly avisada: Date | null;
  readonly actualizada: Date;
  /** Of a manual one: what is not released yet. */
  readonly lineas: readonly Linea[];
}

export type TipoMovimiento =
  | 'ALTA'
  | 'AJUSTE'
  | 'RESERVA'
  | 'LIBERACION'
  | 'VENCIMIENTO'
  | 'VENTA'
  | 'DEVOLUCION';

/** A row of the ledger. */
export interface Movimiento {
  readonly tipo: TipoMovimiento;
  readonly item: string;
  readonly bodega: string;
  readonly deltaCantidad: number;
  readonly deltaReservada: number;
  readonly reserva: string | null;
  /** The saga or operation that it belongs to. */
  readonly origen: string;
  readonly fecha: Date;
}

/** What an item costs, as its owner announced it. */
export interface Precio {
  /** The item. */
  readonly id: string;
  readonly precio: string | null;
  readonly version: number;
}

/** What moves units, and why. */
export interface Cause {
  readonly tipo: TipoMovimiento;
  readonly reserva: string | null;
  readonly origen: string;
  readonly now: Date;
}

export interface LoadedStock {
  readonly items?: readonly Item[];
  readonly existencias?: readonly Existencia[];
  readonly reservas?: readonly Reserva[];
  readonly precios?: readonly Precio[];
}

/** What there is of an item and is not reserved. */
export const availableOf = ({ cantidad, reservada }: Pick<Item, 'cantidad' | 'reservada'>): number =>
  cantidad - reservada;

/** `principal` before all others, which stand by name. */
const byBodega = (a: Existencia, b: Existencia): number =>
  Number(b.bodega === PRINCIPAL) - Number(a.bodega === PRINCIPAL) || (a.bodega < b.bodega ? -1 : 1);

/**
 * The stock that a batch read, and what it changed of it in memory. Units move by `move` alone, so that every quantity
 * has its row in the ledger, and the totals of an item are the sums of its warehouses.
 */
export class Stock {
  readonly items: ItemSet;
  readonly existencias: RowSet<Existencia>;
  readonly reservas: RowSet<Reserva>;
  readonly precios: RowSet<Precio>;
  readonly movimientos: Movimiento[] = [];
  readonly #byItem = new Map<string, string[]>();

  constructor(loaded: LoadedStock = {}) {
    this.items = new ItemSet(loaded.items);
    this.existencias = new RowSet(loaded.existencias);
    this.reservas = new RowSet(loaded.reservas);
    this.precios = new RowSet(loaded.precios);
    for (const { id, item } of loaded.existencias ?? []) this.#of(item).push(id);
  }

  #of(item: string): string[] {
    const known = this.#byItem.get(item);
    if (known) return known;
    const made: string[] = [];
    this.#byItem.set(item, made);
    return made;
  }

  /** Where an item is, `principal` first. */
  bodegasOf(item: string): Existencia[] {
    return this.#of(item)
      .map((id) => this.existencias.get(id) as Existencia)
      .sort(byBodega);
  }

  /** What an item costs; null where nobody has said so. */
  precioOf(item: string): string | null {
    return this.precios.get(item)?.precio ?? null;
  }

  /** Keeps what an item costs, unless something newer is known. */
  learn(precio: Precio): void {
    const known = this.precios.get(precio.id);
    if (!known) this.precios.insert(precio);
    else if (known.version < precio.version) this.precios.update(precio);
  }

  /**
   * Takes `units` of what is free of an item: from the first warehouse that has them all, else from several.
   * @returns undefined where there are not so many
   */
  allocate(item: string, units: number): Linea[] | undefined {
    const places = this.bodegasOf(item);
    const whole = places.find((place) => availableOf(place) >= units);
    if (whole) return [{ item, bodega: whole.bodega, cantidad: units }];
    const lines: Linea[] = [];
    let left = units;
    for (const place of places) {
      const cantidad = Math.min(left, availableOf(place));
      if (cantidad > 0) lines.push({ item, bodega: place.bodega, cantidad });
      left -= cantidad;
    }
    return left === 0 ? lines : undefined;
  }

  /**
   * Moves units at a warehouse, with the item's totals, their versions and the ledger.
   * @throws Error, before anything has changed, when the quantities would not be such as can be
   */
  move(line: Linea, delta: { readonly cantidad: number; readonly reservada: number }, cause: Cause): void {
    const { item: id, bodega } = line;
    const key = `${id}/${bodega}`;
    const item = this.items.get(id);
    if (!item) throw new Error(`item ${id} was not loaded`);
    const known = this.existencias.get(key);
    const place = moved(known ?? { id: key, item: id, bodega, cantidad: 0, reservada: 0, version: 0 }, delta);
    const total = moved(item, delta);
    if (known) this.existencias.update(place);
    else {
      this.existencias.insert(place);
      this.#of(id).push(key);
    }
    this.items.update({ ...total, actualizado: cause.now });
    const { tipo, reserva, origen, now: fecha } = cause;
    this.movimientos.push({
      tipo,
      item: id,
      bodega,
      deltaCantidad: delta.cantidad,
      deltaReservada: delta.reservada,
      reserva,
      origen,
      fecha,
    });
  }

  /** Sets units aside. @throws Error when they are not there */
  reserve(reserva: Reserva, now: Date): void {
    const { origen, id } = reserva;
    for (const line of reserva.lineas)
      this.move(
        line,
        { cantidad: 0, reservada: line.cantidad },
        { tipo: 'RESERVA', reserva: id, origen, now },
      );
    this.reservas.insert(reserva);
  }

  /** Ends a live reservation: its units are free again, or have left. */
  end(reserva: Reserva, estado: 'LIBERADA' | 'VENCIDA' | 'CONFIRMADA', origen: string, now: Date): void {
    const tipo = ({ LIBERADA: 'LIBERACION', VENCIDA: 'VENCIMIENTO', CONFIRMADA: 'VENTA' } as const)[estado];
    for (const line of reserva.lineas) {
      if (line.cantidad === 0) continue; // released by hand before
      const gone = estado === 'CONFIRMADA' ? line.cantidad : 0;
      this.move(
        line,
        { cantidad: -gone || 0, reservada: -line.cantidad },
        { tipo, reserva: reserva.id, origen, now },
      );
    }
    this.reservas.update({ ...reserva, estado, actualizada: now });
  }

  /** Brings the units of a confirmed reservation back. */
  giveBack(reserva: Reserva, origen: string, now: Date): void {
    for (const line of reserva.lineas)
      this.move(
        line,
        { cantidad: line.cantidad, reservada: 0 },
        { tipo: 'DEVOLUCION', reserva: reserva.id, origen, now },
      );
    this.reservas.update({ ...reserva, estado: 'DEVUELTA', actualizada: now });
  }

  /** Frees some units of a live reservation, and ends it with the last of them. */
  shrink(reserva: Reserva, units: number, origen: string, now: Date): void {
    let left = units;
    const lineas = reserva.lineas.map((line) => {
      const freed = Math.min(left, line.cantidad);
      const cause: Cause = { tipo: 'LIBERACION', reserva: reserva.id, origen, now };
      if (freed > 0) this.move(line, { cantidad: 0, reservada: -freed }, cause);
      left -= freed;
      return { ...line, cantidad: line.cantidad - freed };
    });
    const estado = lineas.some(({ cantidad }) => cantidad > 0) ? 'VIGENTE' : 'LIBERADA';
    this.reservas.update({ ...reserva, estado, lineas, actualizada: now });
  }

  /** What there is of these items now. */
  existenciasOf(lines: Iterable<{ readonly item: string }>) {
    const ids = new Set<string>();
    for (const { item } of lines) ids.add(item);
    return [...ids].map((id) => {
      const { sku, cantidad, reservada, version } = this.items.get(id) as Item;
      return { id_item: id, sku, cantidad, reservada, version };
    });
  }
}

const moved = <
  Place extends Pick<Existencia, 'cantidad' | 'reservada' | 'version'> & { readonly id: string },
>(
  place: Place,
  delta: { readonly cantidad: number; readonly reservada: number },
): Place => {
  const cantidad = place.cantidad + delta.cantidad;
  const reservada = place.reservada + delta.reservada;
  if (reservada < 0 || reservada > cantidad || cantidad > MOST_UNITS)
    throw new Error(`${place.id} would have ${cantidad} units, ${reservada} of them reserved`);
  return { ...place, cantidad, reservada, version: place.version + 1 };
};
