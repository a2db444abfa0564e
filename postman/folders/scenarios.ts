import { campaignBody } from '../collection/campaign-body.ts';
import type { FolderSource, RequestSource } from '../collection/model.ts';

const requestCampaign: RequestSource = {
  name: 'Request the campaign',
  describe:
    'Begins the saga. The 202 says that it is durable; `Location` is where it can be read. The budget has more digits than a double holds: none may be lost.',
  method: 'POST',
  path: '/campaña-commando',
  body: campaignBody,
  test: 'accepted(/^\\/api\\/sagas\\/campaign\\/[0-9a-f-]{36}$/);',
};

/** The same request where no rule came first, and so nothing has chosen the ids yet. */
const requestFreshCampaign: RequestSource = { ...requestCampaign, before: 'newCampaign();' };

const pollTo = (end: string, whenOver: string): RequestSource => ({
  name: `Poll the saga until it is ${end}`,
  describe: `Reads the saga again and again until it is over: it must be ${end}, and its messages tell what was done and undone, in which order.`,
  method: 'GET',
  path: '/api/sagas/campaign/{{outcome}}',
  test: `pollSaga('${end}', (saga) => {\n${whenOver}\n});`,
});

const readCampaign = (estado: string): RequestSource => ({
  name: `Campaign: ${estado}`,
  describe:
    'The campaign service, read through the BFF: one campaign of that brand, in the state the saga left it.',
  method: 'GET',
  path: '/campaña-query',
  test: `
    answers(200);
    const campaigns = mine('marca_id', 'marca');
    pm.test('one campaign of the brand, ${estado}', () => all(campaigns, 1, '${estado}'));
    pm.test('as it was sent', () => {
      pm.expect(campaigns[0].nombre).to.equal(saved('nombre'));
      pm.expect(campaigns[0].divisa).to.equal('COP');
      pm.expect(campaigns[0].participantes.map((one) => one.nombre)).to.deep.equal([
        'Ñandú Gómez', 'Tienda Ocaña', '陈美玲 🎧',
      ]);
    });
    save('campaign', campaigns.length === 0 ? 'none' : campaigns[0].id);`,
});

const readCampaignById: RequestSource = {
  name: 'Campaign by its id: every digit of the budget',
  describe: 'A number with 16 digits before the point and 2 after it comes back as it was sent.',
  method: 'GET',
  path: '/campaña-query/{{campaign}}',
  test: `
    answers(200);
    pm.test('the budget kept every digit', () =>
      pm.expect(pm.response.text().replace(/\\s/g, '')).to.include('"presupuesto":9007199254740993.25'));`,
};

const readPartners = (name: string, inside: string): RequestSource => ({
  name,
  describe: "The partner service, read through the BFF: this campaign's partners and their state.",
  method: 'GET',
  path: '/obtener-partners',
  test: `
    answers(200);
    const partners = mine('id_campaign', 'campaign');
    pm.test('${name}', () => {
      ${inside}
    });`,
});

const readEventos = (name: string, inside: string): RequestSource => ({
  name,
  describe: "The tracking service, read through the BFF: this campaign's eventos and their state.",
  method: 'GET',
  path: '/obtener-eventos',
  test: `
    answers(200);
    const eventos = mine('id_campana', 'campaign');
    pm.test('${name}', () => {
      ${inside}
    });`,
});

const rule = (name: string, path: string, body: object, before?: string): RequestSource => ({
  name,
  describe: 'A rule, set by plain HTTP to the service that owns it, and answered after its commit.',
  method: 'PUT',
  path,
  body,
  ...(before === undefined ? {} : { before }),
  test: 'answers(200);',
});

export const exitoso: FolderSource = {
  name: 'Scenario: exitoso',
  describe: 'Everything is registered and approved: campaign, three partners, an evento for each.',
  requests: [
    requestFreshCampaign,
    pollTo(
      'COMPLETED',
      `
      sent(saga, {
        RegistrarCampaign: 1, CampaignRegistrada: 1, RegistrarPartner: 3, PartnerRegistrado: 3,
        RegistrarEvento: 3, EventoRegistrado: 3, AprobarReserva: 1, ReservaAprobada: 1,
        CancelarEvento: 0, CancelarPartner: 0, CancelarCampaign: 0,
      });
      ordered(saga, 'CampaignRegistrada', 'RegistrarPartner', 'PartnerRegistrado', 'RegistrarEvento', 'EventoRegistrado', 'AprobarReserva');`,
    ),
    readCampaign('APROBADA'),
    readCampaignById,
    readPartners(
      'Partners: three, REGISTRADO',
      `all(partners, 3, 'REGISTRADO');
      pm.expect(partners.map((one) => one.nombre)).to.have.members(['Ñandú Gómez', 'Tienda Ocaña', '陈美玲 🎧']);`,
    ),
    readEventos(
      'Eventos: one for each partner, REGISTRADO',
      `all(eventos, 3, 'REGISTRADO');
      pm.expect(new Set(eventos.map((one) => one.id_partner)).size).to.equal(3);`,
    ),
  ],
};

export const registroEventoFallido: FolderSource = {
  name: 'Scenario: registro-evento-fallido',
  describe:
    'Tracking is off for the brand, so every evento is refused: all partners are undone, then the campaign.',
  requests: [
    rule(
      'Switch tracking off for the brand',
      '/api/marcas/{{marca}}/tracking',
      { activo: false },
      'newCampaign();',
    ),
    requestCampaign,
    pollTo(
      'COMPENSATED',
      `
      sent(saga, {
        RegistrarPartner: 3, PartnerRegistrado: 3, RegistrarEvento: 3, EventoRegistrado: 0, AprobarReserva: 0,
        CancelarPartner: 3, PartnerCancelado: 3, CancelarCampaign: 1, CampaignCancelada: 1,
      });
      ordered(saga, 'CampaignRegistrada', 'RegistrarPartner', 'RegistrarEvento', 'CancelarPartner', 'CancelarCampaign');
      ordered(saga, 'PartnerCancelado', 'CancelarCampaign');`,
    ),
    readCampaign('CANCELADA'),
    readPartners('Partners: three, CANCELADO', `all(partners, 3, 'CANCELADO');`),
    readEventos('Eventos: none was registered', 'pm.expect(eventos).to.be.empty;'),
    {
      name: 'Delete what was undone already: 409',
      describe: 'There is nothing left to undo.',
      method: 'DELETE',
      path: '/api/campaigns/{{campaign}}',
      test: 'refused(409);',
    },
    rule('Switch tracking on again', '/api/marcas/{{marca}}/tracking', { activo: true }),
  ],
};

export const registroPartnerFallido: FolderSource = {
  name: 'Scenario: registro-partner-fallido',
  describe:
    'One of three participants is suspended: the partners that were registered are undone, then the campaign.',
  requests: [
    rule(
      'Suspend the second participant',
      '/api/participantes/{{participante2}}/suspension',
      { suspendido: true, motivo: 'Incumplió el contrato' },
      'newCampaign();',
    ),
    requestCampaign,
    pollTo(
      'COMPENSATED',
      `
      sent(saga, {
        RegistrarPartner: 3, RegistroPartnerFallido: 1, RegistrarEvento: 0, AprobarReserva: 0,
        CancelarPartner: 2, PartnerCancelado: 2, CancelarCampaign: 1, CampaignCancelada: 1,
      });
      ordered(saga, 'RegistrarPartner', 'RegistroPartnerFallido', 'CancelarPartner', 'CancelarCampaign');
      ordered(saga, 'PartnerCancelado', 'CancelarCampaign');`,
    ),
    readCampaign('CANCELADA'),
    readPartners(
      'Partners: whoever was registered is CANCELADO, and the suspended one never was',
      `all(partners, partners.length, 'CANCELADO');
      pm.expect(partners.map((one) => one.nombre)).not.to.include('Tienda Ocaña');`,
    ),
    readEventos('Eventos: none was asked for', 'pm.expect(eventos).to.be.empty;'),
    rule('Lift the suspension', '/api/participantes/{{participante2}}/suspension', { suspendido: false }),
  ],
};
