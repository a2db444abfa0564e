import { type Scenario, trackingOff } from './scenario.ts';

export const registroEventoFallido: Scenario = {
  name: 'registro-evento-fallido',
  summary:
    'Tracking is off for the brand, so every evento is refused: all partners are undone, then the campaign.',
  participants: 3,
  rules: ({ marca_id }) => [trackingOff(marca_id)],
  expected: {
    end: 'COMPENSATED',
    steps: [
      { RegistrarCampaign: 1, CampaignRegistrada: 1 },
      { RegistrarPartner: 3, PartnerRegistrado: 3 },
      // The first refusal ends the step; what its siblings answer may come before or after that.
      { RegistrarEvento: 3, RegistroEventoFallido: [1, 3] },
    ],
    compensations: [
      // Only for the siblings whose refusal had not come yet: they are undone because nobody knows.
      { CancelarEvento: [0, 2], EventoCancelado: [0, 2] },
      { CancelarPartner: 3, PartnerCancelado: 3 },
      { CancelarCampaign: 1, CampaignCancelada: 1 },
    ],
    campaign: 'CANCELADA',
    partners: { estado: 'CANCELADO', count: 3 },
    eventos: { estado: 'CANCELADO', count: 0 },
  },
};
