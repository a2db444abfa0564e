import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exitoso } from './exitoso.ts';
import { registroEventoFallido } from './registro-evento-fallido.ts';
import { registroPartnerFallido } from './registro-partner-fallido.ts';
import { checkMessages, checkStream, entryLine, type SagaMoved } from './saga-view.ts';
import type { Scenario } from './scenario.ts';

const times = (count: number, contract: string): string[] => Array.from({ length: count }, () => contract);

const failing = (scenario: Scenario, contracts: readonly string[]): string[] =>
  checkMessages(scenario.expected, contracts)
    .filter(({ holds }) => !holds)
    .map(({ says, saw }) => `${says}: ${saw}`);

const registered = [
  'IniciarCampaign',
  'RegistrarCampaign',
  'CampaignRegistrada',
  ...times(3, 'RegistrarPartner'),
];
const partnersIn = [...registered, ...times(3, 'PartnerRegistrado')];
const undone = [
  ...times(3, 'CancelarPartner'),
  ...times(3, 'PartnerCancelado'),
  'CancelarCampaign',
  'CampaignCancelada',
];
const succeeded = [
  ...partnersIn,
  ...times(3, 'RegistrarEvento'),
  ...times(3, 'EventoRegistrado'),
  'AprobarReserva',
  'ReservaAprobada',
];

test('a saga that did everything once, step after step, holds', () => {
  assert.equal(failing(exitoso, succeeded), []);
});

test('a step done twice, left out or done besides does not hold', () => {
  assert.is(failing(exitoso, [...succeeded, 'ReservaAprobada']).length, 1);
  assert.is(failing(exitoso, succeeded.slice(0, -1)).length, 1);
  assert.match(
    failing(exitoso, [...succeeded, 'CancelarCampaign']).join(),
    /no other message.*CancelarCampaign/,
  );
});

test('a step that began before the one before it was over does not hold', () => {
  const early = [
    ...registered,
    'RegistrarEvento',
    ...times(3, 'PartnerRegistrado'),
    ...times(2, 'RegistrarEvento'),
  ];
  const rest = [...times(3, 'EventoRegistrado'), 'AprobarReserva', 'ReservaAprobada'];
  assert.match(
    failing(exitoso, [...early, ...rest]).join(),
    /RegistrarEvento came after RegistrarPartner: PartnerRegistrado/,
  );
});

test('refused eventos hold whether their answers came at once or during the compensation', () => {
  const refused = [...partnersIn, ...times(3, 'RegistrarEvento')];
  assert.equal(
    failing(registroEventoFallido, [...refused, ...times(3, 'RegistroEventoFallido'), ...undone]),
    [],
  );
  const uncertain = [
    'RegistroEventoFallido',
    ...times(2, 'CancelarEvento'),
    ...times(2, 'RegistroEventoFallido'),
  ];
  assert.equal(
    failing(registroEventoFallido, [...refused, ...uncertain, ...times(2, 'EventoCancelado'), ...undone]),
    [],
  );
});

test('a compensation in forward order does not hold', () => {
  const refused = [...partnersIn, ...times(3, 'RegistrarEvento'), ...times(3, 'RegistroEventoFallido')];
  const forward = [...undone.slice(-2), ...undone.slice(0, -2)];
  assert.match(
    failing(registroEventoFallido, [...refused, ...forward]).join(),
    /CancelarCampaign came after CancelarPartner/,
  );
});

test('a campaign that is cancelled before the last partner is undone does not hold', () => {
  const refused = [
    ...registered,
    'RegistroPartnerFallido',
    ...times(2, 'CancelarPartner'),
    'PartnerCancelado',
  ];
  const early = [...refused, 'CancelarCampaign', 'PartnerCancelado', 'CampaignCancelada'];
  assert.match(
    failing(registroPartnerFallido, early).join(),
    /PartnerCancelado still came after CancelarCampaign/,
  );
  const right = [...refused, 'PartnerCancelado', 'CancelarCampaign', 'CampaignCancelada'];
  assert.equal(failing(registroPartnerFallido, right), []);
});

const move = (n: number, estado: string): SagaMoved => ({
  saga: 's',
  tipo: 'campaign',
  estado,
  n,
  entradas: [],
});

test('a stream holds only when it shows every transition once, in order, to the end', () => {
  assert.ok(checkStream([move(1, 'RUNNING'), move(2, 'RUNNING'), move(3, 'COMPLETED')], 'COMPLETED').holds);
  assert.not(checkStream([move(1, 'RUNNING'), move(3, 'COMPLETED')], 'COMPLETED').holds);
  assert.not(checkStream([move(1, 'RUNNING'), move(1, 'RUNNING'), move(2, 'COMPLETED')], 'COMPLETED').holds);
  assert.not(checkStream([move(1, 'RUNNING')], 'COMPLETED').holds);
  assert.not(checkStream([], 'COMPLETED').holds);
});

test('an entry is one line that names the step, its item, the message and the reason', () => {
  const entry = {
    paso: 'RegistrarPartner',
    item: 1,
    estado: 'FALLIDO',
    evento: 'RegistroPartnerFallido',
    fecha: '',
  };
  assert.match(
    entryLine({ ...entry, motivo: 'suspendido' }),
    /^RegistrarPartner\[1\] +FALLIDO +RegistroPartnerFallido \(suspendido\)$/,
  );
});

test.run();
