import { contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BusMessage } from '../../bus/bus.ts';
import { retryHeldMessage, skipHeldMessage } from '../held-messages.ts';
import type { Outgoing, Received } from '../message.ts';
import { DecidedFromStale } from '../pipeline.ts';
import type { KeyedRequest } from '../store.ts';
import { unitOfWork } from '../unit-of-work.ts';
import { retryUnpublished, skipUnpublished } from '../unpublished.ts';
import { busMessage, toOutboxRow } from '../wire.ts';
import {
  aprobar,
  cancelada,
  cancelar,
  eventually,
  Pipeline,
  pause,
  registrar,
  type StoreUnderTest,
  SUBSCRIPTION,
} from './pipeline.ts';

/**
 * Every guarantee of the pipeline, a sentence each, on any store. The caller runs the suite that it answers.
 * @param makeStore an empty one for each sentence
 */
export function pipelineConformance<Tx>(name: string, makeStore: () => Promise<StoreUnderTest<Tx>>) {
  const test = suite(`the pipeline on ${name}`);

  /** A sentence with a pipeline of its own. */
  const holds = (sentence: string, body: (p: Pipeline<Tx>) => Promise<void>): void => {
    test(sentence, async () => {
      const made = await makeStore();
      const pipeline = new Pipeline(made);
      await pipeline.watch();
      try {
        await body(pipeline);
      } finally {
        await pipeline.stop();
        await made.close();
      }
    });
  };
  const running = (sentence: string, body: (p: Pipeline<Tx>) => Promise<void>): void =>
    holds(sentence, async (p) => {
      p.relay.start();
      await p.consume();
      await body(p);
    });
  const outbox = (p: Pipeline<Tx>) => p.store.sweep(1_000, []);
  const claimed = (p: Pipeline<Tx>, key: string) =>
    p.store.transaction(async (tx) => (await p.store.claims(tx, SUBSCRIPTION, [key])).get(key));
  const garbled = (p: Pipeline<Tx>, outgoing: Outgoing): BusMessage => ({
    ...busMessage(outgoing, 'campaign', p.runtime),
    payload: Buffer.from([0xff, 0xff, 0xff]),
  });

  running('a command takes effect and its event goes out', async (p) => {
    await p.send(registrar('s', 'a'));
    await eventually('it is answered', () => p.answers('s').length === 1);
    assert.equal(p.answers('s'), ['PartnerRegistrado']);
    assert.is((await p.partner('a'))?.veces, 1);
    await eventually('the outbox is empty', async () => (await outbox(p)).length === 0);
  });

  running('a reply names its cause, continues its trace and has an idempotency key of its own', async (p) => {
    const command = busMessage(registrar('s', 'a'), 'campaign', p.runtime);
    await p.send(command);
    await eventually('it is answered', () => p.replies.length === 1);
    const { envelope } = p.replies[0] as (typeof p.replies)[number];
    assert.is(envelope.causationId, command.properties['ce-id']);
    assert.is(envelope.idempotencyKey, 's/partner/0/PartnerRegistrado');
    const [, trace, span] = (command.properties.traceparent as string).split('-');
    const [, answeredTrace, answeredSpan] = envelope.traceparent.split('-');
    assert.is(answeredTrace, trace);
    assert.is.not(answeredSpan, span);
  });

  holds('an effect, its claim and its outbox rows are committed together or not at all', async (p) => {
    p.troubles.push('away');
    await p.handle(registrar('s', 'a')).then(refused, () => undefined);
    assert.is(await p.partner('a'), undefined);
    assert.is(await claimed(p, 's/partner/0'), undefined);
    assert.equal(await outbox(p), []);
    await p.handle(registrar('s', 'a'));
    assert.ok(await p.partner('a'));
    assert.ok(await claimed(p, 's/partner/0'));
    assert.is((await outbox(p)).length, 1);
  });

  running('a message is acknowledged only once its transaction is committed', async (p) => {
    p.troubles.push('away', 'away', 'away');
    await p.send(registrar('s', 'a')); // resolves when it is acknowledged
    assert.is(p.troubles.length, 0);
    assert.ok(await p.partner('a'));
  });

  running(
    'what was committed in a transaction whose answer was lost takes effect once, and is answered',
    async (p) => {
      p.troubles.push('answer lost');
      await p.send(registrar('s', 'a'));
      await eventually('it is answered', () => p.answers('s').length >= 1);
      assert.is((await p.partner('a'))?.veces, 1);
    },
  );

  holds('messages of many sagas that name one key go out in the order of their commits', async (p) => {
    const key = 'an item';
    // Each saga's own key would let the second overtake the first: nothing has published the first yet.
    for (const saga of ['s', 't', 'u'])
      await p.unitOfWork.transact(async () => ({
        result: undefined,
        publish: [{ ...cancelada(saga, 'a'), key }],
      }));
    const rows = await outbox(p);
    assert.equal(
      rows.map((row) => row.key),
      [key, key, key],
    );
    assert.equal(
      rows.map((row) => row.props.r),
      ['s', 't', 'u'],
    );
    await p.consume();
    p.relay.start();
    await eventually('all are handled', async () => (await claimed(p, 'u/cancelada/0')) !== undefined);
    assert.ok(await claimed(p, 's/cancelada/0'));
  });

  running(
    'a message that is held holds the later ones of the key it names, whatever their sagas',
    async (p) => {
      p.switches.poisoned.add('a');
      await p.send({ ...cancelada('s', 'a'), key: 'item' });
      await p.send({ ...cancelada('t', 'b'), key: 'item' });
      await p.send({ ...cancelada('u', 'c'), key: 'another item' });
      assert.equal(
        (await p.held()).map((held) => [held.key, held.properties.correlationid]),
        [
          ['item', 's'],
          ['item', 't'],
        ],
      );
      assert.ok(await claimed(p, 'u/cancelada/0'), 'another key flows');
      assert.is(await claimed(p, 't/cancelada/0'), undefined);
    },
  );

  holds(
    'rows are numbered in their order, however many they are, and behind those committed before',
    async (p) => {
      const written: (readonly [number, string])[] = [];
      for (const count of [3, 5_000, 2]) {
        const rows = Array.from({ length: count }, (_, i) =>
          toOutboxRow(registrar('s', String(i)), p.runtime),
        );
        const seqs = await p.store.transaction((tx) => p.store.enqueue(tx, rows));
        written.push(...rows.map(({ id }, i) => [seqs[i] as number, id] as const));
      }
      const found = await p.store.sweep(10_000, []);
      assert.equal(
        found.map(({ seq, id }) => [seq, id]),
        written,
      );
      assert.ok(written.every(([seq], i) => i === 0 || seq > (written[i - 1]?.[0] as number)));
    },
  );

  holds('a crash between commit and publishing loses nothing: the next start publishes it', async (p) => {
    await p.handle(registrar('s', 'a')); // this relay never started
    assert.is(p.replies.length, 0);
    const next = p.newRelay();
    next.start();
    await eventually('it is published', () => p.answers('s').length === 1);
    await next.drain(1_000);
    assert.equal(await outbox(p), []);
  });

  holds('what a crash left is published before what is newer of its key', async (p) => {
    await p.handle(cancelada('s', 'a', 1), cancelada('s', 'a', 2));
    p.relay = p.newRelay();
    p.unitOfWork = unitOfWork(p);
    p.relay.start();
    await p.handle(cancelada('s', 'a', 3));
    await eventually('all are published', () => p.replies.length === 3);
    assert.equal(p.replies.map(motivoOf), ['1', '2', '3']);
  });

  running('the messages of a key go out in the order of their commits', async (p) => {
    const order: string[] = [];
    for (let n = 0; n < 50; n++) {
      order.push(String(n));
      await p.handle(cancelada('s', 'a', n));
    }
    await eventually('all are published', () => p.replies.length === 50);
    assert.equal(p.replies.map(motivoOf), order);
  });

  running('a command that is delivered twice has one effect and the same reply, with a new id', async (p) => {
    await p.send(registrar('s', 'a'));
    await p.send(registrar('s', 'a'));
    await eventually('both are answered', () => p.replies.length === 2);
    const [first, second] = p.replies;
    assert.is((await p.partner('a'))?.veces, 1);
    assert.equal(second?.body, first?.body);
    assert.is(second?.envelope.idempotencyKey, first?.envelope.idempotencyKey);
    assert.is.not(second?.envelope.id, first?.envelope.id);
  });

  holds('a command that stands twice in a batch has one effect and the same reply', async (p) => {
    p.relay.start();
    await p.handle(registrar('s', 'a'), registrar('s', 'a'));
    await eventually('both are answered', () => p.replies.length === 2);
    assert.is((await p.partner('a'))?.veces, 1);
    assert.equal(p.replies[1]?.body, p.replies[0]?.body);
  });

  running('a refusal is an answer, and stays one', async (p) => {
    await p.send(registrar('s', 'a', 'suspendido'));
    await p.send(registrar('s', 'a'));
    await eventually('both are answered', () => p.replies.length === 2);
    assert.equal(p.answers('s'), ['RegistroPartnerFallido', 'RegistroPartnerFallido']);
    assert.is(await p.partner('a'), undefined);
  });

  running('an event that is delivered twice has one effect', async (p) => {
    await p.send(cancelada('s', 'a', 1), cancelada('s', 'a', 1));
    await p.send(cancelada('s', 'a', 1), cancelada('s', 'a', 2));
    assert.is((await p.partner('a'))?.veces, 2);
  });

  running(
    'a batch that lost to a concurrent claim runs again and answers what the winner stored',
    async (p) => {
      await p.send(aprobar('s', 'a'));
      await eventually('the first is answered', () => p.replies.length === 1);
      const { claims } = p.store;
      let blind = 1; // it reads before the winner's commit, and writes after it
      p.store.claims = async (...parameters) => (blind-- > 0 ? new Map() : claims(...parameters));
      await p.send(aprobar('s', 'a'));
      await eventually('the second is answered', () => p.replies.length === 2);
      assert.equal(p.replies[1]?.body, p.replies[0]?.body);
      assert.is((await p.partner('a'))?.veces, 1);
      assert.not.ok(p.lines.some((line) => line.text === 'message held'));
    },
  );

  holds(
    'a batch that was decided from what holds no more runs again, and nothing of it is held',
    async (p) => {
      const { handle } = p.handler;
      let stale = 1;
      p.handler = {
        ...p.handler,
        async handle(tx, batch, now) {
          const outcome = await handle(tx, batch, now);
          if (stale-- > 0) throw new DecidedFromStale('another transaction was faster');
          return outcome;
        },
      };
      p.relay.start();
      await p.consume();
      await p.send(cancelada('s', 'a', 1));
      assert.is((await p.partner('a'))?.veces, 1);
      assert.equal(await p.held(), []);
    },
  );

  running('an undo after its command undoes it', async (p) => {
    await p.send(registrar('s', 'a'));
    await p.send(cancelar('s', 'a'));
    await eventually('both are answered', () => p.replies.length === 2);
    assert.equal(p.answers('s'), ['PartnerRegistrado', 'PartnerCancelado']);
    assert.is((await p.partner('a'))?.estado, 'CANCELADO');
  });

  running('a command that comes after its undo has no effect, and gets the undo’s answer', async (p) => {
    await p.send(cancelar('s', 'a'));
    await p.send(registrar('s', 'a'));
    await eventually('both are answered', () => p.replies.length === 2);
    assert.equal(p.answers('s'), ['PartnerCancelado', 'PartnerCancelado']);
    assert.is(await p.partner('a'), undefined);
    assert.is((await claimed(p, 's/partner/0'))?.tombstone, true);
  });

  for (const first of ['command', 'undo'] as const)
    holds(`a command and its undo in one batch, the ${first} first, are handled in that order`, async (p) => {
      p.relay.start();
      const both = [registrar('s', 'a'), cancelar('s', 'a')];
      await p.handle(...(first === 'command' ? both : both.reverse()));
      await eventually('both are answered', () => p.replies.length === 2);
      assert.equal(p.answers('s'), [
        first === 'command' ? 'PartnerRegistrado' : 'PartnerCancelado',
        'PartnerCancelado',
      ]);
      assert.is((await p.partner('a'))?.estado, first === 'command' ? 'CANCELADO' : undefined);
    });

  running('an undo that is delivered again answers again', async (p) => {
    await p.send(registrar('s', 'a'));
    await p.send(cancelar('s', 'a'));
    await p.send(cancelar('s', 'a'));
    await p.send(registrar('s', 'a'));
    await eventually('all are answered', () => p.replies.length === 4);
    assert.equal(p.answers('s').slice(1, 3), ['PartnerCancelado', 'PartnerCancelado']);
    assert.is((await p.partner('a'))?.estado, 'CANCELADO', 'the command that came again had no effect');
  });

  running(
    'a command whose handler throws is answered, never takes effect, and its undo is not held up',
    async (p) => {
      p.switches.poisoned.add('a');
      await p.send(registrar('s', 'a'));
      p.switches.poisoned.clear();
      await p.send(cancelar('s', 'a'));
      await p.send(registrar('s', 'a'));
      await eventually('all are answered', () => p.replies.length === 3);
      assert.equal(p.answers('s'), ['RegistroPartnerFallido', 'PartnerCancelado', 'RegistroPartnerFallido']);
      assert.match(JSON.stringify(p.replies[0]?.body), '"codigo":"ERROR_INTERNO"');
      assert.is(await p.partner('a'), undefined);
      assert.equal(await p.held(), []);
    },
  );

  running('a command that cannot be decoded is answered as far as its properties go', async (p) => {
    await p.send(garbled(p, registrar('s', 'a')));
    await eventually('it is answered', () => p.replies.length === 1);
    assert.is(p.replies[0]?.envelope.idempotencyKey, 's/partner/0/RegistroPartnerFallido');
    assert.equal(p.replies.map(motivoOf), ['undecodable']);
    assert.equal(await p.held(), []);
  });

  running(
    'a command that the database refuses is found in its batch and answered; the others take effect',
    async (p) => {
      p.switches.refusedByDatabase.add('c');
      await p.send(...['a', 'b', 'c', 'd', 'e'].map((id) => registrar(`s-${id}`, id)));
      await eventually('all are answered', () => p.replies.length === 5);
      assert.equal(p.answers('s-c'), ['RegistroPartnerFallido']);
      assert.is(await p.partner('c'), undefined);
      for (const id of ['a', 'b', 'd', 'e']) assert.is((await p.partner(id))?.veces, 1);
      assert.is(p.errors().length, 1);
      assert.not.ok(p.lines.some((line) => line.text === 'message held'));
    },
  );

  running(
    'the messages of a key keep their order when the database refuses one of another key',
    async (p) => {
      p.switches.refusedByDatabase.add('c');
      await p.send(
        ...[1, 2].map((n) => cancelada('s', 'a', n)),
        registrar('t', 'c'),
        ...[3, 4].map((n) => cancelada('s', 'a', n)),
      );
      await eventually('all are answered', () => p.replies.length === 5);
      const answers = p.replies.filter((r) => r.envelope.correlationId === 's');
      assert.equal(answers.map(motivoOf), ['1', '2', '3', '4']);
    },
  );

  running('a poisoned event holds its own key, in order, and nobody else’s', async (p) => {
    p.switches.poisoned.add('a');
    await p.send(
      cancelada('s', 'b', 0),
      cancelada('s', 'a', 1),
      cancelada('s', 'b', 2),
      cancelada('t', 'b', 3),
    );
    await p.send(registrar('s', 'c'), cancelada('t', 'b', 4));
    const held = await p.held();
    assert.equal(
      held.map((m) => m.properties.idempotencykey),
      ['s/cancelada/1', 's/cancelada/2', 's/partner/0'],
    );
    assert.is((await p.partner('b'))?.veces, 3, 'what came before it, and what is of another key');
    assert.is(await p.partner('c'), undefined);
  });

  running('what is held goes on in order once the fault is mended, and its key is free again', async (p) => {
    p.switches.poisoned.add('a');
    await p.send(cancelada('s', 'a', 1), cancelada('s', 'a', 2));
    await p.send(cancelada('s', 'a', 3));
    await eventually('it was tried', () => p.lines.some((line) => line.text === 'held message failed again'));
    p.switches.poisoned.clear();
    await release(p);
    await eventually('all went through', () => p.replies.length === 3);
    assert.equal(p.replies.map(motivoOf), ['1', '2', '3']);
    await eventually('nothing is held', async () => (await p.held()).length === 0);
    await p.send(cancelada('s', 'a', 4));
    assert.is((await p.partner('a'))?.veces, 4);
    assert.equal(await p.held(), []);
  });

  for (const [kind, poison] of [
    ['compensation', cancelar],
    ['retriable step', aprobar],
  ] as const)
    running(`a poisoned ${kind} is held and not answered`, async (p) => {
      p.switches.poisoned.add('a');
      await p.send(poison('s', 'a'));
      assert.is((await p.held()).length, 1);
      assert.is(p.replies.length, 0);
    });

  running('what cannot even be read is held as it came, and blocks its key', async (p) => {
    const unreadable: BusMessage = {
      topic: contracts.CampaignCancelada.topic,
      key: 's',
      properties: { 'ce-id': 'no uuid', lone: '\ud800', zero: '\0' },
      payload: Buffer.from([0, 255, 1]),
    };
    await p.send(unreadable, { ...unreadable, key: '' }, { ...unreadable, key: 'x'.repeat(5_000) });
    await p.send(cancelada('s', 'a', 1), cancelada('t', 'a', 2));
    const held = await p.held();
    assert.is(held.length, 4);
    assert.equal(held[0]?.properties, unreadable.properties);
    assert.equal(Buffer.from(held[0]?.payload as Uint8Array), unreadable.payload);
    assert.is((await p.partner('a'))?.veces, 1, 'other keys flow');
  });

  running('a held message that fails too often is parked with one alert', async (p) => {
    p.switches.poisoned.add('a');
    await p.send(cancelada('s', 'a', 1), cancelada('s', 'b', 2));
    await eventually('it is parked', async () => (await p.held())[0]?.state === 'PARKED');
    await pause(50);
    assert.equal(p.errors(), ['message parked']);
    assert.equal(p.parked, ['held CampaignCancelada']);
    assert.is((await p.held()).length, 2, 'what is behind it waits');
  });

  running('a retry of a parked message goes on in order, and is audited with who and why', async (p) => {
    p.switches.poisoned.add('a');
    await p.send(cancelada('s', 'a', 1), cancelada('s', 'a', 2));
    await eventually('it is parked', async () => (await p.held())[0]?.state === 'PARKED');
    p.switches.poisoned.clear();
    const [first, second] = await p.held();
    const verb = { who: 'ana', reason: 'corregido' };
    const now = new Date(p.runtime.now());
    assert.equal(await retryHeldMessage(p.store, { ...verb, id: second?.id as number }, now), {
      status: 'behind',
      head: first?.id,
    });
    assert.equal(await retryHeldMessage(p.store, { ...verb, id: first?.id as number }, now), {
      status: 'done',
    });
    await eventually('both went through', () => p.replies.length === 2);
    assert.equal(p.replies.map(motivoOf), ['1', '2']);
    const [entry, ...others] = await p.store.listAudit({ limit: 10 });
    assert.is(others.length, 0);
    assert.is(entry?.who, 'ana');
    assert.is(entry?.action, 'mensaje.reintentar');
    assert.is(entry?.reason, 'corregido');
  });

  running('a skip drops the message, is audited, and what is behind it goes on', async (p) => {
    p.switches.poisoned.add('a');
    await p.send(cancelada('s', 'a', 1), cancelada('s', 'b', 2));
    const [first] = await p.held();
    const id = first?.id as number;
    const skipped = await skipHeldMessage(
      p.store,
      { id, who: 'ana', reason: 'prueba' },
      new Date(p.runtime.now()),
    );
    assert.equal(skipped, { status: 'done' });
    await eventually('the next went through', async () => (await p.partner('b'))?.veces === 1);
    assert.is(await p.partner('a'), undefined);
    assert.equal(
      (await p.store.listAudit({ limit: 10 })).map((e) => [e.action, e.reason]),
      [['mensaje.omitir', 'prueba']],
    );
    const again = await skipHeldMessage(
      p.store,
      { id, who: 'ana', reason: 'prueba' },
      new Date(p.runtime.now()),
    );
    assert.equal(again, { status: 'unknown' });
  });

  running('a command held behind another is answered when the database refuses it', async (p) => {
    p.switches.poisoned.add('a');
    p.switches.refusedByDatabase.add('b');
    await p.send(cancelada('s', 'a', 1), registrar('s', 'b'));
    p.switches.poisoned.delete('a');
    await release(p);
    await eventually('it is answered', () => p.answers('s').includes('RegistroPartnerFallido'));
    await eventually('nothing is held', async () => (await p.held()).length === 0);
  });

  running('the database away holds nothing: the batch waits, and goes on by itself', async (p) => {
    p.troubles.push(...Array<'away'>(20).fill('away'));
    await p.send(registrar('s', 'a'), cancelada('t', 'b', 1), cancelar('u', 'c'));
    assert.is((await p.partner('a'))?.veces, 1);
    assert.is((await p.partner('b'))?.veces, 1);
    assert.equal(await p.held(), []);
    assert.equal(p.errors(), []);
  });

  running('a message older than the inbox remembers is held and never handled', async (p) => {
    const old = busMessage(registrar('s', 'a'), 'campaign', p.runtime);
    p.clock.aheadMs = 15 * 24 * 3_600_000;
    await p.send(old);
    await pause(50);
    const [held] = await p.held();
    assert.is(held?.state, 'PARKED');
    assert.is(await p.partner('a'), undefined);
    assert.equal(p.parked, ['held RegistrarPartner']);
  });

  running(
    'a verb under a key is done once, and its repeat changes nothing, whatever came meanwhile',
    async (p) => {
      const request = { id: '5f0a0f60-6a0f-5d3c-9b0c-3f8a4f1f7d52', hash: 'h' };
      const skip = (id: number, of: KeyedRequest = request) =>
        skipHeldMessage(p.store, { id, who: 'ana', reason: 'x', request: of }, new Date(p.runtime.now()));
      await p.send(garbled(p, cancelada('s', 'a', 1)), garbled(p, cancelada('s', 'a', 2)));
      const [first, second] = await p.held();
      assert.is((await skip(second?.id ?? 0)).status, 'behind');
      assert.is((await skip(999_999)).status, 'unknown', 'what was refused is not remembered');
      assert.is((await skip(first?.id ?? 0)).status, 'done');
      assert.is((await skip(first?.id ?? 0)).status, 'repeated');
      assert.is((await skip(first?.id ?? 0, { ...request, hash: 'other' })).status, 'reused');
      assert.is((await p.held()).length, 1);
      assert.is((await p.store.listAudit({ limit: 10 })).length, 1);
    },
  );

  running('a verb that is rolled back is not remembered', async (p) => {
    const request = { id: '6f0a0f60-6a0f-5d3c-9b0c-3f8a4f1f7d52', hash: 'h' };
    await p.send(garbled(p, cancelada('s', 'a', 1)));
    const [held] = await p.held();
    await p.close(); // no drain takes the trouble that is meant for the verb
    const skip = () =>
      skipHeldMessage(p.store, { id: held?.id ?? 0, who: 'ana', reason: 'x', request }, new Date());
    for (const trouble of ['away', 'answer lost'] as const) {
      p.troubles.push(trouble);
      assert.is(
        await skip().then(
          ({ status }) => status,
          () => 'failed',
        ),
        'failed',
      );
    }
    assert.is((await skip()).status, 'repeated');
    assert.is((await p.store.listAudit({ limit: 10 })).length, 1);
  });

  holds(
    'what the bus refuses is listed until it is freed or gone, by a verb that is audited and done once a key',
    async (p) => {
      const rows = ['a', 'b', 'c'].map((id) => toOutboxRow(registrar('s', id), p.runtime));
      const seqs = await p.store.transaction((tx) => p.store.enqueue(tx, rows));
      const [first = 0, second = 0, third = 0] = seqs;
      assert.is(await p.store.oldestUnpublished(), rows[0]?.props.t);
      for (const seq of seqs) await p.store.recordParked(seq, `refused ${seq}`, new Date(p.runtime.now()));
      await p.store.recordParked(second, 'again', new Date(p.runtime.now()));
      assert.is(await p.store.oldestUnpublished(), undefined);
      const page = await p.store.listParked({ after: first, limit: 1 });
      assert.equal(
        page.map(({ seq, topic, key, id, reason }) => [seq, topic, key, id, reason]),
        [[second, rows[1]?.topic, 's', rows[1]?.id, 'again']],
      );
      const request = { id: '8f0a0f60-6a0f-5d3c-9b0c-3f8a4f1f7d52', hash: 'h' };
      const verb = (seq: number) => ({ seq, who: 'ana', reason: 'x', request });
      const now = new Date(p.runtime.now());
      assert.is((await skipUnpublished(p.store, verb(999_999), now)).status, 'unknown');
      assert.is((await skipUnpublished(p.store, verb(first), now)).status, 'done');
      assert.is((await skipUnpublished(p.store, verb(first), now)).status, 'repeated');
      assert.is(
        (await skipUnpublished(p.store, { ...verb(first), request: { ...request, hash: 'i' } }, now)).status,
        'reused',
      );
      const { request: _, ...unkeyed } = verb(second);
      assert.is((await retryUnpublished(p.store, unkeyed, now)).status, 'done');
      assert.is((await retryUnpublished(p.store, unkeyed, now)).status, 'unknown');
      assert.equal(
        (await outbox(p)).map(({ seq }) => seq),
        [second, third],
      );
      // A row that was published after all is refused no more.
      await p.store.deletePublished([third]);
      assert.equal(await p.store.listParked({ after: 0, limit: 10 }), []);
      await p.store.recordParked(second, 'once more', now);
      assert.equal([...(await p.store.parkedSeqs())], [second]);
      assert.equal(
        (await p.store.listAudit({ limit: 10 })).map(({ who, action, target }) => [who, action, target]),
        [
          ['ana', 'publicacion.reintentar', `${rows[1]?.topic}#${second}`],
          ['ana', 'publicacion.omitir', `${rows[0]?.topic}#${first}`],
        ],
      );
    },
  );

  running('a direct command leaves an operation with how it ended, written with its effect', async (p) => {
    const direct = (id: string, nombre: string): Outgoing => ({
      ...registrar(id, `p-${id}`, nombre),
      idempotencyKey: id,
      requestHash: 'hash',
    });
    await p.send(direct('o1', 'Ana'), direct('o2', 'suspendido'));
    await p.send(direct('o1', 'Ana'));
    const done = await p.store.operation('o1');
    assert.is(done?.estado, 'DONE');
    assert.is(done?.recurso, 'p-o1');
    assert.is(done?.requestHash, 'hash');
    const rejected = await p.store.operation('o2');
    assert.is(rejected?.estado, 'REJECTED');
    assert.equal(rejected?.error, { codigo: 'SUSPENDIDO', motivo: 'por impago' });
    await p.send(registrar('s', 'a'));
    assert.is(await p.store.operation('s/partner/0'), undefined, 'a step of a saga is no operation');
  });

  running('a stop under a fault gives the batch back, and a start handles it', async (p) => {
    p.troubles.push(...Array<'away'>(1_000).fill('away'));
    const sent = p.send(registrar('s', 'a'));
    await eventually('it waits', () =>
      p.lines.some((line) => line.text === 'batch waits for a fault to pass'),
    );
    await p.close();
    p.troubles.length = 0;
    assert.is(await p.partner('a'), undefined);
    await p.consume();
    await sent;
    assert.is((await p.partner('a'))?.veces, 1);
  });

  return test;
}

const refused = (): never => assert.unreachable('it should have been refused') as never;

const motivoOf = ({ body }: Received): string => (body as { motivo: string }).motivo;

/** Has the oldest held message tried at once, whether it is parked by now or not. */
const release = async <Tx>(p: Pipeline<Tx>): Promise<void> => {
  const [head] = await p.held();
  if (head)
    await retryHeldMessage(
      p.store,
      { id: head.id, who: 'test', reason: 'mended' },
      new Date(p.runtime.now()),
    );
};
