import { caseFold } from '@cordada/infra/case-fold.ts';
import { type Reaction, reply } from '@cordada/infra/messaging/capability.ts';
import type { Received } from '@cordada/infra/messaging/message.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import {
  type ActualizarItem,
  type AjustarExistencia,
  type Contract,
  type CrearItem,
  contracts,
  type EliminarItem,
  type LiberarExistencia,
  type ProductoActualizado,
  type ProductoCreado,
  type ReservarExistencia,
} from '@cordada/schemas';
import type { StockRows } from './handlers-purchase.ts';
import type { Item } from './items.ts';
import {
  availableOf,
  type Cause,
  type Linea,
  MOST_UNITS,
  PRINCIPAL,
  type Reserva,
  type Stock,
} from './stock.ts';

/** A command about one item, which is refused by `OperacionInventarioRechazada`. */
interface ItemCommand {
  readonly id_item: string;
}

/** What `Refused` says to whoever asked. */
class Refused {
  readonly codigo: string;
  readonly motivo: string;

  constructor(codigo: string, motivo: string) {
    this.codigo = codigo;
    this.motivo = motivo;
  }
}

/** A command about one item: `decide` answers its event, or why it is refused. */
const itemCommand = <Body extends ItemCommand>(
  contract: Contract<Body>,
  decide: (rows: StockRows, message: Received<Body>, now: Date) => ReturnType<typeof reply> | Refused,
): Reaction<StockRows, Body> => ({
  kind: 'command',
  contract,
  handle(rows, message, now) {
    const outcome = decide(rows, message, now);
    if (!(outcome instanceof Refused)) return outcome;
    const { codigo, motivo } = outcome;
    const { id_item } = message.body;
    return reply(contracts.OperacionInventarioRechazada, { id_item, codigo, motivo, fecha: now });
  },
  fail: (envelope, fault, now) =>
    reply(contracts.OperacionInventarioRechazada, {
      id_item: envelope.subject,
      codigo: 'ERROR_INTERNO',
      motivo: fault.kind === 'undecodable' ? 'el mensaje no se puede leer' : 'la operación no se pudo hacer',
      fecha: now,
    }),
});

const unknown = (id: string): Refused => new Refused('ITEM_DESCONOCIDO', `no existe el ítem ${id}`);

const described = ({ id, numero, sku, nombre, descripcion, cantidad, reservada, version, creado }: Item) => ({
  id_item: id,
  numero,
  sku,
  nombre,
  descripcion,
  cantidad,
  reservada,
  version,
  creado,
});

const counted = ({ id, sku, cantidad, reservada, version }: Item, unidades: number, fecha: Date) => ({
  id_item: id,
  sku,
  unidades,
  cantidad,
  reservada,
  version,
  fecha,
});

const crear = itemCommand<CrearItem>(contracts.CrearItem, ({ stock }, { body, envelope }, now) => {
  const id = body.id_item.toLowerCase();
  const skuNormalizado = caseFold(body.sku);
  if (!isUuid(id)) return new Refused('ID_INVALIDO', 'el id del ítem no es un UUID');
  if (body.cantidad < 0) return new Refused('CANTIDAD_INVALIDA', 'la cantidad no puede ser negativa');
  if (stock.items.get(id)) return new Refused('ITEM_DUPLICADO', `el ítem ${id} ya existe`);
  if (stock.items.hasNumero(body.numero))
    return new Refused('NUMERO_DUPLICADO', `el número ${body.numero} ya fue dado`);
  if (stock.items.withSku(skuNormalizado))
    return new Refused('SKU_DUPLICADO', `el SKU ${body.sku} ya es de otro ítem`);
  stock.items.insert({
    id,
    numero: body.numero,
    sku: body.sku,
    skuNormalizado,
    nombre: body.nombre,
    nombreNormalizado: caseFold(body.nombre),
    descripcion: body.descripcion,
    cantidad: 0,
    reservada: 0,
    version: body.cantidad > 0 ? 0 : 1, // its first units make it 1
    creado: now,
    actualizado: now,
    eliminado: null,
  });
  stock.learn({ id, precio: body.precio, version: 0 });
  const { cantidad } = body;
  if (cantidad > 0) {
    const cause: Cause = { tipo: 'ALTA', reserva: null, origen: envelope.correlationId, now };
    stock.move({ item: id, bodega: PRINCIPAL, cantidad }, { cantidad, reservada: 0 }, cause);
  }
  return reply(contracts.ItemCreado, { ...described(stock.items.get(id) as Item), fecha: now });
});

const actualizar = itemCommand<ActualizarItem>(contracts.ActualizarItem, ({ stock }, { body }, now) => {
  const item = stock.items.live(body.id_item);
  if (!item) return unknown(body.id_item);
  const { nombre, descripcion, precio } = body;
  // With the command itself: who waits for its end may buy at the new price at once.
  if (precio !== null) stock.learn({ id: item.id, precio, version: body.version_producto });
  const next: Item = {
    ...item,
    nombre,
    nombreNormalizado: caseFold(nombre),
    descripcion,
    version: item.version + 1,
    actualizado: now,
  };
  stock.items.describe(next);
  return reply(contracts.ItemActualizado, { ...described(next), fecha: now });
});

const eliminar = itemCommand<EliminarItem>(contracts.EliminarItem, ({ stock }, { body }, now) => {
  const item = stock.items.live(body.id_item);
  if (!item) return unknown(body.id_item);
  if (item.reservada > 0)
    return new Refused('ITEM_RESERVADO', `${item.reservada} unidades del ítem ${item.sku} están reservadas`);
  const version = item.version + 1;
  stock.items.describe({ ...item, version, actualizado: now, eliminado: now });
  return reply(contracts.ItemEliminado, { id_item: item.id, sku: item.sku, version, fecha: now });
});

const ajustar = itemCommand<AjustarExistencia>(
  contracts.AjustarExistencia,
  ({ stock }, { body, envelope }, now) => {
    const item = stock.items.live(body.id_item);
    if (!item) return unknown(body.id_item);
    const available = availableOf(item);
    const delta = body.disponible === null ? body.delta : body.disponible - available;
    if (body.disponible !== null && body.disponible < 0)
      return new Refused('CANTIDAD_INVALIDA', 'la cantidad no puede ser negativa');
    if (delta === 0 && body.disponible === null)
      return new Refused('CANTIDAD_INVALIDA', 'un ajuste de cero unidades no cambia nada');
    if (item.cantidad + delta > MOST_UNITS)
      return new Refused('CANTIDAD_EXCESIVA', `un ítem tiene a lo más ${MOST_UNITS} unidades`);
    if (available + delta < 0)
      return new Refused('EXISTENCIA_INSUFICIENTE', `disponible ${available}, ajuste ${delta}`);
    const cause: Cause = { tipo: 'AJUSTE', reserva: null, origen: envelope.correlationId, now };
    const lines: readonly Linea[] =
      delta > 0 ? [{ item: item.id, bodega: PRINCIPAL, cantidad: delta }] : freeUnits(stock, item.id, -delta);
    for (const line of lines)
      stock.move(line, { cantidad: Math.sign(delta) * line.cantidad, reservada: 0 }, cause);
    const after = stock.items.get(item.id) as Item;
    return reply(contracts.ExistenciaAjustada, counted(after, delta, now));
  },
);

const reservar = itemCommand<ReservarExistencia>(
  contracts.ReservarExistencia,
  ({ stock, ttlMs }, { body, envelope }, now) => {
    const item = stock.items.live(body.id_item);
    if (!item) return unknown(body.id_item);
    const id = body.id_reserva.toLowerCase();
    if (!isUuid(id)) return new Refused('ID_INVALIDO', 'el id de la reserva no es un UUID');
    if (stock.reservas.get(id)) return new Refused('RESERVA_DUPLICADA', `la reserva ${id} ya existe`);
    if (body.cantidad < 1) return new Refused('CANTIDAD_INVALIDA', 'se reserva al menos una unidad');
    const available = availableOf(item);
    if (body.cantidad > available)
      return new Refused('EXISTENCIA_INSUFICIENTE', `disponible ${available}, pedido ${body.cantidad}`);
    const reserva: Reserva = {
      id,
      dueno: 'MANUAL',
      compra: null,
      origen: envelope.correlationId,
      estado: 'VIGENTE',
      creada: now,
      vence: new Date(now.getTime() + ttlMs),
      avisada: null,
      actualizada: now,
      lineas: freeUnits(stock, item.id, body.cantidad),
    };
    stock.reserve(reserva, now);
    const after = stock.items.get(item.id) as Item;
    return reply(contracts.ExistenciaReservada, { id_reserva: id, ...counted(after, body.cantidad, now) });
  },
);

const liberar = itemCommand<LiberarExistencia>(
  contracts.LiberarExistencia,
  ({ stock }, { body, envelope }, now) => {
    const item = stock.items.live(body.id_item);
    if (!item) return unknown(body.id_item);
    if (body.cantidad < 1) return new Refused('CANTIDAD_INVALIDA', 'se libera al menos una unidad');
    const manual = stock.reservas
      .filter((r) => r.dueno === 'MANUAL' && r.estado === 'VIGENTE' && r.lineas[0]?.item === item.id)
      .sort(oldestFirst);
    const held = manual.reduce((sum, reserva) => sum + unitsOf(reserva), 0);
    if (body.cantidad > held)
      return new Refused('RESERVA_INSUFICIENTE', `reservado a mano ${held}, pedido ${body.cantidad}`);
    let left = body.cantidad;
    for (const reserva of manual) {
      const units = Math.min(left, unitsOf(reserva));
      if (units > 0) stock.shrink(reserva, units, envelope.correlationId, now);
      left -= units;
    }
    const after = stock.items.get(item.id) as Item;
    return reply(contracts.ExistenciaLiberada, counted(after, body.cantidad, now));
  },
);

/** @throws Error where the warehouses do not add up to the item's total */
const freeUnits = (stock: Stock, item: string, units: number): readonly Linea[] => {
  if (units === 0) return [];
  const lines = stock.allocate(item, units);
  if (!lines) throw new Error(`the warehouses of ${item} do not add up to its total`);
  return lines;
};

const unitsOf = ({ lineas }: Reserva): number => lineas.reduce((sum, { cantidad }) => sum + cantidad, 0);

const oldestFirst = (a: Reserva, b: Reserva): number =>
  a.creada.getTime() - b.creada.getTime() || (a.id < b.id ? -1 : 1);

/** Its owner says what a product costs. The item may come later: a price waits for it. */
const learnPrice = <Body extends ProductoCreado | ProductoActualizado>(
  contract: Contract<Body>,
): Reaction<StockRows, Body> => ({
  kind: 'event',
  contract,
  handle({ stock }, { body }) {
    if (!isUuid(body.id_producto)) throw new Error(`the product ${body.id_producto} has no UUID`);
    stock.learn({ id: body.id_producto.toLowerCase(), precio: body.precio, version: body.version });
    return [];
  },
});

export const itemReactions = [
  crear,
  actualizar,
  eliminar,
  ajustar,
  reservar,
  liberar,
  learnPrice<ProductoCreado>(contracts.ProductoCreado),
  learnPrice<ProductoActualizado>(contracts.ProductoActualizado),
] as const;
