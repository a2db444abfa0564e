import type { Item } from '@cordada/consolidador/items.ts';
import type { Existencia, Movimiento, Reserva } from '@cordada/consolidador/stock.ts';
import type { EstadoCompra } from '@cordada/gestor-compra/compra.ts';
import type { Operation } from '@cordada/infra/messaging/operations.ts';
import type { Linea, Orden } from '@cordada/ordenes/orden.ts';
import type { Asked, Purchases } from './purchases.ts';

/** A purchase as its buyer sees it. */
export interface CompraSeen {
  readonly id: string;
  readonly estado: EstadoCompra;
  readonly detenida: boolean;
  readonly total: string | null;
  readonly lineas:
    | readonly { readonly id_item: string; readonly cantidad: number; readonly precio_unitario: string }[]
    | null;
  readonly codigo: string | null;
  readonly faltantes: readonly { readonly pedido: number; readonly disponible: number }[] | null;
}

/** An item as it was from one commit to the next. */
export interface ItemWas {
  /** Milliseconds of the run at which it was committed. */
  readonly at: number;
  readonly id: string;
  readonly version: number;
  readonly cantidad: number;
  readonly reservada: number;
}

/** What is left of all that was bought. */
export interface Bought {
  readonly plan: Purchases;
  readonly asked: Asked;
  /** When the run began and ended, epoch milliseconds. */
  readonly began: number;
  readonly ended: number;
  readonly compras: readonly CompraSeen[];
  readonly items: readonly Item[];
  readonly existencias: readonly Existencia[];
  readonly reservas: readonly Reserva[];
  /** In the order in which they were written. */
  readonly movimientos: readonly Movimiento[];
  readonly ordenes: readonly Orden[];
  readonly lineas: readonly Linea[];
  /** How commands about the stock ended. */
  readonly operations: readonly Operation[];
  /** In the order of the commits. */
  readonly history: readonly ItemWas[];
}

/** Keeps what items were: told of all items after each commit that may have changed one. */
export class ItemHistory {
  readonly rows: ItemWas[] = [];
  readonly #newest = new Map<string, number>();

  note(at: number, items: Iterable<Pick<Item, 'id' | 'version' | 'cantidad' | 'reservada'>>): void {
    for (const { id, version, cantidad, reservada } of items) {
      if (this.#newest.get(id) === version) continue;
      this.#newest.set(id, version);
      this.rows.push({ at, id, version, cantidad, reservada });
    }
  }
}
