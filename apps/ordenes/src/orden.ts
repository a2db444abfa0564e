/** systems.md §2 and §4: how an order stands. */
export type EstadoOrden = 'PENDING' | 'CONFIRMED' | 'IN_TRANSIT' | 'DELIVERED' | 'REJECTED' | 'CANCELLED';

/** The order of a purchase, as this service keeps it. */
export interface Orden {
  readonly id: string;
  readonly compra: string;
  readonly cliente: string;
  readonly domicilio: string;
  /** With two decimals; null where it was refused before there was a price. */
  readonly total: string | null;
  readonly estado: EstadoOrden;
  readonly codigo: string | null;
  readonly motivo: string | null;
  readonly creada: Date;
  readonly actualizada: Date;
}

/** A line of an order; of one that was refused before it was made only what the buyer asked for. */
export interface Linea {
  readonly orden: string;
  readonly n: number;
  readonly idItem: string | null;
  readonly numero: number | null;
  readonly nombre: string;
  readonly cantidad: number;
  readonly precioUnitario: string | null;
}

/** Who buys, and the rules by which orders are refused. */
export interface Cliente {
  readonly id: string;
  readonly activo: boolean;
  /** The most that one order may come to, with two decimals. */
  readonly limite: string;
}

/** Why an order is refused or not undone: a code for programs, a reason for people. */
export interface Refusal {
  readonly codigo: string;
  readonly motivo: string;
}

/** A customer who is seen for the first time (systems.md §2). */
export const nuevo = (id: string): Cliente => ({ id, activo: true, limite: '1000000.00' });

/**
 * Whether an order may be made (systems.md §2, step 3).
 * @param total with two decimals
 * @returns the refusal, or undefined when nothing stands against it
 */
export const refusalOf = (total: string, { id, activo, limite }: Cliente): Refusal | undefined => {
  if (!activo) return { codigo: 'CLIENTE_INACTIVO', motivo: `el cliente ${id} está inactivo` };
  if (cents(total) > cents(limite))
    return {
      codigo: 'LIMITE_EXCEDIDO',
      motivo: `el total ${total} supera el límite ${limite} del cliente ${id}`,
    };
  return undefined;
};

/** An amount with two decimals in cents: exact, however long it is. */
const cents = (amount: string): bigint => BigInt(amount.replace('.', ''));

/** How an order that is on its way is told apart: it is not undone any more. */
const onItsWay: Partial<Record<EstadoOrden, Refusal>> = {
  IN_TRANSIT: { codigo: 'ORDEN_EN_CAMINO', motivo: 'la orden ya está en camino' },
  DELIVERED: { codigo: 'ORDEN_ENTREGADA', motivo: 'la orden ya se entregó' },
};

/** Whether an order may be undone. */
export const refusalToUndo = ({ estado }: Orden): Refusal | undefined => onItsWay[estado];

/** Refused and cancelled are final, whatever comes later. */
export const isOver = ({ estado }: Orden): boolean => estado === 'REJECTED' || estado === 'CANCELLED';

/** What an operario may make of an order, by how it stands. */
const next: Partial<Record<EstadoOrden, EstadoOrden>> = {
  CONFIRMED: 'IN_TRANSIT',
  IN_TRANSIT: 'DELIVERED',
};

/** Whether an operario may say that an order stands so; that it does already changes nothing. */
export const maySay = ({ estado }: Orden, wanted: EstadoOrden): boolean =>
  estado === wanted || next[estado] === wanted;
