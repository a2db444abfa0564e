import type { SqlTransaction } from '@cordada/infra/database/database.ts';
import type { Capability } from '@cordada/infra/messaging/capability.ts';
import type { Received } from '@cordada/infra/messaging/message.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import type { BodyOf, contracts } from '@cordada/schemas';
import { itemReactions } from './handlers-items.ts';
import { purchaseReactions, type StockRows } from './handlers-purchase.ts';
import { loadStock, type StockNeeds, writeStock } from './stock-store.ts';

type Contracts = typeof contracts;
type BodyNamed<Name extends keyof Contracts> = BodyOf<Contracts[Name]>;

/** What each contract's message needs of the stock. */
const needs: {
  readonly [Name in
    | 'ValidarInventario'
    | 'ReservarInventario'
    | 'LiberarInventario'
    | 'ConfirmarReserva'
    | 'DevolverInventario'
    | 'CrearItem'
    | 'ActualizarItem'
    | 'EliminarItem'
    | 'AjustarExistencia'
    | 'ReservarExistencia'
    | 'LiberarExistencia'
    | 'ProductoCreado'
    | 'ProductoActualizado']: (body: BodyNamed<Name>, into: StockNeeds) => void;
} = {
  ValidarInventario({ lineas }, { references }) {
    for (const { producto } of lineas) references.add(producto);
  },
  ReservarInventario({ id_reserva, lineas }, { items, reservas }) {
    addId(reservas, id_reserva);
    for (const { id_item } of lineas) addId(items, id_item);
  },
  LiberarInventario: ({ id_reserva }, { reservas }) => addId(reservas, id_reserva),
  ConfirmarReserva: ({ id_reserva }, { reservas }) => addId(reservas, id_reserva),
  DevolverInventario: ({ id_reserva }, { reservas }) => addId(reservas, id_reserva),
  CrearItem({ id_item, numero, sku }, into) {
    addId(into.items, id_item);
    addId(into.precios, id_item);
    into.references.add(sku);
    into.references.add(String(numero));
  },
  ActualizarItem({ id_item }, { items, precios }) {
    addId(items, id_item);
    addId(precios, id_item);
  },
  EliminarItem: ({ id_item }, { items }) => addId(items, id_item),
  AjustarExistencia: ({ id_item }, { items }) => addId(items, id_item),
  ReservarExistencia({ id_item, id_reserva }, { items, reservas }) {
    addId(items, id_item);
    addId(reservas, id_reserva);
  },
  LiberarExistencia({ id_item }, { items, manual }) {
    addId(items, id_item);
    addId(manual, id_item);
  },
  ProductoCreado: ({ id_producto }, { precios }) => addId(precios, id_producto),
  ProductoActualizado: ({ id_producto }, { precios }) => addId(precios, id_producto),
};

/** What is no UUID is the id of nothing: what it names is not found. */
const addId = (ids: Set<string>, id: string): void => {
  if (isUuid(id)) ids.add(id.toLowerCase());
};

const needsOf = (messages: readonly Received[]): StockNeeds => {
  const into: StockNeeds = {
    references: new Set(),
    items: new Set(),
    reservas: new Set(),
    manual: new Set(),
    precios: new Set(),
  };
  for (const { envelope, body, fault } of messages) {
    if (fault) continue;
    const add = needs[envelope.contract as keyof typeof needs] as (body: unknown, into: StockNeeds) => void;
    add(body, into);
  }
  return into;
};

/** What `consolidador` does with its messages. @param ttlMs milliseconds that a reservation lives */
export const stockCapability = (ttlMs: number): Capability<SqlTransaction, StockRows> => ({
  reactions: [...purchaseReactions, ...itemReactions],
  load: async (tx, messages) => ({ stock: await loadStock(tx, needsOf(messages)), ttlMs }),
  write: (tx, { stock }, now) => writeStock(tx, stock, now),
});
