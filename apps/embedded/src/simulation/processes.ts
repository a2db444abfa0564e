import type { Incarnation, VirtualTime } from '@cordada/infra/testing/virtual-time.ts';
import type { Troubles } from './troubles.ts';

export const services = ['campaign', 'partner', 'tracking'] as const;
export type ServiceName = (typeof services)[number];

/** What each service reads from the bus. */
export const subscriptions: Readonly<Record<ServiceName, string>> = {
  campaign: 'campaign.coordinator',
  partner: 'partner',
  tracking: 'tracking',
};

/** The services' processes, each crashing and starting again as the seed has it. */
export interface Processes {
  /** The present life of a service; undefined while it is away. */
  life(name: ServiceName): Incarnation | undefined;
  /**
   * What an I/O operation of a service meets: its process crashes there, or the database is away. To be asked at the
   * instant at which the operation reaches the database.
   */
  meet(name: ServiceName): 'crash' | 'fault' | undefined;
  crash(name: ServiceName): void;
  /** Asks a service as HTTP does: what its crash takes with it, or what it refuses, is not known to who asks. */
  ask(name: ServiceName, request: () => Promise<unknown> | undefined): Promise<void>;
}

/** @param boot starts a service in a new life; it may find itself dead at any await */
export const superviseProcesses = (
  world: VirtualTime,
  troubles: Troubles,
  boot: (name: ServiceName, life: Incarnation) => Promise<void>,
): Processes => {
  const lives = new Map<ServiceName, Incarnation>();
  const crashIn = new Map(services.map((name) => [name, troubles.lifetime()]));

  const start = (name: ServiceName, withinMs: number): void => {
    world.schedule(`boot ${name}`, withinMs, () => {
      const life = world.incarnation(name);
      lives.set(name, life);
      return boot(name, life);
    });
  };

  const crash = (name: ServiceName): void => {
    lives.get(name)?.crash();
    lives.delete(name);
    crashIn.set(name, troubles.lifetime());
    start(name, troubles.downtime());
  };

  for (const name of services) start(name, troubles.chance.below(100));

  return {
    life: (name) => lives.get(name),
    crash,
    meet(name) {
      const left = (crashIn.get(name) ?? 0) - 1;
      crashIn.set(name, left);
      if (troubles.active() && left <= 0 && !(troubles.onlyCoordinator && name !== 'campaign')) {
        crash(name);
        return 'crash';
      }
      return troubles.databaseFails() ? 'fault' : undefined;
    },
    async ask(name, request) {
      const life = lives.get(name);
      if (!life) return;
      await new Promise<void>((resolve) => {
        life.onCrash(resolve);
        Promise.resolve(request()).then(
          () => resolve(),
          () => resolve(),
        );
      });
    },
  };
};
