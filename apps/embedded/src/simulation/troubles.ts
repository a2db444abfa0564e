import { manifest } from '@cordada/infra/bus/manifest.ts';
import { type MemoryBus, memoryBus } from '@cordada/infra/bus/memory.ts';
import type { LeaseSettings } from '@cordada/infra/messaging/lease.ts';
import { seededBusFaults } from '@cordada/infra/testing/seeded-bus-faults.ts';
import type { SeededRandom } from '@cordada/infra/testing/seeded-random.ts';
import type { VirtualTime } from '@cordada/infra/testing/virtual-time.ts';
import type { System } from './systems.ts';
import type { Plan } from './workload.ts';

/** How hard a level may be on its fleets. */
export interface Climate {
  /** I/O operations after which a process has crashed at the latest: one of these a seed. */
  readonly lifetimes: readonly number[];
  /** How often a crashed process stays away for hours (0 to 1): one of these a seed. */
  readonly outages: readonly number[];
  /** How many replicas each service has: one of these a seed. */
  readonly replicas: readonly number[];
  /** Milliseconds that such an absence lasts at most, by what runs: who looks every second makes an hour dear. */
  readonly absenceMs: Readonly<Record<System, number>>;
}

/** What befalls a fleet, as its seed decides. All of it ends when the plan's trouble is over. */
export interface Troubles {
  readonly chance: SeededRandom;
  /** Loses, repeats, delays and reorders messages. */
  readonly bus: MemoryBus;
  /** Nobody but coordinators fail, and they stay away for long. */
  readonly onlyCoordinator: boolean;
  /** Replicas of each service. More than one freeze, leave and join besides. */
  readonly replicas: number;
  readonly lease: LeaseSettings;
  active(): boolean;
  /** How many I/O operations a process does before it crashes. */
  lifetime(): number;
  /** How long a crashed process stays away, in milliseconds. */
  downtime(): number;
  /** Whether an I/O finds the database away. */
  databaseFails(): boolean;
  /** Whether messages cannot be handled for now. */
  poisons(): boolean;
}

/** Slower than the product's own: an idle hour must not cost much. */
const lease: LeaseSettings = { lastsMs: 6_000, renewEveryMs: 2_000, lookEveryMs: 1_500 };

const SHORT_OUTAGE_MS = 5_000;

export const drawTroubles = (world: VirtualTime, plan: Plan, climate: Climate): Troubles => {
  const random = world.random;
  const chance = random.fork('faults');
  let active = true;
  world.schedule('troubles end', plan.trouble, () => {
    active = false;
  });
  const onlyCoordinator = random.chance(0.15);
  const faulty = (): boolean => active && !onlyCoordinator;
  const busFaults = seededBusFaults(random.fork('bus'), {
    publishLost: 0.03,
    publishAnswerLost: 0.03,
    delayed: 0.2,
    slowestMs: random.pick([50, 2_000, 90_000]),
    duplicated: 0.1,
    latestDuplicateMs: 20_000,
    batchLost: 0.03,
    acknowledgementLost: 0.05,
    reordered: 0.3,
  });
  const bus = memoryBus({
    runtime: world.runtime,
    manifest,
    scheduler: (task) => void world.schedule('bus', chance.below(3), task),
    faults: {
      publish: (message) => (faulty() ? busFaults.publish(message) : undefined),
      transit: (subscription, message) => (faulty() ? busFaults.transit(subscription, message) : undefined),
      deliver: (subscription, batch) => (faulty() ? busFaults.deliver(subscription, batch) : undefined),
      choose: (subscription, ready) => busFaults.choose(subscription, ready),
    },
  });
  const databaseFaults = onlyCoordinator ? 0 : random.pick([0, 0.005, 0.03]);
  const crashes = onlyCoordinator || random.chance(0.6);
  const longOutages = onlyCoordinator ? 1 : random.pick(climate.outages);
  const poison = !onlyCoordinator && random.chance(0.3);
  const lives = onlyCoordinator ? Math.min(...climate.lifetimes) : random.pick(climate.lifetimes);
  const absence = Math.min(...plan.systems.map((system) => climate.absenceMs[system]));
  const replicas = onlyCoordinator ? 1 : random.fork('replicas').pick(climate.replicas);
  // An hour of renewals would cost more than all that it shows.
  const outages = replicas > 1 ? 0 : longOutages;
  return {
    chance,
    bus,
    onlyCoordinator,
    replicas,
    lease,
    active: () => active,
    lifetime: () => (crashes ? 3 + chance.below(lives) : Number.POSITIVE_INFINITY),
    downtime: () => chance.below(chance.chance(outages) ? absence : SHORT_OUTAGE_MS),
    databaseFails: () => active && chance.chance(databaseFaults),
    poisons: () => active && poison && chance.chance(0.05),
  };
};
