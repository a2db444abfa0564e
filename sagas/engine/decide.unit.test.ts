import { uuidV5 } from '@cordada/infra/uuid-v5.ts';
import { contracts } from '@cordada/schemas';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { campaignSaga } from '../campaign.saga.ts';
import { SAGA } from '../testing/given.ts';
import { Fleet } from '../testing/participants.ts';
import { isEnded } from './instance.ts';
import { entityId } from './turn.ts';

const test = suite('whatever happens to a saga');

const start = (participants: number) => ({
  body: {
    nombre: 'Otoño',
    presupuesto: '1000.50',
    divisa: 'COP',
    marca_id: 'm1',
    participantes: Array.from({ length: participants }, (_, i) => ({
      id: `p${i}`,
      tipo: 'afiliado',
      nombre: 'n',
      informacion_perfil: '',
    })),
  },
  envelope: {
    id: 'start',
    contract: contracts.IniciarCampaign.name,
    source: '/test',
    time: new Date(0),
    subject: SAGA,
    correlationId: SAGA,
    causationId: 'start',
    idempotencyKey: SAGA,
    traceparent: '',
    requestHash: '',
  },
});

/** Runs a saga through what the draws say, and then to its end. */
const live = (participants: number, draws: readonly number[]): Fleet => {
  let next = 0;
  const fleet = new Fleet(campaignSaga, start(participants), () => draws[next++] ?? 1);
  while (next < draws.length) fleet.step();
  fleet.finish();
  return fleet;
};

const holds = (check: (fleet: Fleet) => void) =>
  fc.assert(
    fc.property(fc.nat(4), fc.array(fc.nat(1000), { maxLength: 120 }), (participants, draws) => {
      check(live(participants, draws));
    }),
    { numRuns: 2_000, seed: 4 },
  );

test('it ends, COMPLETED or COMPENSATED, once operators have seen to what was parked', () => {
  holds(({ saga }) => assert.ok(saga && isEnded(saga.status), saga?.status));
});

test('it takes effect wholly or not at all, and nothing is done or undone twice', () => {
  holds(({ saga, entities }) => {
    for (const [key, { effects, undos, state }] of entities) {
      assert.ok(effects <= 1, `${key} took effect ${effects} times`);
      const [done, undone] = saga?.status === 'COMPLETED' ? [1, 0] : [effects, effects];
      assert.equal([effects, undos], [done, undone], `${key} is ${state} in a saga that is ${saga?.status}`);
    }
    const items = saga?.state.items.join('').length;
    if (saga?.status === 'COMPLETED') assert.is(entities.size, items, 'every item of every step is there');
  });
});

test('it compensates in reverse, each step wholly before the one that came before it', () => {
  const order = campaignSaga.steps.map(({ name }) => name);
  holds(({ undone }) => {
    const places = undone.map((key) => order.indexOf(key.split('/')[1] ?? ''));
    assert.equal(
      places,
      [...places].sort((a, b) => b - a),
    );
  });
});

test('a step that was given up is named by one alert each time', () => {
  holds(({ alerts, saga }) => {
    const steps = new Set(campaignSaga.steps.map(({ name }) => name));
    assert.ok(alerts.every((paso) => steps.has(paso)));
    if (saga?.status === 'COMPLETED') assert.ok(alerts.every((paso) => paso === 'aprobacion'));
  });
});

test('an entity has one id, however many others are named before it is named again', () => {
  const sagas = Array.from({ length: 700 }, (_, n) => uuidV5(`saga ${n}`, SAGA));
  for (let round = 0; round < 2; round += 1)
    for (const saga of sagas)
      for (const step of ['partner', 'evento'])
        for (const item of [0, 499, 3])
          assert.is(entityId(saga, step, item), uuidV5(`${step}/${item}`, saga));
});

test.run();
