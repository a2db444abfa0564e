import { setTimeout as wait } from 'node:timers/promises';
import type { SeededRandom } from '@cordada/infra/testing/seeded-random.ts';
import { askSomething, type Wanted } from './client.ts';
import { buyAtOnce } from './purchases.ts';
import { send } from './send.ts';

const WORKERS = 4;
/** What a client waits after an answer, in milliseconds: it leaves some CPU to what starts again. */
const THINK_MS = 250;
/** Between two reads of stock, in milliseconds. */
const READ_EVERY_MS = 100;
/** How many are bought at once before a kill, and how long before, in milliseconds. */
const AT_ONCE = 50;
const BEFORE_KILL_MS = 200;

/**
 * Asks for campaigns and purchases, and undoes some, at whichever BFF; what a dead one does not answer is asked for again.
 * Reads stock, too.
 */
export const load = (bffs: readonly string[], wanted: Wanted, random: SeededRandom) => {
  const { bought, shop } = wanted;
  const faults: string[] = [];
  const answers = new Map<string, number>();
  let going = true;
  let accepted = 0;
  const workers = Array.from({ length: WORKERS }, async () => {
    while (going) {
      if (await askSomething(random.pick(bffs), wanted, random)) accepted += 1;
      await wait(THINK_MS);
    }
  });
  const reader = async (): Promise<void> => {
    while (going) {
      const url = `${random.pick(bffs)}/api/v1/inventory/items/${random.pick(shop.ample)}/stock`;
      const told = await send(url, {}).then(
        async (answer) => (answer.status === 200 ? '' : `${answer.status} ${await answer.text()}`),
        (error: Error) => error.message,
      );
      answers.set(told, (answers.get(told) ?? 0) + 1);
      await wait(READ_EVERY_MS);
    }
  };
  const done = Promise.all([...workers, reader()]).catch((error: Error) => faults.push(error.message));
  return {
    accepted: () => accepted,
    /** Answers to who read stock, since it was asked last; '' is one of 200. */
    answers: (): ReadonlyMap<string, number> => {
      const seen = new Map(answers);
      answers.clear();
      return seen;
    },
    /** Buys many at once, and goes on as soon as they are under way. */
    async rush(): Promise<void> {
      buyAtOnce(bffs, shop, random, bought, AT_ONCE).catch((error: Error) => faults.push(error.message));
      await wait(BEFORE_KILL_MS);
    },
    async stop(): Promise<string[]> {
      going = false;
      await done;
      return faults;
    },
  };
};
