import { virtualTime } from '@cordada/infra/testing/virtual-time.ts';
import { runEngineSeed } from './engine-world.ts';
import { type Breach, breachesOf } from './invariants.ts';
import { runServicesSeed } from './services-world.ts';

export type Level = 'engine' | 'services';

/** How the run of one seed ended. */
export interface SeedResult {
  readonly seed: number;
  readonly events: number;
  /** SHA-256 of the run's log: the same for the same seed and code. */
  readonly hash: string;
  /** Empty where every invariant held. */
  readonly breaches: readonly (Breach & { readonly sentence: string })[];
  /** The last lines of the log that name a saga of a breach; empty where there is none. */
  readonly trace: readonly string[];
}

const TRACE_LINES = 25;

const worlds = { engine: runEngineSeed, services: runServicesSeed } as const;

/** Runs one seed at a level, and checks what it left. Whatever it throws counts as a breach. */
export const runSeed = async (seed: number, level: Level): Promise<SeedResult> => {
  const world = virtualTime({ seed, keepLines: 2_000 });
  let breaches: SeedResult['breaches'];
  try {
    breaches = breachesOf(await worlds[level](world));
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    breaches = [{ sentence: 'a run comes to its end', what }];
  }
  const sagas = breaches.flatMap(({ saga }) => saga ?? []);
  const told = world.tail().filter((line) => sagas.some((saga) => line.includes(saga)));
  return {
    seed,
    events: world.events,
    hash: world.hash(),
    breaches,
    trace: breaches.length === 0 ? [] : (told.length > 0 ? told : world.tail()).slice(-TRACE_LINES),
  };
};
