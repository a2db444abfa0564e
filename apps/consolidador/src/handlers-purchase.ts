import { type Reaction, reply } from '@cordada/infra/messaging/capability.ts';
import type { Fault } from '@cordada/infra/messaging/message.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import {
  type ConfirmarReserva,
  contracts,
  type DevolverInventario,
  type LiberarInventario,
  type ReservarInventario,
  type ValidarInventario,
} from '@cordada/schemas';
import { malformed, merged, priced, type Refusal, shortOf, type Wanted } from './purchase-lines.ts';
import type { Linea, Reserva, Stock } from './stock.ts';

/** What a batch of messages works on. */
export interface StockRows {
  readonly stock: Stock;
  /** Milliseconds that a reservation lives. */
  readonly ttlMs: number;
}

const unreadable = (fault: Fault, otherwise: string): string =>
  fault.kind === 'undecodable' ? 'el mensaje no se puede leer' : otherwise;

const inWire = (lines: readonly Linea[]) =>
  lines.map(({ item, bodega, cantidad }) => ({ id_item: item, bodega, cantidad }));

const validar: Reaction<StockRows, ValidarInventario> = {
  kind: 'command',
  contract: contracts.ValidarInventario,
  handle({ stock }, { body }, now) {
    const { id_compra } = body;
    const failed = (refusal: Refusal) =>
      reply(contracts.ValidacionInventarioFallida, { id_compra, ...refusal, fecha: now });
    const wrong = malformed(body.lineas);
    if (wrong) return failed(wrong);
    const wanted = merged(body.lineas, (producto) => stock.items.find(producto));
    const short = shortOf(wanted);
    if (short) return failed(short);
    const price = priced(wanted, stock);
    if ('codigo' in price) return failed(price);
    return reply(contracts.InventarioValidado, {
      id_compra,
      lineas: price.lines,
      total: price.total,
      fecha: now,
    });
  },
  fail: (envelope, fault, now) =>
    reply(contracts.ValidacionInventarioFallida, {
      id_compra: envelope.correlationId,
      codigo: 'ERROR_INTERNO',
      motivo: unreadable(fault, 'el inventario no se pudo validar'),
      faltantes: [],
      fecha: now,
    }),
};

const reserved = (stock: Stock, reserva: Reserva, id_compra: string) =>
  reply(contracts.InventarioReservado, {
    id_reserva: reserva.id,
    id_compra,
    lineas: inWire(reserva.lineas),
    existencias: stock.existenciasOf(reserva.lineas),
    vence: reserva.vence,
    fecha: reserva.creada,
  });

const reservar: Reaction<StockRows, ReservarInventario> = {
  kind: 'command',
  contract: contracts.ReservarInventario,
  handle({ stock, ttlMs }, { body, envelope }, now) {
    const id = body.id_reserva.toLowerCase();
    const compra = body.id_compra.toLowerCase();
    const failed = (refusal: Refusal) =>
      reply(contracts.ReservaInventarioFallida, { id_reserva: body.id_reserva, ...refusal, fecha: now });
    const refused = (codigo: string, motivo: string) => failed({ codigo, motivo, faltantes: [] });
    if (!isUuid(id) || !isUuid(compra)) return refused('ID_INVALIDO', 'la reserva no tiene un id válido');
    const known = stock.reservas.get(id);
    if (known?.dueno === 'COMPRA' && known.compra === compra && known.estado === 'VIGENTE')
      return reserved(stock, known, compra);
    if (known) return refused('RESERVA_TERMINADA', `la reserva ya existe y está ${known.estado}`);
    const wrong = malformed(body.lineas);
    if (wrong) return failed(wrong);
    const wanted = merged(
      body.lineas.map(({ id_item, cantidad }) => ({ producto: id_item, cantidad })),
      (item) => stock.items.live(item),
    );
    const short = shortOf(wanted, called);
    if (short) return failed(short);
    const vence = sooner(new Date(now.getTime() + ttlMs), body.vence);
    if (vence <= now) return refused('RESERVA_VENCIDA', 'la reserva vencía antes de poder hacerse');
    const lineas = wanted.flatMap(({ item, cantidad }) => {
      const lines = item && stock.allocate(item.id, cantidad);
      if (!lines) throw new Error(`the warehouses of ${item?.id} do not add up to its total`);
      return lines;
    });
    const reserva: Reserva = {
      id,
      dueno: 'COMPRA',
      compra,
      origen: envelope.correlationId,
      estado: 'VIGENTE',
      creada: now,
      vence,
      avisada: null,
      actualizada: now,
      lineas,
    };
    stock.reserve(reserva, now);
    return reserved(stock, reserva, compra);
  },
  fail: (envelope, fault, now) =>
    reply(contracts.ReservaInventarioFallida, {
      id_reserva: envelope.subject,
      codigo: 'ERROR_INTERNO',
      motivo: unreadable(fault, 'el inventario no se pudo reservar'),
      faltantes: [],
      fecha: now,
    }),
};

const sooner = (one: Date, other: Date | null): Date => (other !== null && other < one ? other : one);

/** A product as a buyer may know it: by its number. */
const called = ({ item, producto }: Wanted): string => (item ? String(item.numero) : producto);

const liberar: Reaction<StockRows, LiberarInventario> = {
  kind: 'undo',
  contract: contracts.LiberarInventario,
  handle({ stock }, { body, envelope }, now) {
    const reserva = purchaseOf(stock, body.id_reserva, envelope.correlationId);
    if (reserva && reserva.estado !== 'VIGENTE' && reserva.estado !== 'LIBERADA')
      throw new Error(`reservation ${reserva.id} is to be released and is ${reserva.estado}`);
    if (reserva?.estado === 'VIGENTE') stock.end(reserva, 'LIBERADA', envelope.correlationId, now);
    return reply(contracts.InventarioLiberado, {
      id_reserva: body.id_reserva,
      motivo: body.motivo,
      existencias: stock.existenciasOf(reserva?.lineas ?? []),
      fecha: now,
    });
  },
};

const confirmar: Reaction<StockRows, ConfirmarReserva> = {
  kind: 'retriable',
  contract: contracts.ConfirmarReserva,
  handle({ stock }, { body, envelope }, now) {
    const reserva = purchaseOf(stock, body.id_reserva, body.id_compra);
    // One that has run out is confirmed all the same: past the pivot its purchase only goes on.
    if (reserva?.estado === 'VIGENTE') stock.end(reserva, 'CONFIRMADA', envelope.correlationId, now);
    else if (reserva?.estado !== 'CONFIRMADA')
      throw new Error(`reservation ${body.id_reserva} is to be confirmed and ${stateOf(reserva)}`);
    return reply(contracts.ReservaConfirmada, {
      ...body,
      lineas: inWire(reserva.lineas),
      existencias: stock.existenciasOf(reserva.lineas),
      fecha: now,
    });
  },
};

const devolver: Reaction<StockRows, DevolverInventario> = {
  kind: 'retriable',
  contract: contracts.DevolverInventario,
  handle({ stock }, { body, envelope }, now) {
    const reserva = purchaseOf(stock, body.id_reserva, body.id_compra);
    if (reserva?.estado === 'CONFIRMADA') stock.giveBack(reserva, envelope.correlationId, now);
    else if (reserva?.estado !== 'DEVUELTA')
      throw new Error(
        `the units of reservation ${body.id_reserva} are to come back and it ${stateOf(reserva)}`,
      );
    return reply(contracts.InventarioDevuelto, {
      ...body,
      lineas: inWire(reserva.lineas),
      existencias: stock.existenciasOf(reserva.lineas),
      fecha: now,
    });
  },
};

/** A purchase's own reservation. @throws Error for what was made by hand or for another purchase: it touches no such one */
const purchaseOf = (stock: Stock, id: string, compra: string): Reserva | undefined => {
  const reserva = stock.reservas.get(id.toLowerCase());
  if (reserva?.dueno === 'MANUAL') throw new Error(`reservation ${id} was made by hand: it is no purchase's`);
  if (reserva && reserva.compra !== compra.toLowerCase())
    throw new Error(`reservation ${id} is of purchase ${reserva.compra}, not of ${compra}`);
  return reserva;
};

const stateOf = (reserva: Reserva | undefined): string =>
  reserva ? `is ${reserva.estado}` : 'does not exist';

export const purchaseReactions = [validar, reservar, liberar, confirmar, devolver] as const;
