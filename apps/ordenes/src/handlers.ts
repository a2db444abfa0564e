import type { RowSet } from '@cordada/infra/database/row-set.ts';
import { type Reaction, reply } from '@cordada/infra/messaging/capability.ts';
import type { Fault } from '@cordada/infra/messaging/message.ts';
import {
  type AnularOrden,
  type CancelarOrden,
  type CompraRechazada,
  type CrearOrden,
  contracts,
  type ReservaConfirmada,
} from '@cordada/schemas';
import { type Cliente, isOver, type Linea, nuevo, type Orden, refusalOf, refusalToUndo } from './orden.ts';

/** What a batch of messages needs to know, read by store.ts and changed in memory. */
export interface OrdenRows {
  readonly ordenes: RowSet<Orden>;
  readonly clientes: RowSet<Cliente>;
  /** Of the orders that this batch inserts. */
  readonly lineas: Linea[];
}

const crear: Reaction<OrdenRows, CrearOrden> = {
  kind: 'command',
  contract: contracts.CrearOrden,
  handle({ ordenes, clientes, lineas }, { body }, now) {
    const { id_orden: id, id_compra: compra, id_usuario, domicilio, total } = body;
    const failed = (codigo: string, motivo: string) =>
      reply(contracts.CreacionOrdenFallida, { id_orden: id, codigo, motivo, fecha: now });
    const known = ordenes.get(id);
    if (known && isOver(known)) return failed('CANCELADA', 'la orden ya fue cancelada');
    if (!known) {
      const cliente = clientes.get(id_usuario) ?? nuevo(id_usuario);
      if (!clientes.get(id_usuario)) clientes.insert(cliente);
      const refusal = refusalOf(total, cliente);
      if (refusal) return failed(refusal.codigo, refusal.motivo);
      const orden = { id, compra, cliente: id_usuario, domicilio, total, estado: 'PENDING' } as const;
      ordenes.insert({ ...orden, codigo: null, motivo: null, creada: now, actualizada: now });
      body.lineas.forEach(({ id_item: idItem, precio_unitario: precioUnitario, ...linea }, n) => {
        lineas.push({ orden: id, n, idItem, precioUnitario, ...linea });
      });
    }
    return reply(contracts.OrdenCreada, {
      id_orden: id,
      id_compra: compra,
      total,
      fecha: known?.creada ?? now,
    });
  },
  fail: (envelope, fault, now) =>
    reply(contracts.CreacionOrdenFallida, {
      id_orden: envelope.subject,
      codigo: 'ERROR_INTERNO',
      motivo: unable(fault, 'la orden no se pudo crear'),
      fecha: now,
    }),
};

/** Its saga gave up: the order is refused, and nothing that comes later confirms it. */
const cancelar: Reaction<OrdenRows, CancelarOrden> = {
  kind: 'undo',
  contract: contracts.CancelarOrden,
  handle({ ordenes }, { body: { id_orden: id, motivo } }, now) {
    const orden = ordenes.get(id);
    if (orden && !isOver(orden)) ordenes.update({ ...orden, estado: 'REJECTED', motivo, actualizada: now });
    return reply(contracts.OrdenCancelada, { id_orden: id, motivo, fecha: now });
  },
};

/** The pivot of the saga that undoes a purchase. */
const anular: Reaction<OrdenRows, AnularOrden> = {
  kind: 'command',
  contract: contracts.AnularOrden,
  handle({ ordenes }, { body: { id_orden: id, id_compra: compra } }, now) {
    const failed = (codigo: string, motivo: string) =>
      reply(contracts.AnulacionOrdenFallida, { id_orden: id, codigo, motivo, fecha: now });
    const orden = ordenes.get(id);
    if (!orden) return failed('ORDEN_DESCONOCIDA', `no hay una orden ${id}`);
    const refusal = refusalToUndo(orden);
    if (refusal) return failed(refusal.codigo, refusal.motivo);
    // PENDING, too: `ReservaConfirmada` may still be on its way here, and finds it cancelled then.
    if (!isOver(orden))
      ordenes.update({
        ...orden,
        estado: 'CANCELLED',
        codigo: 'DESHECHA',
        motivo: 'la compra se deshizo',
        actualizada: now,
      });
    return reply(contracts.OrdenAnulada, { id_orden: id, id_compra: compra, fecha: now });
  },
  fail: (envelope, fault, now) =>
    reply(contracts.AnulacionOrdenFallida, {
      id_orden: envelope.subject,
      codigo: 'ERROR_INTERNO',
      motivo: unable(fault, 'la orden no se pudo anular'),
      fecha: now,
    }),
};

/** Choreography: an order whose stock has left the warehouse is confirmed, and only one that still waits for it. */
const reservaConfirmada: Reaction<OrdenRows, ReservaConfirmada> = {
  kind: 'event',
  contract: contracts.ReservaConfirmada,
  handle({ ordenes }, { body: { id_orden: id, id_compra } }, now) {
    const orden = ordenes.get(id);
    if (orden?.estado !== 'PENDING') return [];
    ordenes.update({ ...orden, estado: 'CONFIRMED', actualizada: now });
    return [{ ...reply(contracts.OrdenConfirmada, { id_orden: id, id_compra, fecha: now }), subject: id }];
  },
};

/** Choreography: a purchase that was refused leaves an order that says so, even where none was made. */
const compraRechazada: Reaction<OrdenRows, CompraRechazada> = {
  kind: 'event',
  contract: contracts.CompraRechazada,
  handle({ ordenes, clientes, lineas }, { body }, now) {
    const { id_orden: id, id_compra: compra, id_usuario, domicilio, codigo, motivo } = body;
    const known = ordenes.get(id);
    if (known) {
      // Refused by CancelarOrden, which knows only the reason in words.
      if (known.estado === 'PENDING' || (known.estado === 'REJECTED' && known.codigo === null))
        ordenes.update({ ...known, estado: 'REJECTED', codigo, motivo, actualizada: now });
      return [];
    }
    if (!clientes.get(id_usuario)) clientes.insert(nuevo(id_usuario));
    const orden = { id, compra, cliente: id_usuario, domicilio, total: null, estado: 'REJECTED' } as const;
    ordenes.insert({ ...orden, codigo, motivo, creada: now, actualizada: now });
    body.lineas.forEach(({ producto: nombre, cantidad }, n) => {
      lineas.push({ orden: id, n, idItem: null, numero: null, nombre, cantidad, precioUnitario: null });
    });
    return [];
  },
};

const unable = ({ kind }: Fault, motivo: string): string =>
  kind === 'undecodable' ? 'el mensaje no se puede leer' : motivo;

export const reactions = [crear, cancelar, anular, reservaConfirmada, compraRechazada] as const;
