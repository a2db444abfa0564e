import type { BusFaults } from '../bus/faults.ts';
import type { SeededRandom } from './seeded-random.ts';

/** How often each fault befalls a message or a batch (0 to 1), and how long it lasts at most. */
export interface BusFaultRates {
  readonly publishLost: number;
  readonly publishAnswerLost: number;
  readonly delayed: number;
  readonly slowestMs: number;
  readonly duplicated: number;
  readonly latestDuplicateMs: number;
  readonly batchLost: number;
  readonly acknowledgementLost: number;
  /** The key that is handed out next is not the one that has waited longest. */
  readonly reordered: number;
}

/** Faults of the bus that a seed chooses. */
export const seededBusFaults = (random: SeededRandom, rates: BusFaultRates): BusFaults => ({
  publish() {
    if (random.chance(rates.publishLost)) return 'lost';
    return random.chance(rates.publishAnswerLost) ? 'answer lost' : undefined;
  },
  transit() {
    const delayMs = random.chance(rates.delayed) ? random.below(rates.slowestMs) : 0;
    if (random.chance(rates.duplicated)) {
      return { delayMs, duplicateAfterMs: random.below(rates.latestDuplicateMs) };
    }
    return { delayMs };
  },
  deliver() {
    if (random.chance(rates.batchLost)) return 'lost';
    return random.chance(rates.acknowledgementLost) ? 'acknowledgement lost' : undefined;
  },
  choose: (_subscription, ready) => (random.chance(rates.reordered) ? random.below(ready) : 0),
});
