import { type CompraRechazada, contracts } from '@cordada/schemas';
import { saga } from './engine/builder.ts';

/** systems.md §2: a purchase, whole or not at all. Its steps wait longer than others: buyers of one item queue. */
const timeout = 120_000;

export const compraSaga = saga({
  tipo: 'compra',
  version: 1,
  starts: contracts.IniciarCompra,
  clave: ({ id_usuario, lineas }) => [...lineas.map(({ producto }) => producto), id_usuario],
})
  .readOnly('validacion', {
    timeout,
    command: contracts.ValidarInventario,
    body: ({ saga, input }) => ({ id_compra: saga, lineas: input.lineas }),
    event: contracts.InventarioValidado,
    facts: ({ lineas, total }) => ({ lineas: lineas.map((linea) => ({ ...linea })), total }),
    failure: contracts.ValidacionInventarioFallida,
    detail: ({ faltantes }) => faltantes.map((faltante) => ({ ...faltante })),
  })
  .step('reserva', {
    timeout,
    command: contracts.ReservarInventario,
    body: ({ saga, input, id, facts }) => ({
      id_reserva: id('reserva'),
      id_compra: saga,
      vence: input.vence,
      lineas: facts.validacion.lineas.map(({ id_item, cantidad }) => ({ id_item, cantidad })),
    }),
    event: contracts.InventarioReservado,
    failure: contracts.ReservaInventarioFallida,
    detail: ({ faltantes }) => faltantes.map((faltante) => ({ ...faltante })),
    compensation: contracts.LiberarInventario,
    undo: ({ id, motivo }) => ({ id_reserva: id('reserva'), motivo }),
    compensated: contracts.InventarioLiberado,
  })
  .pivot('orden', {
    timeout,
    command: contracts.CrearOrden,
    body: ({ saga, input, id, facts }) => ({
      id_orden: id('orden'),
      id_compra: saga,
      id_usuario: input.id_usuario,
      domicilio: input.domicilio,
      lineas: facts.validacion.lineas.map(({ id_item, numero, nombre, cantidad, precio_unitario }) => ({
        id_item,
        numero,
        nombre,
        cantidad,
        precio_unitario,
      })),
      total: facts.validacion.total,
    }),
    event: contracts.OrdenCreada,
    failure: contracts.CreacionOrdenFallida,
    compensation: contracts.CancelarOrden,
    undo: ({ id, motivo }) => ({ id_orden: id('orden'), motivo }),
    compensated: contracts.OrdenCancelada,
  })
  .retriable('confirmacion', {
    timeout,
    command: contracts.ConfirmarReserva,
    subject: ({ id }) => id('reserva'),
    body: ({ saga, id }) => ({ id_reserva: id('reserva'), id_compra: saga, id_orden: id('orden') }),
    event: contracts.ReservaConfirmada,
  })
  .interruptedBy(contracts.ReservaVencida, {
    before: 'orden',
    codigo: 'RESERVA_VENCIDA',
    motivo: 'la reserva venció antes de que hubiera una orden',
  })
  .announceCompleted(contracts.CompraConfirmada, ({ saga, input, id, facts }) => ({
    id_compra: saga,
    id_orden: id('orden'),
    id_usuario: input.id_usuario,
    total: facts.validacion.total,
  }))
  .announceCompensated(contracts.CompraRechazada, ({ saga, input, id, failure }) => ({
    id_compra: saga,
    id_orden: id('orden'),
    id_usuario: input.id_usuario,
    domicilio: input.domicilio,
    codigo: failure.codigo,
    motivo: failure.motivo,
    faltantes: (failure.detalle ?? []) as unknown as CompraRechazada['faltantes'],
    lineas: input.lineas,
  }))
  .undoneBy((undo) =>
    undo
      .pivot('anulacion', {
        command: contracts.AnularOrden,
        subject: ({ id }) => id('orden'),
        body: ({ saga, id }) => ({ id_orden: id('orden'), id_compra: saga }),
        event: contracts.OrdenAnulada,
        failure: contracts.AnulacionOrdenFallida,
      })
      .retriable('devolucion', {
        command: contracts.DevolverInventario,
        subject: ({ id }) => id('reserva'),
        body: ({ saga, id }) => ({ id_reserva: id('reserva'), id_compra: saga }),
        event: contracts.InventarioDevuelto,
      }),
  )
  .end();
