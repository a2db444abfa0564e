import type { MemoryBus } from '@cordada/infra/bus/memory.ts';
import type { VirtualTime } from '@cordada/infra/testing/virtual-time.ts';
import type { Instance } from '@cordada/sagas/engine/instance.ts';
import { definitionOf, type Tipo, tipoOf } from './definitions.ts';
import type { Processes } from './processes.ts';
import { isKeeper, type Keeper, subscriptions } from './systems.ts';
import type { Troubles } from './troubles.ts';
import { type Plan, STRANGER } from './workload.ts';

/** A saga that has not ended; `paso` is the step that it is at. */
export interface Unfinished {
  readonly id: string;
  readonly tipo: Tipo;
  readonly parked: boolean;
  readonly paso: string;
}

export const unfinishedOf = (saga: Instance): Unfinished => ({
  id: saga.id,
  tipo: tipoOf(saga),
  parked: saga.status === 'PARKED',
  paso: definitionOf(saga).steps[saga.state.step]?.name ?? '',
});

/** A held message, as its row tells it. */
export interface HeldHere {
  readonly id: number;
  readonly topic: string;
  readonly cause: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** What operators see of a fleet and do to it, at whichever level it is simulated. */
export interface Desk {
  unfinished(): Promise<readonly Unfinished[]>;
  /** What a service has not published, and what it holds. */
  left(name: Keeper): Promise<{
    readonly unpublished: number;
    readonly held: readonly HeldHere[];
  }>;
  verb(saga: Unfinished, verb: 'reintentar' | 'omitir'): Promise<void>;
  heldVerb(name: Keeper, id: number, verb: 'reintentar' | 'omitir'): Promise<void>;
}

export interface Fleet {
  readonly plan: Plan;
  readonly troubles: Troubles;
  readonly processes: Processes;
  readonly desk: Desk;
  /** Whether all that the plan wants has been asked. */
  done(): boolean;
}

/** How long a run may go on after its troubles are over, in virtual milliseconds: every backoff fits in. */
const PATIENCE_MS = 6 * 3_600_000;
/** The same where purchases run: their absences are shorter, and each idle second is dearer. */
const SHOPPING_PATIENCE_MS = 90 * 60_000;
const CHECK_EVERY_MS = 5_000;
/** How often a look has operators act on parked sagas although a service is still away. */
const HASTY = 0.02;

/**
 * Runs a fleet until its troubles are over and nothing is left to happen; meanwhile operators see to what is parked or
 * held. A fleet that never comes to rest ends with its patience.
 * @returns what was held although it was neither poisoned nor garbage, or behind such a message
 */
export const runToRest = async (world: VirtualTime, fleet: Fleet): Promise<readonly string[]> => {
  const { plan, troubles } = fleet;
  const heldInVain = new Set<string>();
  let over = false;
  const inspect = async (): Promise<void> => {
    if (!troubles.active() && fleet.done() && (await isQuiet(fleet, heldInVain))) over = true;
    else world.schedule('inspection', CHECK_EVERY_MS, inspect);
  };
  world.schedule('inspection', plan.trouble, inspect);
  await world.run({
    until: () => over,
    horizonMs: plan.trouble + (plan.purchases ? SHOPPING_PATIENCE_MS : PATIENCE_MS),
  });
  return [...heldInVain];
};

/** Whether nothing is left to happen; operators have their say about what is parked or held. */
const isQuiet = async ({ processes, desk, troubles }: Fleet, heldInVain: Set<string>): Promise<boolean> => {
  const away = processes.services.some(processes.away);
  if (away && !troubles.chance.chance(HASTY)) return false;
  const unfinished = await desk.unfinished();
  for (const saga of unfinished)
    if (saga.parked) await desk.verb(saga, troubles.chance.chance(0.9) ? 'reintentar' : 'omitir');
  if (away) return false;
  let quiet = unfinished.length === 0;
  for (const name of processes.services.filter(isKeeper)) {
    const { unpublished, held } = await desk.left(name);
    for (const { id, cause, topic, properties } of held) {
      if (/waits behind/.test(cause)) continue;
      const poisoned = /poisoned/.test(cause);
      if (!poisoned && properties['ce-source'] !== STRANGER)
        heldInVain.add(`${name} holds ${topic} ${properties['ce-id']}: ${cause}`);
      await desk.heldVerb(name, id, poisoned ? 'reintentar' : 'omitir');
    }
    if (unpublished > 0 || held.length > 0 || (await lag(troubles.bus, name)) > 0) quiet = false;
  }
  return quiet;
};

const lag = (bus: MemoryBus, name: Keeper): Promise<number> => bus.lag(subscriptions[name]);
