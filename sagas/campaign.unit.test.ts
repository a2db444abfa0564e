import { contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { campaignSaga } from './campaign.saga.ts';
import { entityId } from './engine/turn.ts';
import {
  answers,
  becomes,
  begins,
  deletes,
  given,
  isRefused,
  nothing,
  orders,
  passes,
  SAGA,
  sends,
} from './testing/given.ts';

const test = suite('the campaign saga');

const participante = (id: string) =>
  ({ id, tipo: 'afiliado', nombre: `Nombre ${id}`, informacion_perfil: '' }) as const;
const input = {
  nombre: 'Otoño',
  presupuesto: '1000.50',
  divisa: 'COP',
  marca_id: 'm1',
  participantes: [participante('ana'), participante('beto')],
};
const campaign = entityId(SAGA, 'campaign', 0);
const partner = (item: number) => entityId(SAGA, 'partner', item);
const evento = (item: number) => entityId(SAGA, 'evento', item);

const begun = begins(contracts.IniciarCampaign, input);
const registrada = answers(contracts.CampaignRegistrada);
const partnerRegistrado = (item: number) => answers(contracts.PartnerRegistrado, {}, item);
const eventoRegistrado = (item: number) => answers(contracts.EventoRegistrado, {}, item);
const partnerCancelado = (item: number) => answers(contracts.PartnerCancelado, {}, item);
const eventoCancelado = (item: number) => answers(contracts.EventoCancelado, {}, item);
const suspendido = (item: number) =>
  answers(contracts.RegistroPartnerFallido, { codigo: 'SUSPENDIDO', motivo: 'está suspendido' }, item);
const sinTracking = (item: number) =>
  answers(contracts.RegistroEventoFallido, { codigo: 'SIN_TRACKING', motivo: 'no hay tracking' }, item);

const withPartners = [begun, registrada, partnerRegistrado(0), partnerRegistrado(1)];
const withEventos = [...withPartners, eventoRegistrado(0), eventoRegistrado(1)];
const completed = [...withEventos, answers(contracts.ReservaAprobada)];

test('begins by registering the campaign', () => {
  given(campaignSaga)
    .when(begun)
    .then(sends(contracts.RegistrarCampaign, { id_campaign: campaign, ...input }), becomes('RUNNING'));
});

test('ends where the campaign is refused, with nothing to undo', () => {
  given(campaignSaga, begun)
    .when(answers(contracts.RegistroCampaignFallido, { codigo: 'CAMPAIGN_DUPLICADA', motivo: 'ya hay una' }))
    .then(becomes('COMPENSATED'));
});

test('registers all partners at once, under ids of its own', () => {
  given(campaignSaga, begun)
    .when(registrada)
    .then(
      sends(
        contracts.RegistrarPartner,
        { id_partner: partner(0), id_campaign: campaign, id_participante: 'ana' },
        0,
      ),
      sends(
        contracts.RegistrarPartner,
        { id_partner: partner(1), id_campaign: campaign, id_participante: 'beto' },
        1,
      ),
    );
});

test('registers the eventos once every partner is registered, in whatever order they answer', () => {
  given(campaignSaga, begun, registrada).when(partnerRegistrado(1)).then(becomes('RUNNING'));
  given(campaignSaga, begun, registrada, partnerRegistrado(1))
    .when(partnerRegistrado(0))
    .then(
      sends(contracts.RegistrarEvento, { id_evento: evento(0), id_partner: partner(0), marca_id: 'm1' }, 0),
      sends(contracts.RegistrarEvento, { id_evento: evento(1), id_partner: partner(1), marca_id: 'm1' }, 1),
    );
});

test('approves the campaign in the end, and is COMPLETED', () => {
  given(campaignSaga, ...withPartners, eventoRegistrado(0))
    .when(eventoRegistrado(1))
    .then(sends(contracts.AprobarReserva, { id_campaign: campaign }));
  given(campaignSaga, ...withEventos)
    .when(answers(contracts.ReservaAprobada))
    .then(becomes('COMPLETED'));
});

test('without participants goes from the campaign to its approval', () => {
  given(campaignSaga, begins(contracts.IniciarCampaign, { ...input, participantes: [] }))
    .when(registrada)
    .then(sends(contracts.AprobarReserva));
});

test('when a partner is refused undoes the registered and the uncertain ones, then the campaign', () => {
  const refused = [begun, registrada, suspendido(1)];
  given(campaignSaga, begun, registrada)
    .when(suspendido(1))
    .then(
      sends(contracts.CancelarPartner, { id_partner: partner(0), motivo: 'está suspendido' }, 0),
      becomes('COMPENSATING'),
    );
  given(campaignSaga, ...refused)
    .when(partnerCancelado(0))
    .then(sends(contracts.CancelarCampaign, { id_campaign: campaign, motivo: 'está suspendido' }));
  given(campaignSaga, ...refused, partnerCancelado(0))
    .when(answers(contracts.CampaignCancelada))
    .then(becomes('COMPENSATED'));
});

test('when an evento is refused undoes the other evento wholly before the partners, and those before the campaign', () => {
  const refused = [...withPartners, eventoRegistrado(1), sinTracking(0)];
  given(campaignSaga, ...withPartners, eventoRegistrado(1))
    .when(sinTracking(0))
    .then(sends(contracts.CancelarEvento, { id_evento: evento(1) }, 1));
  given(campaignSaga, ...refused)
    .when(eventoCancelado(1))
    .then(sends(contracts.CancelarPartner, {}, 0), sends(contracts.CancelarPartner, {}, 1));
  given(campaignSaga, ...refused, eventoCancelado(1))
    .when(partnerCancelado(1))
    .then(becomes('COMPENSATING'));
  given(campaignSaga, ...refused, eventoCancelado(1), partnerCancelado(1))
    .when(partnerCancelado(0))
    .then(sends(contracts.CancelarCampaign));
});

test('sends once more what is not answered within a minute, and undoes it after another', () => {
  given(campaignSaga, begun, registrada, partnerRegistrado(0)).when(passes(59_999)).then(nothing);
  given(campaignSaga, begun, registrada, partnerRegistrado(0))
    .when(passes(60_000))
    .then(sends(contracts.RegistrarPartner, { id_partner: partner(1) }, 1), becomes('RUNNING'));
  given(campaignSaga, begun, registrada, partnerRegistrado(0), passes(60_000))
    .when(passes(60_000))
    .then(
      sends(contracts.CancelarPartner, {}, 0),
      sends(contracts.CancelarPartner, {}, 1),
      becomes('COMPENSATING'),
    );
});

test('takes no notice of what is repeated, late, of no item of it, or under another key', () => {
  for (const late of [
    partnerRegistrado(0),
    suspendido(0),
    registrada,
    begun,
    answers(contracts.ReservaAprobada),
  ])
    given(campaignSaga, ...withPartners)
      .when(late)
      .then(nothing);
  given(campaignSaga, begun, registrada, suspendido(1)).when(partnerRegistrado(0)).then(nothing);
  given(campaignSaga, begun, registrada, suspendido(1)).when(suspendido(0)).then(nothing);
  given(campaignSaga, begun, registrada).when(partnerRegistrado(2)).then(nothing);
  given(campaignSaga, ...completed)
    .when(partnerCancelado(0))
    .then(nothing);
  given(campaignSaga, ...completed)
    .when(passes(1e9))
    .then(nothing);
});

test('refuses more than 500 participants by ending as it began', () => {
  const participantes = Array.from({ length: 501 }, (_, i) => participante(`p${i}`));
  given(campaignSaga, begins(contracts.IniciarCampaign, { ...input, participantes }))
    .when(registrada)
    .then(sends(contracts.CancelarCampaign), becomes('COMPENSATING'));
});

test('a DELETE before its boundary undoes it; at the boundary it is refused', () => {
  given(campaignSaga, begun, registrada, partnerRegistrado(0))
    .when(deletes())
    .then(
      sends(contracts.CancelarPartner, { motivo: 'ya no se quiere' }, 0),
      sends(contracts.CancelarPartner, {}, 1),
      becomes('COMPENSATING'),
    );
  given(campaignSaga, begun, registrada, deletes()).when(deletes()).then(nothing);
  given(campaignSaga, ...withEventos)
    .when(deletes())
    .then(isRefused('SAGA_EN_CURSO'));
  given(campaignSaga, begun, registrada)
    .when(deletes({ paso: 'partner', item: 0 }))
    .then(isRefused('SAGA_EN_CURSO'));
  given(campaignSaga, begun, answers(contracts.RegistroCampaignFallido))
    .when(deletes())
    .then(isRefused('NO_SE_PUEDE_DESHACER'));
});

test('parks when a compensation is never answered, and an answer that comes late sets it going', () => {
  const refused = [begun, registrada, suspendido(1)];
  const unanswered = [60_000, 120_000, 240_000, 480_000, 600_000].map(passes);
  given(campaignSaga, ...refused, ...unanswered.slice(0, 4))
    .when(passes(600_000))
    .then(sends(contracts.CancelarPartner, {}, 0), becomes('COMPENSATING'));
  const parked = [...refused, ...unanswered, passes(600_000)];
  given(campaignSaga, ...refused, ...unanswered)
    .when(passes(600_000))
    .then(becomes('PARKED'));
  given(campaignSaga, ...parked)
    .when(passes(1e9))
    .then(nothing);
  given(campaignSaga, ...parked)
    .when(partnerCancelado(0))
    .then(sends(contracts.CancelarCampaign), becomes('COMPENSATING'));
  given(campaignSaga, ...parked)
    .when(orders('reintentar', 'partner'))
    .then(sends(contracts.CancelarPartner, {}, 0), becomes('COMPENSATING'));
  for (const verb of ['omitir', 'completar'] as const)
    given(campaignSaga, ...parked)
      .when(orders(verb, 'partner', 0))
      .then(sends(contracts.CancelarCampaign), becomes('COMPENSATING'));
  given(campaignSaga, ...parked)
    .when(orders('omitir', 'evento'))
    .then(isRefused('NO_DETENIDA'));
  given(campaignSaga, ...parked)
    .when(orders('omitir', 'otro'))
    .then(isRefused('PASO_DESCONOCIDO'));
  given(campaignSaga, ...refused)
    .when(orders('omitir', 'partner'))
    .then(isRefused('NO_DETENIDA'));
});

test('keeps 500 participants in a state of about a kilobyte', () => {
  const participantes = Array.from({ length: 500 }, (_, i) => participante(`p${i}`));
  const all = participantes.flatMap((_, item) => [partnerRegistrado(item)]);
  const { saga } = given(
    campaignSaga,
    begins(contracts.IniciarCampaign, { ...input, participantes }),
    registrada,
    ...all,
  );
  assert.is(saga?.state.step, 2);
  assert.ok(JSON.stringify(saga?.state).length < 1_300);
});

test('is pinned to what its live instances rely on', () => {
  // A change here strands the live sagas of the release before: add a definition beside it instead (README.md).
  assert.is(campaignSaga.version, 1);
  assert.is(campaignSaga.hash, '2c36d0715dbbaaa2');
});

test.run();
