import type { RowSet } from '@cordada/infra/database/row-set.ts';
import { type Reaction, reply } from '@cordada/infra/messaging/capability.ts';
import { isDirect } from '@cordada/infra/messaging/message.ts';
import {
  type CampaignCancelada,
  type CancelarPartner,
  contracts,
  type RegistrarPartner,
} from '@cordada/schemas';
import { cancelled, type Partner, refusalOf } from './partner.ts';

/** What a batch of messages needs to know, read by store.ts and changed in memory. */
export interface PartnerRows {
  readonly partners: RowSet<Partner>;
  /** The reason, possibly empty, by suspended participant. */
  readonly suspensions: ReadonlyMap<string, string>;
  readonly cancelledCampaigns: Set<string>;
  /** Campaigns whose cancellation this batch learned. */
  readonly newlyCancelled: Map<string, Date>;
}

const registrar: Reaction<PartnerRows, RegistrarPartner> = {
  kind: 'command',
  contract: contracts.RegistrarPartner,
  handle({ partners, suspensions, cancelledCampaigns }, { body, envelope }, now) {
    const failed = (codigo: string, motivo: string) =>
      reply(contracts.RegistroPartnerFallido, { id_partner: body.id_partner, codigo, motivo, fecha: now });
    const known = partners.get(body.id_partner);
    if (known?.estado === 'CANCELADO') return failed('CANCELADO', 'el partner ya fue cancelado');
    if (!known) {
      const suspension = body.id_participante === null ? undefined : suspensions.get(body.id_participante);
      const refusal = refusalOf(
        { idCampaign: body.id_campaign, idParticipante: body.id_participante },
        {
          campaignCancelled: cancelledCampaigns.has(body.id_campaign),
          suspension,
          alreadyInCampaign:
            body.id_participante !== null &&
            partners.find(
              (p) =>
                p.estado === 'REGISTRADO' &&
                p.idCampaign === body.id_campaign &&
                p.idParticipante === body.id_participante,
            ) !== undefined,
        },
      );
      if (refusal) return failed(refusal.codigo, refusal.motivo);
      partners.insert({
        id: body.id_partner,
        sagaId: isDirect(envelope) ? null : envelope.correlationId,
        idCampaign: body.id_campaign,
        idParticipante: body.id_participante,
        nombre: body.nombre,
        tipo: body.tipo,
        informacionPerfil: body.informacion_perfil,
        estado: 'REGISTRADO',
        creado: now,
        actualizado: now,
      });
    }
    return reply(contracts.PartnerRegistrado, { fecha: known?.creado ?? now, ...body });
  },
  fail: (envelope, fault, now) =>
    reply(contracts.RegistroPartnerFallido, {
      id_partner: envelope.subject,
      codigo: 'ERROR_INTERNO',
      motivo:
        fault.kind === 'undecodable' ? 'el mensaje no se puede leer' : 'el partner no se pudo registrar',
      fecha: now,
    }),
};

const cancelar: Reaction<PartnerRows, CancelarPartner> = {
  kind: 'undo',
  contract: contracts.CancelarPartner,
  handle({ partners }, { body }, now) {
    const partner = partners.get(body.id_partner);
    if (partner?.estado === 'REGISTRADO') partners.update(cancelled(partner, now));
    return reply(contracts.PartnerCancelado, {
      id_partner: body.id_partner,
      motivo: body.motivo,
      fecha: now,
    });
  },
};

/** Choreography: what is still registered for a cancelled campaign goes with it, and what comes later is refused. */
const campaignCancelada: Reaction<PartnerRows, CampaignCancelada> = {
  kind: 'event',
  contract: contracts.CampaignCancelada,
  handle({ partners, cancelledCampaigns, newlyCancelled }, { body }, now) {
    if (!cancelledCampaigns.has(body.id_campaign)) {
      cancelledCampaigns.add(body.id_campaign);
      newlyCancelled.set(body.id_campaign, body.fecha);
    }
    return partners
      .filter((p) => p.idCampaign === body.id_campaign && p.estado === 'REGISTRADO')
      .map((partner) => {
        partners.update(cancelled(partner, now));
        const event = { id_partner: partner.id, motivo: body.motivo, fecha: now };
        return { ...reply(contracts.PartnerCancelado, event), subject: partner.id };
      });
  },
};

export const reactions = [registrar, cancelar, campaignCancelada] as const;
