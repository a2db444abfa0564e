import { contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { virtualTime } from '../testing/virtual-time.ts';
import { consumerDefaults } from './consumer-settings.ts';
import { drainHeldMessages } from './held-drain.ts';
import { MemoryDatabase, type MemoryTransaction, memoryStore } from './memory-store.ts';
import type { BatchHandler } from './pipeline.ts';
import { AwayFault, cancelada, SUBSCRIPTION } from './testing/pipeline.ts';
import { silent, unmeasured, unpublishedWork } from './testing/unobserved.ts';
import { busMessage } from './wire.ts';

const test = suite('turns of held keys that meet transient faults');

const POLL_MS = 10;

/**
 * A drain of one message a key, the first key being due for the longest.
 * @param failing keys whose messages meet a transient fault, for as long as they are in it
 * @returns what runs it for so many turns, and the keys that were handled, in order
 */
const begin = async (keys: readonly string[], failing: ReadonlySet<string>) => {
  const world = virtualTime({ seed: 1 });
  const { runtime } = world.incarnation('drain');
  const memory = memoryStore(new MemoryDatabase());
  const store: typeof memory = {
    ...memory,
    classify: (error) => (error instanceof AwayFault ? 'transient' : memory.classify(error)),
  };
  const now = new Date(runtime.now());
  await store.transaction(async (tx) => {
    store.hold(
      tx,
      keys.map((key, i) => ({
        ...busMessage(cancelada(key, 'p', 1), 'campaign', runtime),
        subscription: SUBSCRIPTION,
        publishedAt: runtime.now(),
        cause: '',
        attempts: 0,
        state: 'RETRYING',
        nextAt: new Date(now.getTime() - keys.length + i),
        heldAt: now,
      })),
    );
  });
  const handled: string[] = [];
  const handler: BatchHandler<MemoryTransaction> = {
    answersFaults: new Set(),
    async handle(_tx, batch) {
      for (const { envelope } of batch) {
        if (failing.has(envelope.correlationId)) throw new AwayFault('a lock was not to be had');
        handled.push(envelope.correlationId);
      }
      return { result: undefined, publish: [] };
    },
  };
  drainHeldMessages({
    store,
    unitOfWork: unpublishedWork(store, runtime),
    runtime,
    subscription: SUBSCRIPTION,
    contracts: new Map([[contracts.CampaignCancelada.topic, contracts.CampaignCancelada]]),
    handler,
    log: silent,
    metrics: unmeasured,
    settings: { ...consumerDefaults, heldPollMs: POLL_MS },
  });
  return { handled, turns: (count: number) => world.run({ horizonMs: count * POLL_MS + 5 }) };
};

test('more of them than a turn takes do not keep the others from theirs', async () => {
  const failing = Array.from({ length: 150 }, (_, i) => `failing-${i}`);
  const { handled, turns } = await begin([...failing, 'sound'], new Set(failing));
  await turns(200);
  assert.equal(handled, ['sound']);
});

test('one that goes on failing does not keep from its turn another one that has failed and would not again', async () => {
  const failing = new Set(['a', 'b', 'c']);
  const { handled, turns } = await begin(['a', 'b', 'c'], failing);
  await turns(4);
  assert.equal(handled, []);
  failing.delete('b');
  failing.delete('c');
  await turns(4);
  assert.equal(handled.sort(), ['b', 'c']);
});

test.run();
