import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cancelled, type Evento, refusalOf } from './evento.ts';

const test = suite('an evento');
const wanted = { idPartner: 'p1', marcaId: 'm1' };

test('is registered when no rule stands against it', () => {
  assert.is(refusalOf(wanted, { partnerCancelled: false, trackingOff: false }), undefined);
});

test('is refused when its partner is cancelled', () => {
  assert.is(refusalOf(wanted, { partnerCancelled: true, trackingOff: false })?.codigo, 'PARTNER_CANCELADO');
});

test('is refused when tracking is switched off for its brand', () => {
  const refusal = refusalOf(wanted, { partnerCancelled: false, trackingOff: true });
  assert.is(refusal?.codigo, 'TRACKING_DESACTIVADO');
  assert.match(refusal?.motivo ?? '', /m1/);
});

test('once cancelled stays as it is', () => {
  const evento: Evento = {
    id: 'x',
    sagaId: null,
    idPartner: 'p1',
    idCampana: 'c1',
    marcaId: 'm1',
    estado: 'REGISTRADO',
    fecha: new Date(1),
    actualizado: new Date(1),
  };
  const once = cancelled(evento, new Date(2));
  assert.is(once.estado, 'CANCELADO');
  assert.is(cancelled(once, new Date(3)), once);
});

test.run();
