import type { SagaChange } from '@cordada/sagas/engine/coordinator.ts';
import type { CompraRechazada, InventarioValidado } from '@cordada/schemas';

/** systems.md §2, in the order in which a purchase goes through them; or RECHAZADA instead. */
export type EstadoCompra =
  | 'COMPRA_CREADA'
  | 'PRODUCTOS_VALIDOS'
  | 'PRODUCTOS_RESERVADOS'
  | 'ORDEN_CREADA'
  | 'CONFIRMADA'
  | 'RECHAZANDO'
  | 'RECHAZADA';

/** What a change of a saga means for its purchase. */
export interface Proyectada {
  /** The purchase: the saga, or the one that it undoes. */
  readonly id: string;
  readonly estado: EstadoCompra;
  readonly detenida: boolean;
  /** Why it is refused; null where it is not. */
  readonly razon: Razon | null;
}

export interface Razon {
  readonly codigo: string;
  readonly motivo: string;
  readonly faltantes: CompraRechazada['faltantes'] | null;
}

/** What the saga's first step has found out, as its `facts` keep it. */
export type Validada = Pick<InventarioValidado, 'total' | 'lineas'>;

/** What has been achieved when a step begins. */
const reached: Readonly<Record<string, EstadoCompra>> = {
  validacion: 'COMPRA_CREADA',
  reserva: 'PRODUCTOS_VALIDOS',
  orden: 'PRODUCTOS_RESERVADOS',
  confirmacion: 'ORDEN_CREADA',
};

/** Whoever undoes a confirmed purchase has a reason, and this code. */
const DESHECHA = 'DESHECHA';

type Cambio = Pick<
  SagaChange,
  'id' | 'deshace' | 'estado' | 'paso' | 'deshaciendo' | 'failure' | 'motivo' | 'input'
>;

/**
 * The purchase after a change of its saga, or of the saga that undoes it. An undo saga leaves it CONFIRMADA until its
 * pivot has passed: an order that is on its way refuses to be undone, and then nothing has happened to the purchase.
 * @returns undefined when it means nothing to it
 */
export const proyectada = (change: Cambio): Proyectada | undefined => {
  // A command that nobody could read begins a saga that ends at once: there is nothing that somebody wanted to buy.
  if (change.input === undefined) return undefined;
  const detenida = change.estado === 'PARKED';
  if (change.deshace !== null) return undone(change, change.deshace, detenida);
  const { id, estado, paso = '', deshaciendo, failure } = change;
  const razon = failure
    ? {
        codigo: failure.codigo,
        motivo: failure.motivo,
        faltantes: (failure.detalle as unknown as CompraRechazada['faltantes'] | undefined) ?? null,
      }
    : null;
  if (estado === 'COMPLETED') return { id, estado: 'CONFIRMADA', detenida, razon: null };
  if (estado === 'COMPENSATED') return { id, estado: 'RECHAZADA', detenida, razon };
  if (deshaciendo) return { id, estado: 'RECHAZANDO', detenida, razon };
  const now = reached[paso];
  if (!now) throw new Error(`purchase ${id}: no state is known for the step ${paso}`);
  return { id, estado: now, detenida, razon: null };
};

const undone = ({ estado, paso, motivo }: Cambio, id: string, detenida: boolean): Proyectada => {
  const razon = { codigo: DESHECHA, motivo: motivo ?? '', faltantes: null };
  if (estado === 'COMPLETED') return { id, estado: 'RECHAZADA', detenida, razon };
  if (estado !== 'COMPENSATED' && paso === 'devolucion') return { id, estado: 'RECHAZANDO', detenida, razon };
  return { id, estado: 'CONFIRMADA', detenida, razon: null };
};
