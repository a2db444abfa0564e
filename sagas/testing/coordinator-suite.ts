import type { Received } from '@cordada/infra/messaging/message.ts';
import { MessageFault } from '@cordada/infra/messaging/pipeline.ts';
import { uuidV5 } from '@cordada/infra/uuid-v5.ts';
import { contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { campaignSaga } from '../campaign.saga.ts';
import { saga } from '../engine/builder.ts';
import { DefinitionsMissing } from '../engine/coordinator.ts';
import type { Instance } from '../engine/instance.ts';
import { entityId } from '../engine/turn.ts';
import { Desk, type Storage } from './desk.ts';

/** Of the sagas of these tests. */
const NAMESPACE = '6ba7b811-9dad-11d1-80b4-00c04fd430c8';
/** That of every message which a desk hands over. */
const traza = '0af7651916cd43dd8448eb211c80319c';
const ana = { quien: 'ana', motivo: 'ya no se quiere' };
const undoing = ['CancelarEvento', 'CancelarPartner', 'CampaignCancelada'];

/** A saga that something from outside may interrupt right after a step of the coordinator's own service. */
const interruptible = saga({
  tipo: 'interrumpible',
  version: 1,
  starts: contracts.IniciarCampaign,
  clave: () => [],
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
  .readOnly('evento', {
    command: contracts.RegistrarEvento,
    body: ({ id }) => ({ id_evento: id('evento'), id_partner: '', id_campana: '', marca_id: '' }),
    event: contracts.EventoRegistrado,
    failure: contracts.RegistroEventoFallido,
  })
  .retriable('aprobacion', {
    local: true,
    command: contracts.AprobarReserva,
    body: ({ id }) => ({ id_campaign: id('campaign') }),
    event: contracts.ReservaAprobada,
  })
  .interruptedBy(contracts.EventoCancelado, { before: 'aprobacion', codigo: 'FUERA', motivo: 'desde fuera' })
  .end();

/**
 * What a coordinator does with its sagas, on whatever store they lie.
 * @param open a storage; called once, before the first test
 */
export const coordinatorSuite = <Tx>(
  name: string,
  open: () => Promise<Storage<Tx>>,
  close: () => Promise<void>,
) => {
  const test = suite(`a coordinator on ${name}`);
  let storage: Storage<Tx>;
  let count = 0;
  /** A desk, and the id of a saga that no other test has. */
  const desk = (): [Desk<Tx>, string] => {
    count += 1;
    return [new Desk(storage), uuidV5(`saga ${count}`, NAMESPACE)];
  };
  const names = ({ published }: Desk<Tx>): string[] => published.map(({ contract }) => contract.name);

  test.before(async () => {
    storage = await open();
  });
  test.before.each(() => storage.clear());
  test.after(() => close());

  const completed = async (participantes = ['p1', 'p2']): Promise<[Desk<Tx>, string]> => {
    const [d, saga] = desk();
    await d.handle(d.begin(saga, participantes));
    await d.settle();
    assert.is((await d.saga(saga))?.status, 'COMPLETED');
    d.take();
    return [d, saga];
  };

  test('does the steps of its own service at once, publishes their events, and sends the next commands', async () => {
    const [d, saga] = desk();
    await d.handle(d.begin(saga, ['p1', 'p2']));
    assert.equal(names(d), ['CampaignRegistrada', 'RegistrarPartner', 'RegistrarPartner']);
    const [registrada, partner] = d.published;
    assert.is(registrada?.idempotencyKey, `${saga}/campaign/0/CampaignRegistrada`);
    assert.is(registrada?.subject, entityId(saga, 'campaign', 0));
    assert.is(partner?.cause?.id, registrada?.id);
    const instance = await d.saga(saga);
    assert.is(instance?.status, 'RUNNING');
    assert.is(instance?.version, 1);
    assert.equal(instance?.state.items, ['d', 'ss']);
  });

  test('carries a saga to its end, an update and a row of log a batch', async () => {
    const [d, saga] = desk();
    await d.handle(d.begin(saga, ['p1', 'p2']));
    await d.handle(...d.take('RegistrarPartner').map((one) => d.answer(one, contracts.PartnerRegistrado)));
    assert.is((await d.saga(saga))?.version, 2);
    await d.handle(...d.take('RegistrarEvento').map((one) => d.answer(one, contracts.EventoRegistrado)));
    const instance = await d.saga(saga);
    assert.is(instance?.status, 'COMPLETED');
    assert.is(instance?.version, 3);
    assert.is(instance?.wakeAt, null);
    assert.equal(d.local.calls, ['RegistrarCampaign', 'AprobarReserva']);
    assert.equal(names(d), ['CampaignRegistrada', 'ReservaAprobada']);
  });

  test('takes many sagas in one batch, a repeated beginning among them, and each once', async () => {
    const [d, first] = desk();
    const [, second] = desk();
    const begin = d.begin(first, ['p1']);
    await d.handle(begin, d.begin(second, []), begin);
    await d.handle(begin);
    assert.equal(d.local.calls, ['RegistrarCampaign', 'RegistrarCampaign', 'AprobarReserva']);
    assert.is((await d.saga(second))?.status, 'COMPLETED');
    assert.is((await d.saga(first))?.version, 1);
  });

  test('takes an answer twice, and one that comes after the end, for nothing', async () => {
    const [d, saga] = desk();
    await d.handle(d.begin(saga, ['p1']));
    const [partner] = d.take('RegistrarPartner');
    assert.ok(partner);
    const answer = d.answer(partner, contracts.PartnerRegistrado);
    await d.handle(answer, answer);
    await d.handle(answer);
    assert.is(d.take('RegistrarEvento').length, 1);
    assert.is((await d.saga(saga))?.version, 2);
  });

  test('takes no notice of messages for sagas that it does not know', async () => {
    const [d, saga] = desk();
    const known = d.begin(saga, []);
    const stranger = { ...known, envelope: { ...known.envelope, contract: 'PartnerRegistrado' } };
    const nobody = { ...known, envelope: { ...known.envelope, correlationId: 'no uuid' } };
    await d.handle(stranger, nobody);
    assert.equal(names(d), []);
    assert.is(await d.saga(saga), undefined);
  });

  /** A desk that counts how many sagas it has locked, and another replica of it. */
  const replicas = (): [Desk<Tx>, Desk<Tx>, string, { sagas: number }] => {
    count += 1;
    const locked = { sagas: 0 };
    const { store } = storage;
    const lock: typeof store.lock = (tx, ids) => {
      locked.sagas += ids.length;
      return store.lock(tx, ids);
    };
    const counting = new Desk({ ...storage, store: { ...store, lock } });
    return [counting, new Desk(storage), uuidV5(`saga ${count}`, NAMESPACE), locked];
  };

  /** Begins a saga of two partners. @returns the answers that both are registered */
  const beginTwo = async (d: Desk<Tx>, saga: string): Promise<readonly [Received, Received]> => {
    await d.handle(d.begin(saga, ['p1', 'p2']));
    const [first, second] = d
      .take('RegistrarPartner')
      .map((one) => d.answer(one, contracts.PartnerRegistrado));
    assert.ok(first && second);
    return [first, second];
  };

  test('locks no saga that it has moved last, for an hour', async () => {
    const [d, , saga, locked] = replicas();
    const [first, second] = await beginTwo(d, saga);
    await d.handle(first);
    assert.is(locked.sagas, 0);
    d.runtime.advance(3_600_001);
    await d.handle(second);
    assert.is(locked.sagas, 1);
    assert.is((await storage.transaction((tx) => storage.store.lock(tx, [saga]))).get(saga)?.version, 3);
    assert.is(d.conflicts, 0);
  });

  test('decides again what another replica has moved meanwhile, and loses nothing of it', async () => {
    const [d, other, saga, locked] = replicas();
    const [first, second] = await beginTwo(d, saga);
    await other.handle(first);
    await d.handle(second);
    assert.is(d.conflicts, 1);
    assert.is(locked.sagas, 1);
    assert.equal(names(d), ['CampaignRegistrada', 'RegistrarEvento', 'RegistrarEvento']);
    assert.is((await other.saga(saga))?.version, 3);
  });

  test('says "nothing to do" of a saga only as it stands, not as it was left', async () => {
    const [d, other, saga] = replicas();
    await d.handle(d.begin(saga, ['p1', 'p2']));
    const [first, second] = d.take('RegistrarPartner');
    assert.ok(first && second);
    await other.handle(other.answer(first, contracts.RegistroPartnerFallido, { codigo: 'NO', motivo: 'no' }));
    const [undo] = other.take('CancelarPartner');
    assert.is(undo?.idempotencyKey, second.idempotencyKey);
    // As this replica left the saga, nothing is being undone.
    await d.handle(d.answer(undo as typeof second, contracts.PartnerCancelado));
    assert.is(d.conflicts, 1);
    assert.is((await other.saga(saga))?.status, 'COMPENSATED');
  });

  test('holds no message against itself that throws only for a saga as it was left', async () => {
    const [d, other, saga] = replicas();
    await d.handle(d.begin(saga, ['p1']));
    await d.handle(...d.take('RegistrarPartner').map((one) => d.answer(one, contracts.PartnerRegistrado)));
    const [evento] = d.take('RegistrarEvento').map((one) => d.answer(one, contracts.EventoRegistrado));
    assert.ok(evento);
    await other.handle(evento);
    d.local.broken.add('AprobarReserva');
    await d.handle(evento);
    assert.is(d.conflicts, 1);
    assert.is((await other.saga(saga))?.status, 'COMPLETED');
  });

  test('takes the beginning of a saga that another replica has ended for nothing', async () => {
    const [d, other, saga] = replicas();
    await other.handle(other.begin(saga, []));
    await d.handle(d.begin(saga, []));
    assert.is(d.conflicts, 1);
    assert.equal(names(d), []);
    assert.is((await other.saga(saga))?.version, 1);
  });

  test('compensates what its own service and the others have done, and tells the projection', async () => {
    const [d, saga] = desk();
    await d.handle(d.begin(saga, ['p1', 'p2']));
    const [first, second] = d.take('RegistrarPartner');
    assert.ok(first && second);
    await d.handle(
      d.answer(first, contracts.PartnerRegistrado),
      d.answer(second, contracts.RegistroPartnerFallido, { codigo: 'SUSPENDIDO', motivo: 'suspendido' }),
    );
    assert.is((await d.saga(saga))?.status, 'COMPENSATING');
    await d.settle();
    assert.is((await d.saga(saga))?.status, 'COMPENSATED');
    assert.equal(d.local.calls, ['RegistrarCampaign', 'CancelarCampaign']);
    assert.equal(
      d.changes.map(({ estado, deshaciendo, paso }) => [estado, deshaciendo, paso]),
      [
        ['RUNNING', false, 'partner'],
        ['COMPENSATING', true, 'partner'],
        ['COMPENSATED', true, undefined],
      ],
    );
  });

  test('ends a saga whose first local step is refused or throws, with the reason', async () => {
    const [d, refused] = desk();
    const [, broken] = desk();
    d.local.refused.add('repetida');
    await d.handle(d.begin(refused, ['p1'], 'repetida'));
    d.local.broken.add('RegistrarCampaign');
    await d.handle(d.begin(broken, ['p1']));
    assert.is((await d.saga(refused))?.state.failure?.codigo, 'CAMPAIGN_DUPLICADA');
    assert.is((await d.saga(broken))?.state.failure?.codigo, 'ERROR_INTERNO');
    assert.is((await d.saga(broken))?.status, 'COMPENSATED');
    assert.equal(names(d), ['RegistroCampaignFallido', 'RegistroCampaignFallido']);
  });

  test('names the message whose retriable step throws, and keeps nothing of the batch', async () => {
    const [d, saga] = desk();
    const [, other] = desk();
    d.local.broken.add('AprobarReserva');
    try {
      await d.handle(d.begin(other, ['p1']), d.begin(saga, []));
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof MessageFault);
      assert.is(error.index, 1);
    }
    assert.is(await d.saga(other), undefined);
    assert.equal(names(d), []);
  });

  test('never has a command of its own service and its undo done at once', async () => {
    const [, saga] = desk();
    const d = new Desk(storage, [interruptible]);
    await d.handle(d.begin(saga, []), d.hear(saga, contracts.EventoCancelado));
    assert.equal(d.local.loads, [['RegistrarCampaign'], ['CancelarCampaign']]);
    assert.is((await d.saga(saga))?.status, 'COMPENSATED');
  });

  test('answers a beginning that cannot be read with a saga that says so', async () => {
    const [d, saga] = desk();
    const { envelope } = d.begin(saga, []);
    await d.handle({ envelope, body: undefined, fault: { kind: 'undecodable', cause: 'no es Avro' } });
    const instance = await d.saga(saga);
    assert.is(instance?.status, 'COMPENSATED');
    assert.equal(
      [instance?.state.failure?.codigo, instance?.state.failure?.motivo],
      ['ERROR_INTERNO', 'el mensaje no se puede leer: no es Avro'],
    );
  });

  test('sends again at the deadline, once the subscription has caught up; and waits for that not for ever', async () => {
    const [d, saga] = desk();
    await d.coordinator.start();
    await d.handle(d.begin(saga, ['p1']));
    const [first] = d.take('RegistrarPartner');
    d.caughtUp = false;
    d.runtime.advance(60_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(d.take('RegistrarPartner'), []);
    d.caughtUp = true;
    await d.until(() => {
      d.runtime.advance(250);
      return d.published.some(({ contract }) => contract.name === 'RegistrarPartner');
    });
    const [again] = d.take('RegistrarPartner');
    assert.is(again?.idempotencyKey, first?.idempotencyKey);
    assert.is.not(again?.id, first?.id);
    d.caughtUp = false;
    d.runtime.advance(121_000);
    await d.until(() => {
      d.runtime.advance(250);
      return d.published.some(({ contract }) => contract.name === 'CancelarPartner');
    });
    await d.settle();
    assert.is((await d.saga(saga))?.status, 'COMPENSATED');
    assert.is((await d.saga(saga))?.state.failure?.codigo, 'TIEMPO_AGOTADO');
    await d.coordinator.close();
  });

  test('leaves the wake time where it was while a saga moves on, and clears it at the end', async () => {
    const [d, saga] = desk();
    await d.handle(d.begin(saga, ['p1']));
    const wakeAt = (await d.saga(saga))?.wakeAt;
    d.runtime.advance(1_000);
    await d.handle(...d.take('RegistrarPartner').map((one) => d.answer(one, contracts.PartnerRegistrado)));
    assert.is((await d.saga(saga))?.wakeAt, wakeAt);
    await d.settle();
    assert.is((await d.saga(saga))?.wakeAt, null);
  });

  test('parks with one alert, obeys the verbs, and writes down who ordered them and why', async () => {
    const [d, saga] = desk();
    await d.coordinator.start();
    await d.handle(d.begin(saga, ['p1']));
    const verb = { saga, paso: 'partner', ...ana } as const;
    assert.equal(await d.coordinator.verb({ ...verb, verb: 'omitir' }), {
      taken: false,
      refused: 'NO_DETENIDA',
      motivo: 'nada de partner está detenido',
    });
    assert.equal((await d.coordinator.deshacer({ saga, ...ana })).taken, true);
    await d.until(async () => {
      d.runtime.advance(600_000);
      return (await d.saga(saga))?.status === 'PARKED';
    });
    assert.equal(d.alerts, ['campaign/partner']);
    const resent = d.take('CancelarPartner');
    assert.is(resent.length, 6);
    assert.equal((await d.coordinator.verb({ ...verb, verb: 'reintentar' })).taken, true);
    const retried = d.take('CancelarPartner');
    assert.is(retried.length, 1);
    // Deadlines and verbs keep the trace that the saga was begun in.
    for (const { cause } of [...resent, ...retried]) assert.match(cause?.traceparent ?? '', `00-${traza}-`);
    assert.is((await d.saga(saga))?.status, 'COMPENSATING');
    assert.equal(
      d.audit.map(({ who, action, target, reason }) => [who, action, target, reason]),
      [
        ['ana', 'saga.deshacer', saga, ana.motivo],
        ['ana', 'saga.reintentar', `${saga}/partner`, ana.motivo],
      ],
    );
    const nobody = await d.coordinator.verb({ ...verb, saga: 'nobody', verb: 'omitir' });
    assert.equal(nobody.taken || nobody.refused, 'NO_EXISTE');
    await d.coordinator.close();
  });

  test('obeys a verb once a key, and gives its repeat the saga as it was answered', async () => {
    const [d, saga] = desk();
    await d.coordinator.start();
    await d.handle(d.begin(saga, ['p1']));
    await d.coordinator.deshacer({ saga, ...ana });
    const request = { id: d.runtime.uuid(), hash: 'h' };
    const omit = () => d.coordinator.verb({ saga, paso: 'partner', verb: 'omitir', ...ana, request });
    const early = await omit();
    assert.equal(early.taken || early.refused, 'NO_DETENIDA');
    await d.until(async () => {
      d.runtime.advance(600_000);
      return (await d.saga(saga))?.status === 'PARKED';
    });
    const first = await omit();
    assert.ok(first.taken && !first.repeated, 'what was refused is not remembered');
    assert.is(first.view.estado, 'COMPENSATED');
    assert.is(first.view.pasos.find(({ nombre }) => nombre === 'partner')?.estado, 'OMITIDO');
    const audited = d.audit.length;
    assert.equal(await omit(), { ...first, repeated: true });
    assert.is(d.audit.length, audited);
    const other = await d.coordinator.verb({
      saga,
      paso: 'partner',
      verb: 'omitir',
      ...ana,
      request: { ...request, hash: 'other' },
    });
    assert.equal(other.taken || other.refused, 'CLAVE_REUTILIZADA');
    await d.coordinator.close();
  });

  test('undoes a COMPLETED saga by one of its own, in reverse, once however often it is asked', async () => {
    const [d, saga] = await completed();
    const traceparent = `00-${'d'.repeat(32)}-b7ad6b7169203331-01`;
    const asked = await d.coordinator.deshacer({ saga, ...ana, traceparent });
    assert.ok(asked.taken && asked.saga !== saga);
    assert.equal(names(d), ['CancelarEvento', 'CancelarEvento']);
    for (const { cause } of d.published) assert.match(cause?.traceparent ?? '', `00-${'d'.repeat(32)}-`);
    assert.equal(await d.coordinator.deshacer({ saga, ...ana }), asked);
    const sent = [...d.published];
    assert.is(sent[0]?.idempotencyKey, `${saga}/evento/0`);
    assert.is(sent[0]?.correlationId, asked.saga);
    await d.handle(...d.take('CancelarEvento').map((one) => d.answer(one, contracts.EventoCancelado)));
    assert.equal(names(d), ['CancelarPartner', 'CancelarPartner']);
    await d.settle();
    assert.is(d.local.calls.at(-1), 'CancelarCampaign');
    const both = await d.sagas(asked.saga);
    assert.is(both.get(asked.saga)?.status, 'COMPLETED');
    assert.equal(both.get(saga)?.state.items, ['x', 'xx', 'xx', 'd']);
    d.take();
    assert.equal(await d.coordinator.deshacer({ saga, ...ana }), asked);
    assert.equal(names(d), []);
    const undone = await d.coordinator.deshacer({ saga: asked.saga, ...ana });
    assert.is(undone.taken, false);
  });

  test('undoes one partner with its evento, and nothing else', async () => {
    const [d, saga] = await completed();
    const asked = await d.coordinator.deshacer({ saga, entidad: entityId(saga, 'partner', 1), ...ana });
    assert.ok(asked.taken);
    assert.equal(
      d.published.map(({ idempotencyKey }) => idempotencyKey),
      [`${saga}/evento/1`],
    );
    await d.settle();
    const both = await d.sagas(asked.saga);
    assert.is(both.get(asked.saga)?.status, 'COMPLETED');
    assert.equal(both.get(saga)?.state.items, ['d', 'dx', 'dx', 'd']);
    assert.is(d.local.estados.get(entityId(saga, 'campaign', 0)), 'APROBADA');
    const evento = await d.coordinator.deshacer({ saga, entidad: entityId(saga, 'evento', 1), ...ana });
    assert.equal(evento, asked, 'the evento went with its partner');
    const unknown = await d.coordinator.deshacer({ saga, entidad: entityId(saga, 'partner', 9), ...ana });
    assert.is(unknown.taken || unknown.refused, 'PASO_DESCONOCIDO');
  });

  test('takes a wider DELETE while a narrower one is under way, lets it follow, and undoes nothing twice', async () => {
    const [d, saga] = await completed();
    await d.coordinator.start();
    const narrow = await d.coordinator.deshacer({ saga, entidad: entityId(saga, 'partner', 0), ...ana });
    const wide = await d.coordinator.deshacer({ saga, ...ana });
    assert.ok(narrow.taken && wide.taken && narrow.saga !== wide.saga);
    assert.equal(
      d.published.map(({ idempotencyKey }) => idempotencyKey),
      [`${saga}/evento/0`],
    );
    assert.equal((await d.saga(wide.saga))?.state.waits, true);
    const undone: string[] = [];
    await d.until(async () => {
      undone.push(
        ...d.published
          .filter(({ contract }) => undoing.includes(contract.name))
          .map((one) => one.idempotencyKey),
      );
      d.take('CampaignCancelada');
      await d.settle();
      d.runtime.advance(0);
      return (await d.saga(wide.saga))?.status === 'COMPLETED';
    });
    assert.equal([...undone], [...new Set(undone)]);
    const original = (await d.sagas(wide.saga)).get(saga);
    assert.equal(original?.state.items, ['x', 'xx', 'xx', 'd']);
    assert.equal(
      original?.state.undos?.map(({ fin }) => fin),
      ['COMPLETED', 'COMPLETED'],
    );
    const late = await d.coordinator.deshacer({ saga, entidad: entityId(saga, 'evento', 0), ...ana });
    assert.equal(late, narrow);
    await d.coordinator.close();
  });

  test('refuses to start while a live saga is pinned to a definition that is not here', async () => {
    const [d, saga] = desk();
    await d.handle(d.begin(saga, ['p1']));
    const changed = new Desk(storage, [{ ...campaignSaga, hash: 'another', undo: undefined }]);
    try {
      await changed.coordinator.start();
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof DefinitionsMissing);
      assert.match(error.message, campaignSaga.hash);
    }
    const both = new Desk(storage, [{ ...campaignSaga, hash: 'another', undo: undefined }, campaignSaga]);
    await both.coordinator.start();
    await both.coordinator.close();
    await d.settle();
    assert.is(((await d.saga(saga)) as Instance).status, 'COMPLETED');
  });

  test('takes no notice of what comes for an ended saga whose definition is gone, and cannot undo it', async () => {
    const [d, saga] = desk();
    await d.handle(d.begin(saga, ['p1']));
    const [partner] = d.published.filter(({ contract }) => contract.name === 'RegistrarPartner');
    assert.ok(partner);
    await d.settle();
    const later = new Desk(storage, [interruptible]);
    await later.coordinator.start();
    await later.handle(d.answer(partner, contracts.PartnerRegistrado));
    const answer = await later.coordinator.deshacer({ saga, ...ana });
    assert.is(answer.taken || answer.refused, 'NO_SE_PUEDE_DESHACER');
    await later.coordinator.close();
  });

  return test;
};
