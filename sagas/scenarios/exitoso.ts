import type { Scenario } from './scenario.ts';

export const exitoso: Scenario = {
  name: 'exitoso',
  summary:
    'Nothing stands in the way: campaign, partners and eventos are registered, and the reservation approved.',
  participants: 3,
  rules: () => [],
  expected: {
    end: 'COMPLETED',
    steps: [
      { RegistrarCampaign: 1, CampaignRegistrada: 1 },
      { RegistrarPartner: 3, PartnerRegistrado: 3 },
      { RegistrarEvento: 3, EventoRegistrado: 3 },
      { AprobarReserva: 1, ReservaAprobada: 1 },
    ],
    compensations: [],
    campaign: 'APROBADA',
    partners: { estado: 'REGISTRADO', count: 3 },
    eventos: { estado: 'REGISTRADO', count: 3 },
  },
};
