import type { Outgoing } from '@cordada/infra/messaging/message.ts';
import { contracts, type ExistenciaLiberada, type ReservaVencida } from '@cordada/schemas';
import type { Item } from './items.ts';
import type { Reserva, Stock } from './stock.ts';

/** Whether a reservation's time is over and nothing has come of it yet. */
export const isDue = ({ estado, avisada, vence }: Reserva, now: Date): boolean =>
  estado === 'VIGENTE' && avisada === null && vence <= now;

/**
 * Ends what was reserved by hand and has run out. A purchase's is only announced, once: whether it is released or
 * confirmed all the same is for its saga alone to say (systems.md §2).
 * @param ids reservations that were found due, and that another may have seen to since
 */
export const expire = (stock: Stock, ids: readonly string[], now: Date): Outgoing[] =>
  ids.flatMap((id): Outgoing[] => {
    const reserva = stock.reservas.get(id);
    if (!reserva || !isDue(reserva, now)) return [];
    return reserva.compra === null
      ? [released(stock, reserva, now)]
      : [announced(stock, reserva, reserva.compra, now)];
  });

const released = (stock: Stock, reserva: Reserva, now: Date): Outgoing => {
  const unidades = reserva.lineas.reduce((sum, { cantidad }) => sum + cantidad, 0);
  stock.end(reserva, 'VENCIDA', reserva.origen, now);
  const item = stock.items.get(reserva.lineas[0]?.item ?? '') as Item;
  return {
    contract: contracts.ExistenciaLiberada,
    body: {
      id_item: item.id,
      sku: item.sku,
      unidades,
      cantidad: item.cantidad,
      reservada: item.reservada,
      version: item.version,
      fecha: now,
    } satisfies ExistenciaLiberada,
    correlationId: reserva.origen,
    key: item.id,
    subject: item.id,
    idempotencyKey: `${reserva.id}/ExistenciaLiberada`,
  };
};

const announced = (stock: Stock, reserva: Reserva, compra: string, now: Date): Outgoing => {
  stock.reservas.update({ ...reserva, avisada: now, actualizada: now });
  return {
    contract: contracts.ReservaVencida,
    body: { id_reserva: reserva.id, id_compra: compra, fecha: now } satisfies ReservaVencida,
    correlationId: compra,
    subject: reserva.id,
    idempotencyKey: `${reserva.id}/ReservaVencida`,
  };
};
