import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cancelled, type Partner, refusalOf } from './partner.ts';

const test = suite('a partner');
const free = { campaignCancelled: false, suspension: undefined, alreadyInCampaign: false };
const wanted = { idCampaign: 'c1', idParticipante: 'p1' };

test('is registered when no rule stands against it', () => {
  assert.is(refusalOf(wanted, free), undefined);
});

for (const [rule, facts, codigo, reason] of [
  ['its campaign is cancelled', { campaignCancelled: true }, 'CAMPAIGN_CANCELADA', /c1/],
  [
    'its participant is suspended, with the reason',
    { suspension: 'impago' },
    'PARTICIPANTE_SUSPENDIDO',
    /p1.*impago/,
  ],
  [
    'its participant is suspended without a reason',
    { suspension: '' },
    'PARTICIPANTE_SUSPENDIDO',
    /suspendido$/,
  ],
  [
    'its participant is in the campaign already',
    { alreadyInCampaign: true },
    'PARTICIPANTE_DUPLICADO',
    /p1.*c1/,
  ],
] as const)
  test(`is refused when ${rule}`, () => {
    const refusal = refusalOf(wanted, { ...free, ...facts });
    assert.is(refusal?.codigo, codigo);
    assert.match(refusal?.motivo ?? '', reason);
  });

test('once cancelled stays as it is', () => {
  const partner: Partner = {
    id: 'x',
    sagaId: null,
    idCampaign: 'c1',
    idParticipante: null,
    nombre: 'Ñandú',
    tipo: 'afiliado',
    informacionPerfil: '',
    estado: 'REGISTRADO',
    creado: new Date(1),
    actualizado: new Date(1),
  };
  const once = cancelled(partner, new Date(2));
  assert.is(once.estado, 'CANCELADO');
  assert.is(cancelled(once, new Date(3)), once);
});

test.run();
