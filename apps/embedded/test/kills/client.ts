import { setTimeout as wait } from 'node:timers/promises';
import type { SeededRandom } from '@cordada/infra/testing/seeded-random.ts';
import { type Asked, ask, draw, undo } from './load.ts';
import { type Bought, buy, buyAgain, drawPurchase, giveBack, type Shop } from './purchases.ts';

/** What the client has asked for, and of which shop. */
export interface Wanted {
  readonly asked: Asked[];
  readonly bought: Bought[];
  readonly shop: Shop;
}

/**
 * Asks for a campaign or a purchase, for one that was asked for before, or for its undoing.
 * @returns whether what was asked for was accepted; undefined for an undoing
 */
export const askSomething = async (
  base: string,
  { asked, bought, shop }: Wanted,
  random: SeededRandom,
): Promise<boolean | undefined> => {
  if (random.chance(0.3)) {
    const old = bought.length > 0 && random.chance(0.2) ? random.pick(bought) : undefined;
    if (old?.fate === 'accepted') {
      await giveBack(base, old);
      return undefined;
    }
    const one = old ?? drawPurchase(random, shop, bought.length);
    if (old === undefined) bought.push(one);
    return buy(base, one);
  }
  const old = asked.length > 0 && random.chance(0.15) ? random.pick(asked) : undefined;
  if (old?.fate === 'accepted') {
    await undo(base, old);
    return undefined;
  }
  const one = old ?? draw(random, asked.length);
  if (old === undefined) asked.push(one);
  return ask(base, one);
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
