import { wellFormed } from '@cordada/infra/messaging/well-formed.ts';
import type { SagaChange } from '@cordada/sagas/engine/saga-change.ts';
import type { CompraRechazada, IniciarCompra, InventarioValidado } from '@cordada/schemas';

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

type Cambio = Pick<SagaChange, 'id' | 'deshace' | 'estado' | 'paso' | 'deshaciendo' | 'failure' | 'motivo'>;

/** What was asked for, as the purchase keeps it. */
export interface Pedida {
  readonly id: string;
  readonly id_usuario: string;
  readonly domicilio: string;
  readonly lineas: IniciarCompra['lineas'];
}

/** As many characters of a name as any index takes. */
const MAX_NAME = 200;

/**
 * What a purchase was begun with. One that ended as it began may be one that nobody could read, or that could not be
 * written: what is kept of that is who wanted it, in text that Postgres takes, so that it can be read back with its reason.
 */
export const pedida = ({ id, estado, input }: Pick<SagaChange, 'id' | 'estado' | 'input'>): Pedida => {
  const asked = input() as IniciarCompra | undefined;
  if (asked && estado !== 'COMPENSATED') return { id, ...asked };
  const id_usuario = wellFormed((asked?.id_usuario ?? '').replaceAll('\0', '').slice(0, MAX_NAME));
  return { id, id_usuario, domicilio: '', lineas: [] };
};

/**
 * The purchase after a change of its saga, or of the saga that undoes it. An undo saga leaves it CONFIRMADA until its
 * pivot has passed: an order that is on its way refuses to be undone, and then nothing has happened to the purchase.
 */
export const proyectada = (change: Cambio): Proyectada => {
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
