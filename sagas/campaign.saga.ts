import { contracts } from '@cordada/schemas';
import { saga } from './engine/builder.ts';

/** systems.md §1: a campaign with its partners and their eventos, registered whole or not at all. */
export const campaignSaga = saga({
  tipo: 'campaign',
  version: 1,
  starts: contracts.IniciarCampaign,
  clave: ({ marca_id, nombre }) => [marca_id, nombre],
})
  .step('campaign', {
    local: true,
    command: contracts.RegistrarCampaign,
    body: ({ input, id }) => ({ id_campaign: id('campaign'), ...input }),
    event: contracts.CampaignRegistrada,
    failure: contracts.RegistroCampaignFallido,
    compensation: contracts.CancelarCampaign,
    undo: ({ id, motivo }) => ({ id_campaign: id('campaign'), motivo }),
    compensated: contracts.CampaignCancelada,
  })
  .step('partner', {
    forEach: ({ participantes }) => participantes,
    command: contracts.RegistrarPartner,
    body: ({ item, index, id }) => ({
      id_partner: id('partner', index),
      id_campaign: id('campaign'),
      id_participante: item.id,
      nombre: item.nombre,
      tipo: item.tipo,
      informacion_perfil: item.informacion_perfil,
    }),
    event: contracts.PartnerRegistrado,
    failure: contracts.RegistroPartnerFallido,
    compensation: contracts.CancelarPartner,
    undo: ({ index, id, motivo }) => ({ id_partner: id('partner', index), motivo }),
    compensated: contracts.PartnerCancelado,
  })
  .step('evento', {
    forEachOf: 'partner',
    command: contracts.RegistrarEvento,
    body: ({ input, index, id }) => ({
      id_evento: id('evento', index),
      id_partner: id('partner', index),
      id_campana: id('campaign'),
      marca_id: input.marca_id,
    }),
    event: contracts.EventoRegistrado,
    failure: contracts.RegistroEventoFallido,
    compensation: contracts.CancelarEvento,
    undo: ({ index, id, motivo }) => ({ id_evento: id('evento', index), motivo }),
    compensated: contracts.EventoCancelado,
  })
  .retriable('aprobacion', {
    local: true,
    command: contracts.AprobarReserva,
    subject: ({ id }) => id('campaign'),
    body: ({ id }) => ({ id_campaign: id('campaign') }),
    event: contracts.ReservaAprobada,
  })
  .end();
