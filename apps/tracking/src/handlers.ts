import type { RowSet } from '@cordada/infra/database/row-set.ts';
import { type Reaction, reply } from '@cordada/infra/messaging/capability.ts';
import { isDirect } from '@cordada/infra/messaging/message.ts';
import {
  type CancelarEvento,
  contracts,
  type PartnerCancelado,
  type RegistrarEvento,
} from '@cordada/schemas';
import { cancelled, type Evento, refusalOf } from './evento.ts';

/** What a batch of messages needs to know, read by store.ts and changed in memory. */
export interface TrackingRows {
  readonly eventos: RowSet<Evento>;
  /** Brands whose tracking is switched off. */
  readonly trackingOff: ReadonlySet<string>;
  readonly cancelledPartners: Set<string>;
  /** Partners whose cancellation this batch learned. */
  readonly newlyCancelled: Map<string, Date>;
}

const registrar: Reaction<TrackingRows, RegistrarEvento> = {
  kind: 'command',
  contract: contracts.RegistrarEvento,
  handle({ eventos, trackingOff, cancelledPartners }, { body, envelope }, now) {
    const failed = (codigo: string, motivo: string) =>
      reply(contracts.RegistroEventoFallido, { id_evento: body.id_evento, codigo, motivo, fecha: now });
    const known = eventos.get(body.id_evento);
    if (known?.estado === 'CANCELADO') return failed('CANCELADO', 'el evento ya fue cancelado');
    if (!known) {
      const refusal = refusalOf(
        { idPartner: body.id_partner, marcaId: body.marca_id },
        {
          partnerCancelled: cancelledPartners.has(body.id_partner),
          trackingOff: trackingOff.has(body.marca_id),
        },
      );
      if (refusal) return failed(refusal.codigo, refusal.motivo);
      eventos.insert({
        id: body.id_evento,
        sagaId: isDirect(envelope) ? null : envelope.correlationId,
        idPartner: body.id_partner,
        idCampana: body.id_campana,
        marcaId: body.marca_id,
        estado: 'REGISTRADO',
        fecha: now,
        actualizado: now,
      });
    }
    return reply(contracts.EventoRegistrado, { fecha: known?.fecha ?? now, ...body });
  },
  fail: (envelope, fault, now) =>
    reply(contracts.RegistroEventoFallido, {
      id_evento: envelope.subject,
      codigo: 'ERROR_INTERNO',
      motivo: fault.kind === 'undecodable' ? 'el mensaje no se puede leer' : 'el evento no se pudo registrar',
      fecha: now,
    }),
};

const cancelar: Reaction<TrackingRows, CancelarEvento> = {
  kind: 'undo',
  contract: contracts.CancelarEvento,
  handle({ eventos }, { body }, now) {
    const evento = eventos.get(body.id_evento);
    if (evento?.estado === 'REGISTRADO') eventos.update(cancelled(evento, now));
    return reply(contracts.EventoCancelado, { id_evento: body.id_evento, motivo: body.motivo, fecha: now });
  },
};

/** Choreography: the eventos of a cancelled partner go with it, and what comes later is refused. */
const partnerCancelado: Reaction<TrackingRows, PartnerCancelado> = {
  kind: 'event',
  contract: contracts.PartnerCancelado,
  handle({ eventos, cancelledPartners, newlyCancelled }, { body }, now) {
    if (!cancelledPartners.has(body.id_partner)) {
      cancelledPartners.add(body.id_partner);
      newlyCancelled.set(body.id_partner, body.fecha);
    }
    return eventos
      .filter((e) => e.idPartner === body.id_partner && e.estado === 'REGISTRADO')
      .map((evento) => {
        eventos.update(cancelled(evento, now));
        const event = { id_evento: evento.id, motivo: body.motivo, fecha: now };
        return { ...reply(contracts.EventoCancelado, event), subject: evento.id };
      });
  },
};

export const reactions = [registrar, cancelar, partnerCancelado] as const;
