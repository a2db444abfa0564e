import { MemoryDatabase } from '@cordada/infra/messaging/memory-store.ts';
import { type Contract, contracts } from '@cordada/schemas';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Desk } from '../testing/desk.ts';
import { SAGA } from '../testing/given.ts';
import { memorySagaStore } from './memory-store.ts';
import { entityId } from './turn.ts';

const test = suite('DELETEs of a completed saga');

const asked = { quien: 'ana', motivo: 'ya no' };
const PARTICIPANTS = ['a', 'b', 'c'];
const answers: Readonly<Record<string, Contract<{ readonly motivo: string }>>> = {
  CancelarPartner: contracts.PartnerCancelado,
  CancelarEvento: contracts.EventoCancelado,
} as never;

const completed = async () => {
  const database = new MemoryDatabase();
  const desk = new Desk({
    store: memorySagaStore(database),
    transaction: (work) => database.transaction(work),
    clear: async () => {},
  });
  await desk.coordinator.start();
  await desk.handle(desk.begin(SAGA, PARTICIPANTS));
  await desk.settle();
  desk.take();
  return desk;
};

test('in any order and overlap undo what they name, once each, eventos first; and all of them end', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.nat(1000), { minLength: 4, maxLength: 40 }),
    async (draws) => {
      const desk = await completed();
      const wanted = new Set<string>();
      const undos = new Set<string>();
      /** Keys in the order in which they were undone; the same key twice is another undo saga's doing. */
      const undone: string[] = [];
      let whole = false;

      const ask = async (draw: number): Promise<void> => {
        const item = draw % PARTICIPANTS.length;
        const step = ['evento', 'partner', 'evento', 'partner', 'campaign'][draw % 5] ?? '';
        if (step === 'campaign') {
          whole = true;
          for (const i of PARTICIPANTS.keys()) wanted.add(`${SAGA}/evento/${i}`).add(`${SAGA}/partner/${i}`);
        } else {
          wanted.add(`${SAGA}/evento/${item}`);
          if (step === 'partner') wanted.add(`${SAGA}/partner/${item}`);
        }
        const entidad = entityId(SAGA, step, step === 'campaign' ? 0 : item);
        const answer = await desk.coordinator.deshacer({ saga: SAGA, entidad, ...asked });
        assert.ok(answer.taken);
        undos.add(answer.saga);
      };
      const reply = async (draw: number): Promise<void> => {
        const pending = desk.published.filter(({ contract }) => contract.name in answers);
        const one = pending[draw % (pending.length || 1)];
        if (!one) return;
        desk.published = desk.published.filter((other) => other !== one);
        undone.push(one.idempotencyKey);
        const contract = answers[one.contract.name];
        assert.ok(contract);
        const answer = desk.answer(one, contract);
        await desk.handle(...(draw % 3 === 0 ? [answer, answer] : [answer]));
      };
      const isOver = async (): Promise<boolean> =>
        [...(await desk.sagas(...undos)).values()].every(({ status }) => status === 'COMPLETED');

      for (const draw of draws) await (draw % 4 === 0 ? ask(draw) : reply(draw));
      await desk.until(async () => {
        await reply(1);
        desk.runtime.advance(0);
        return isOver();
      });
      await desk.coordinator.close();

      assert.equal([...undone].sort(), [...wanted].sort(), 'each once, and nothing else');
      for (const item of PARTICIPANTS.keys()) {
        const partner = undone.indexOf(`${SAGA}/partner/${item}`);
        if (partner >= 0) assert.ok(undone.indexOf(`${SAGA}/evento/${item}`) < partner);
      }
      assert.is(desk.local.calls.filter((call) => call === 'CancelarCampaign').length, whole ? 1 : 0);
      const original = await desk.saga(SAGA);
      assert.is(original?.status, 'COMPLETED');
      assert.ok(original?.state.undos?.every(({ fin }) => fin === 'COMPLETED') ?? undos.size === 0);
    },
  );
  await fc.assert(property, { numRuns: 150, seed: 4 });
});

test.run();
