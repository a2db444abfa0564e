import { type VirtualTime, virtualTime } from '@cordada/infra/testing/virtual-time.ts';
import { UUID_TEXT } from '@cordada/infra/uuid-text.ts';
import { runEngineSeed } from './engine-world.ts';
import type { Breach } from './invariant.ts';
import { breachesOf } from './invariants.ts';
import type { Observation } from './observation.ts';
import type { System } from './systems.ts';

export type Level = 'engine' | 'services';

/** How the run of one seed ended. */
export interface SeedResult {
  readonly seed: number;
  readonly events: number;
  /** SHA-256 of the run's log: the same for the same seed and code. */
  readonly hash: string;
  /** Empty where every invariant held. */
  readonly breaches: readonly (Breach & { readonly sentence: string })[];
  /** What befell the sagas of the first breaches at last; the end of the log where they name none. */
  readonly trace: readonly string[];
}

const TRACE_LINES = 25;
const LONGEST_LINE = 300;
/** Breaches whose sagas are traced. */
const TRACED = 2;

const worlds = {
  engine: runEngineSeed,
  // Loaded where they are run: who simulates the engine need not wait for all services and their databases.
  services: async (world: VirtualTime, only?: System): Promise<Observation> =>
    (await import('./services-world.ts')).runServicesSeed(world, only),
} as const;

/**
 * Runs one seed at a level, and checks what it left. Whatever it throws counts as a breach.
 * @param only the system that is simulated; undefined: as the seed has it
 */
export const runSeed = async (seed: number, level: Level, only?: System): Promise<SeedResult> => {
  const world = virtualTime({ seed, keepLines: 2_000, promisesOnly: level === 'engine' });
  const began = world.runtime.now();
  let seen: Observation | undefined;
  let breaches: SeedResult['breaches'];
  try {
    seen = await worlds[level](world, only);
    breaches = breachesOf(seen);
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    breaches = [{ sentence: 'a run comes to its end', what }];
  }
  return {
    seed,
    events: world.events,
    hash: world.hash(),
    breaches,
    trace: breaches.length === 0 ? [] : traceOf(breaches.slice(0, TRACED), seen, world.tail(), began),
  };
};

const traceOf = (
  breaches: readonly Breach[],
  seen: Observation | undefined,
  lines: readonly string[],
  began: number,
): readonly string[] => {
  const ids = breaches.flatMap(({ saga = '', what }) => `${saga} ${what}`.match(UUID) ?? []);
  const entities = seen ? [...seen.campaigns, ...seen.partners, ...seen.eventos] : [];
  const made = [
    ...entities.map(({ id, sagaId }) => ({ id, saga: sagaId })),
    ...(seen?.bought?.reservas ?? []).map(({ id, compra }) => ({ id, saga: compra })),
    ...(seen?.bought?.ordenes ?? []).map(({ id, compra }) => ({ id, saga: compra })),
  ];
  const sagas = made.flatMap(({ id, saga }) => (saga && ids.includes(id) ? [saga] : []));
  const concerned = [...new Set([...ids, ...sagas])];
  const told = [
    ...lines.filter((line) => concerned.some((id) => line.includes(id))),
    ...(seen ? concerned.flatMap((saga) => timelineOf(seen, saga, began)) : []),
  ];
  return (told.length > 0 ? told.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)) : lines)
    .slice(-TRACE_LINES)
    .map((line) => line.slice(0, LONGEST_LINE));
};

const UUID = new RegExp(UUID_TEXT, 'g');

/** A saga's own log, in lines like the world's: they begin with the milliseconds that have passed. */
const timelineOf = (seen: Observation, saga: string, began: number): string[] =>
  (seen.log.get(saga) ?? []).map(({ at, n, status, entries }) => {
    const happened = entries.map(({ que, paso, item }) =>
      [que, paso, item].filter((part) => part !== undefined).join(' '),
    );
    return `${at.getTime() - began} saga ${saga} #${n} ${status}: ${happened.join(', ')}`;
  });
