import type { RowSet } from '@cordada/infra/database/row-set.ts';
import { type Reaction, reply } from '@cordada/infra/messaging/capability.ts';
import {
  type AprobarReserva,
  type CancelarCampaign,
  contracts,
  type RegistrarCampaign,
} from '@cordada/schemas';
import { type Campaign, normalizedName, refusalOf } from './campaign.ts';

/** The campaigns that a batch of steps touches, and the live ones that bear the names it wants. */
export interface CampaignRows {
  readonly campaigns: RowSet<Campaign>;
}

const registrar: Reaction<CampaignRows, RegistrarCampaign> = {
  kind: 'command',
  contract: contracts.RegistrarCampaign,
  handle({ campaigns }, { body, envelope }, now) {
    const failed = (codigo: string, motivo: string) =>
      reply(contracts.RegistroCampaignFallido, { id_campaign: body.id_campaign, codigo, motivo, fecha: now });
    const known = campaigns.get(body.id_campaign);
    if (known?.estado === 'CANCELADA') return failed('CANCELADA', 'la campaña ya fue cancelada');
    if (!known) {
      const nombreNormalizado = normalizedName(body.nombre);
      const live = campaigns.find(
        (c) =>
          c.estado !== 'CANCELADA' &&
          c.marcaId === body.marca_id &&
          c.nombreNormalizado === nombreNormalizado,
      );
      const refusal = refusalOf({ nombre: body.nombre, marcaId: body.marca_id, divisa: body.divisa }, live);
      if (refusal) return failed(refusal.codigo, refusal.motivo);
      campaigns.insert({
        id: body.id_campaign,
        sagaId: envelope.correlationId,
        nombre: body.nombre,
        nombreNormalizado,
        presupuesto: body.presupuesto,
        divisa: body.divisa,
        marcaId: body.marca_id,
        participantes: body.participantes,
        estado: 'PENDIENTE',
        creada: now,
        actualizada: now,
      });
    }
    return reply(contracts.CampaignRegistrada, { fecha: known?.creada ?? now, ...body });
  },
  fail: (envelope, fault, now) =>
    reply(contracts.RegistroCampaignFallido, {
      id_campaign: envelope.subject,
      codigo: 'ERROR_INTERNO',
      motivo:
        fault.kind === 'undecodable' ? 'el mensaje no se puede leer' : 'la campaña no se pudo registrar',
      fecha: now,
    }),
};

const cancelar: Reaction<CampaignRows, CancelarCampaign> = {
  kind: 'undo',
  contract: contracts.CancelarCampaign,
  handle({ campaigns }, { body }, now) {
    const campaign = campaigns.get(body.id_campaign);
    if (campaign && campaign.estado !== 'CANCELADA')
      campaigns.update({ ...campaign, estado: 'CANCELADA', actualizada: now });
    return reply(contracts.CampaignCancelada, {
      id_campaign: body.id_campaign,
      motivo: body.motivo,
      fecha: now,
    });
  },
};

const aprobar: Reaction<CampaignRows, AprobarReserva> = {
  kind: 'retriable',
  contract: contracts.AprobarReserva,
  handle({ campaigns }, { body }, now) {
    const campaign = campaigns.get(body.id_campaign);
    if (!campaign) throw new Error(`campaign ${body.id_campaign} is to be approved and does not exist`);
    if (campaign.estado === 'PENDIENTE')
      campaigns.update({ ...campaign, estado: 'APROBADA', actualizada: now });
    return reply(contracts.ReservaAprobada, { id_campaign: body.id_campaign, fecha: now });
  },
};

export const reactions = [registrar, cancelar, aprobar] as const;
