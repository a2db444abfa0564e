import { contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Delivery } from '../bus/bus.ts';
import { virtualTime } from '../testing/virtual-time.ts';
import { consume } from './consumer.ts';
import { MemoryDatabase, type MemoryIo, type MemoryTransaction, memoryStore } from './memory-store.ts';
import type { BatchHandler } from './pipeline.ts';
import { cancelada, SUBSCRIPTION } from './testing/pipeline.ts';
import { silent, unmeasured, unpublishedWork } from './testing/unobserved.ts';
import { busMessage } from './wire.ts';

const test = suite('two drains of the same held messages, one of which dies');

type Point = Parameters<MemoryIo>[0];
const KEYS = ['s', 't'];
const HELD = 3;
const COMING = 3;

interface Seen {
  /** In order. */
  readonly handled: readonly string[];
  /** To the outbox, in order. */
  readonly written: readonly string[];
  readonly held: number;
}

/**
 * Two replicas with messages held over two keys, more of which come to the second meanwhile. The first dies at the
 * `diesAt`th point at which it does I/O.
 * @returns that point, undefined where it was not reached; and what came of it all
 */
const run = async (diesAt: number) => {
  const world = virtualTime({ seed: diesAt });
  const database = new MemoryDatabase();
  const store = memoryStore(database);
  let diedAt: Point | undefined;
  let amid = false;

  const start = async (name: string, dies: boolean) => {
    const life = world.incarnation(name);
    let points = 0;
    const client = new MemoryDatabase(async (point) => {
      points += 1;
      if (dies && points === diesAt) {
        diedAt = point;
        life.crash();
      }
      await life.io(`db ${point}`, () => {});
    }, database);
    life.onCrash(() => client.abort());
    const own = memoryStore(client);
    const handler: BatchHandler<MemoryTransaction> = {
      answersFaults: new Set(),
      async handle(tx, batch) {
        amid ||= dies;
        const publish = batch.map(({ envelope, body }) => {
          const { motivo } = body as { motivo: string };
          const message = `${envelope.correlationId}/${motivo}`;
          tx.table<string>('handled').insert(String(tx.nextNumber('handled')), message);
          const event = cancelada(envelope.correlationId, 'p', Number(motivo));
          return { ...event, idempotencyKey: message };
        });
        return { result: undefined, publish };
      },
    };
    let receive: (batch: readonly Delivery[]) => Promise<void> = async () => {};
    await consume({
      store: own,
      unitOfWork: unpublishedWork(own, life.runtime),
      bus: {
        async subscribe(_, taken) {
          receive = taken;
          return { close: async () => {} };
        },
      },
      runtime: life.runtime,
      subscription: SUBSCRIPTION,
      contracts: [contracts.CampaignCancelada],
      handler,
      log: silent,
      metrics: unmeasured,
      settings: { heldPollMs: 10 },
    });
    return receive;
  };
  const delivery = (key: string, n: number): Delivery => ({
    ...busMessage(cancelada(key, 'p', n), 'campaign', world.runtime),
    publishedAt: world.runtime.now(),
  });

  const now = new Date(world.runtime.now());
  const rest = {
    subscription: SUBSCRIPTION,
    cause: '',
    attempts: 0,
    state: 'RETRYING',
    nextAt: now,
    heldAt: now,
  } as const;
  await store.transaction(async (tx) => {
    for (let n = 1; n <= HELD; n += 1)
      store.hold(
        tx,
        KEYS.map((key) => ({ ...rest, ...delivery(key, n) })),
      );
  });
  await start('dies', true);
  const receive = await start('lives', false);
  let come = 0;
  world.schedule('messages come', 5, async () => {
    for (let n = HELD + 1; n <= HELD + COMING; n += 1) await receive(KEYS.map((key) => delivery(key, n)));
    come = COMING;
  });
  await world.run({ horizonMs: 5_000 });
  let seen: Seen | undefined;
  world.schedule('look', 0, async () => {
    const handled = await store.transaction(async (tx) => [...tx.table<string>('handled').values()]);
    const written = (await store.sweep(1_000, [])).map(({ props }) => props.k);
    seen = { handled, written, held: (await store.countHeld()).held };
  });
  await world.run({ until: () => seen !== undefined });
  return { diedAt, amid, come, ...(seen as unknown as Seen) };
};

test('whatever it was about to do, each message is handled once and in order, and none is left', async () => {
  const deaths = new Map<Point, number>();
  for (let diesAt = 1; ; diesAt += 1) {
    const { diedAt, amid, handled, written, held, come } = await run(diesAt);
    if (diedAt === undefined || diesAt > 60) break;
    if (amid) deaths.set(diedAt, (deaths.get(diedAt) ?? 0) + 1);
    assert.is(come, COMING, `${diesAt}`);
    assert.is(held, 0, `${diesAt}: some are left`);
    for (const key of KEYS) {
      const expected = Array.from({ length: HELD + COMING }, (_, i) => `${key}/${i + 1}`);
      const ofKey = (all: readonly string[]) => all.filter((message) => message.startsWith(`${key}/`));
      assert.equal(ofKey(handled), expected, `${diesAt}: died at ${diedAt}`);
      assert.equal(ofKey(written), expected, `${diesAt}: died at ${diedAt}`);
    }
  }
  for (const point of ['begin', 'commit', 'answer'] as const)
    assert.ok((deaths.get(point) ?? 0) > 2, `it died at ${point} with held messages in hand`);
});

test.run();
