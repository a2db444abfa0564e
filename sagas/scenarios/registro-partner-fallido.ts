import { type Scenario, suspended } from './scenario.ts';

export const registroPartnerFallido: Scenario = {
  name: 'registro-partner-fallido',
  summary: 'One participant is suspended: the partners that were registered are undone, then the campaign.',
  participants: 3,
  rules: ({ participantes }) => participantes.slice(1, 2).map(suspended),
  expected: {
    end: 'COMPENSATED',
    steps: [
      { RegistrarCampaign: 1, CampaignRegistrada: 1 },
      // The other two are under way in parallel: their answers may come before or after the refusal.
      { RegistrarPartner: 3, PartnerRegistrado: [0, 2], RegistroPartnerFallido: 1 },
    ],
    compensations: [
      { CancelarPartner: 2, PartnerCancelado: 2 },
      { CancelarCampaign: 1, CampaignCancelada: 1 },
    ],
    campaign: 'CANCELADA',
    // None where the undo came before the registration, which then never takes effect.
    partners: { estado: 'CANCELADO', count: [0, 2] },
    eventos: { estado: 'CANCELADO', count: 0 },
  },
};
