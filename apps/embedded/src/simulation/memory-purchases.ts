import type { ReservationsDue } from '@cordada/consolidador/expiry-sweep.ts';
import { itemReactions } from '@cordada/consolidador/handlers-items.ts';
import { purchaseReactions, type StockRows } from '@cordada/consolidador/handlers-purchase.ts';
import type { Item } from '@cordada/consolidador/items.ts';
import {
  availableOf,
  type Existencia,
  type Movimiento,
  type Precio,
  type Reserva,
  Stock,
} from '@cordada/consolidador/stock.ts';
import type { ItemView } from '@cordada/consultas/item.ts';
import { proyectada, type Validada } from '@cordada/gestor-compra/compra.ts';
import { RowSet } from '@cordada/infra/database/row-set.ts';
import type { Capability } from '@cordada/infra/messaging/capability.ts';
import type { MemoryTransaction } from '@cordada/infra/messaging/memory-store.ts';
import type { Operation } from '@cordada/infra/messaging/operations.ts';
import { type OrdenRows, reactions as ordenReactions } from '@cordada/ordenes/handlers.ts';
import { type Cliente, type Linea, maySay, type Orden } from '@cordada/ordenes/orden.ts';
import type { SagaChange } from '@cordada/sagas/engine/saga-change.ts';
import type { CompraSeen } from './bought.ts';
import { write } from './memory-services.ts';

type Tx = MemoryTransaction;

export const compraTable = (tx: Tx) => tx.table<CompraSeen>('compra');
export const itemTable = (tx: Tx) => tx.table<Item>('item');
export const existenciaTable = (tx: Tx) => tx.table<Existencia>('existencia');
export const reservaTable = (tx: Tx) => tx.table<Reserva>('reserva');
export const movimientoTable = (tx: Tx) => tx.table<Movimiento>('movimiento');
export const operationTable = (tx: Tx) => tx.table<Operation>('operation');
export const ordenTable = (tx: Tx) => tx.table<Orden>('orden');
export const lineaTable = (tx: Tx) => tx.table<Linea>('linea_orden');
export const clienteTable = (tx: Tx) => tx.table<Cliente>('cliente');
const precioTable = (tx: Tx) => tx.table<Precio>('precio');

const loadStock = (tx: Tx): Stock =>
  new Stock({
    items: [...itemTable(tx).values()],
    existencias: [...existenciaTable(tx).values()],
    reservas: [...reservaTable(tx).values()],
    precios: [...precioTable(tx).values()],
  });

const writeStock = (tx: Tx, { items, existencias, reservas, precios, movimientos }: Stock): void => {
  for (const item of items.inserted) itemTable(tx).insert(item.id, item);
  for (const { item } of items.updated) itemTable(tx).set(item.id, item);
  write(existenciaTable(tx), existencias);
  write(reservaTable(tx), reservas);
  write(precioTable(tx), precios);
  for (const row of movimientos) movimientoTable(tx).insert(String(tx.nextNumber('movimiento')), row);
};

/** The handlers of `consolidador`, without its SQL. @param ttlMs milliseconds that a reservation lives */
export const memoryConsolidador = (ttlMs: number): Capability<Tx, StockRows> => ({
  reactions: [...purchaseReactions, ...itemReactions],
  load: async (tx) => ({ stock: loadStock(tx), ttlMs }),
  write: (tx, { stock }) => writeStock(tx, stock),
});

/** What its sweep looks at. @param read reads the database as this life of the service does */
export const memoryReservations = (read: <R>(look: (tx: Tx) => R) => Promise<R>): ReservationsDue<Tx> => {
  const waiting = (tx: Tx): Reserva[] =>
    [...reservaTable(tx).values()]
      .filter(({ estado, avisada }) => estado === 'VIGENTE' && avisada === null)
      .sort((a, b) => a.vence.getTime() - b.vence.getTime());
  return {
    due: (now, most) =>
      read((tx) =>
        waiting(tx)
          .filter(({ vence }) => vence <= now)
          .slice(0, most)
          .map(({ id }) => id),
      ),
    next: (now) => read((tx) => waiting(tx).find(({ vence }) => vence > now)?.vence),
    load: async (tx) => loadStock(tx),
    write: (tx, stock) => writeStock(tx, stock),
  };
};

/** An item as consolidador tells it to consultas. */
export const viewOf = (item: Item): ItemView => ({
  id: item.id,
  numero: item.numero,
  sku: item.sku,
  name: item.nombre,
  quantity: item.cantidad,
  reserved: item.reservada,
  available: availableOf(item),
  version: item.version,
  updated_at: item.actualizado.toISOString(),
});

/** The item that `reference` calls. */
export const findItem = (tx: Tx, reference: string): Item | undefined => loadStock(tx).items.find(reference);

/** The handlers of `ordenes`, without its SQL. */
export const memoryOrdenes: Capability<Tx, OrdenRows> = {
  reactions: ordenReactions,
  load: async (tx) => ({
    ordenes: new RowSet(ordenTable(tx).values()),
    clientes: new RowSet(clienteTable(tx).values()),
    lineas: [],
  }),
  write(tx, { ordenes, clientes, lineas }) {
    write(ordenTable(tx), ordenes);
    write(clienteTable(tx), clientes);
    for (const linea of lineas) lineaTable(tx).insert(`${linea.orden}/${linea.n}`, linea);
  },
};

/** What an operario's word does to an order. */
export const ship = (tx: Tx, id: string, now: Date): void => {
  const orden = ordenTable(tx).get(id);
  if (orden && maySay(orden, 'IN_TRANSIT'))
    ordenTable(tx).set(id, { ...orden, estado: 'IN_TRANSIT', actualizada: now });
};

/** `gestor-compra`'s projection, without its SQL. */
export const memoryCompras = (tx: Tx, changes: readonly SagaChange[]): void => {
  for (const change of changes) {
    const next = proyectada(change);
    if (!next) continue;
    const known = compraTable(tx).get(next.id);
    const validada = change.facts.validacion as unknown as Validada | undefined;
    compraTable(tx).set(next.id, {
      id: next.id,
      estado: next.estado,
      detenida: next.detenida,
      total: validada?.total ?? known?.total ?? null,
      lineas: validada?.lineas ?? known?.lineas ?? null,
      codigo: next.razon?.codigo ?? null,
      faltantes: next.razon?.faltantes ?? null,
    });
  }
};
