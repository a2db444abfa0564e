import { setTimeout as wait } from 'node:timers/promises';
import type { SeededRandom } from '@cordada/infra/testing/seeded-random.ts';
import { type Asked, ask, draw, send, undo } from './load.ts';
import { type Bought, buy, buyAgain, buyAtOnce, drawPurchase, giveBack, type Shop } from './purchases.ts';

const WORKERS = 4;
/** What a client waits after an answer, in milliseconds: it leaves some CPU to what starts again. */
const THINK_MS = 250;
/** Between two reads of stock, in milliseconds. */
const READ_EVERY_MS = 100;
/** How many are bought at once before a kill, and how long before, in milliseconds. */
const AT_ONCE = 50;
const BEFORE_KILL_MS = 200;

/** What the client has asked for, and of which shop. */
export interface Wanted {
  readonly asked: Asked[];
  readonly bought: Bought[];
  readonly shop: Shop;
}

/**
 * Asks for campaigns and purchases, and undoes some, at whichever BFF; what a dead one does not answer is asked for again.
 * Reads stock, too.
 */
export const load = (bffs: readonly string[], { asked, bought, shop }: Wanted, random: SeededRandom) => {
  const faults: string[] = [];
  const answers = new Map<string, number>();
  let going = true;
  let accepted = 0;
  const workers = Array.from({ length: WORKERS }, async () => {
    while (going) {
      const base = random.pick(bffs);
      if (random.chance(0.3)) {
        const old = bought.length > 0 && random.chance(0.2) ? random.pick(bought) : undefined;
        if (old?.fate === 'accepted') await giveBack(base, old);
        else {
          const one = old ?? drawPurchase(random, shop, bought.length);
          if (old === undefined) bought.push(one);
          if (await buy(base, one)) accepted += 1;
        }
        await wait(THINK_MS);
        continue;
      }
      const old = asked.length > 0 && random.chance(0.15) ? random.pick(asked) : undefined;
      if (old?.fate === 'accepted') await undo(base, old);
      else {
        const one = old ?? draw(random, asked.length);
        if (old === undefined) asked.push(one);
        if (await ask(base, one)) accepted += 1;
      }
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

/** Sends again, with its key, all that was not answered, until it is. @param ms how long it tries */
export const askAgain = async (
  bffs: readonly string[],
  { asked, bought }: Wanted,
  random: SeededRandom,
  ms: number,
): Promise<void> => {
  const until = Date.now() + ms;
  const campaigns = async (): Promise<void> => {
    for (const one of asked)
      while (one.fate === 'unknown' && Date.now() < until)
        if (!(await ask(random.pick(bffs), one))) await wait(100);
  };
  await Promise.all([campaigns(), buyAgain(bffs, bought, random, ms)]);
};
