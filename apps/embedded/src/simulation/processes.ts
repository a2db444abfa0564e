import type { Incarnation, VirtualTime } from '@cordada/infra/testing/virtual-time.ts';
import { isCoordinator, type ServiceName } from './systems.ts';
import type { Troubles } from './troubles.ts';

/** One of the replicas of a service. */
export interface Replica {
  readonly name: string;
  readonly service: ServiceName;
}

/** What a replica does when it is booted. It may find itself dead at any await. */
export type Boot = (replica: Replica, life: Incarnation) => Promise<void>;

/** The services' processes, each crashing, freezing, leaving and starting again as the seed has it. */
export interface Processes {
  readonly services: readonly ServiceName[];
  /** Whether no replica of a service runs at present. */
  away(service: ServiceName): boolean;
  /**
   * What an I/O operation of a replica meets: its process crashes there, or the database is away. To be asked at the
   * instant at which the operation reaches the database.
   */
  meet(replica: Replica): 'crash' | 'fault' | undefined;
  crash(replica: Replica): void;
  /**
   * Asks a replica of a service as HTTP does: what its crash takes with it, or what it refuses, is not known to who
   * asks.
   */
  ask(
    service: ServiceName,
    request: (replica: Replica, life: Incarnation) => Promise<unknown> | undefined,
  ): Promise<void>;
}

export interface ProcessesOptions {
  readonly boot: Boot;
  /** A clean end of the present life of a replica: it finishes what is under way. */
  leave?(replica: Replica): Promise<void> | undefined;
  /** A replica is frozen. Without it none ever is. */
  frozen?(replica: Replica): void;
}

/** Milliseconds between two replicas that freeze or leave. */
const DISTURBED_EVERY_MS = 8_000;

export const superviseProcesses = (
  world: VirtualTime,
  troubles: Troubles,
  services: readonly ServiceName[],
  { boot, leave, frozen }: ProcessesOptions,
): Processes => {
  const replicas = services.flatMap((service) =>
    Array.from({ length: troubles.replicas }, (_, i): Replica => {
      return { service, name: i === 0 ? service : `${service}-${i + 1}` };
    }),
  );
  const lives = new Map<Replica, Incarnation>();
  const crashIn = new Map(replicas.map((replica) => [replica, troubles.lifetime()]));

  const start = (replica: Replica, withinMs: number): void => {
    world.schedule(`boot ${replica.name}`, withinMs, () => {
      const life = world.incarnation(replica.name);
      lives.set(replica, life);
      return boot(replica, life);
    });
  };

  const crash = (replica: Replica): void => {
    lives.get(replica)?.crash();
    lives.delete(replica);
    crashIn.set(replica, troubles.lifetime());
    start(replica, troubles.downtime());
  };

  /** Freezes a replica, for longer than its lease or not, or has it leave and join again. */
  const disturb = (): void => {
    if (!troubles.active()) return;
    const { chance } = troubles;
    const replica = chance.pick(replicas);
    const life = lives.get(replica);
    const [freezes, ms] = [chance.chance(0.6), chance.below(3 * troubles.lease.lastsMs)];
    if (life && freezes && frozen) {
      life.pause();
      frozen(replica);
      world.schedule(`wake ${replica.name}`, ms, () => life.resume());
    } else if (life) {
      void leave?.(replica)?.then(() => {
        if (life.alive) crash(replica);
      });
    }
    world.schedule('disturb', chance.below(DISTURBED_EVERY_MS), disturb);
  };

  for (const replica of replicas) start(replica, troubles.chance.below(100));
  if (troubles.replicas > 1) world.schedule('disturb', troubles.chance.below(DISTURBED_EVERY_MS), disturb);

  return {
    services,
    away: (service) => !replicas.some((replica) => replica.service === service && lives.has(replica)),
    crash,
    meet(replica) {
      const left = (crashIn.get(replica) ?? 0) - 1;
      crashIn.set(replica, left);
      if (troubles.active() && left <= 0 && !(troubles.onlyCoordinator && !isCoordinator(replica.service))) {
        crash(replica);
        return 'crash';
      }
      return troubles.databaseFails() ? 'fault' : undefined;
    },
    async ask(service, request) {
      const running = replicas.filter((replica) => replica.service === service && lives.has(replica));
      const replica = running.length > 1 ? troubles.chance.pick(running) : running[0];
      const life = replica && lives.get(replica);
      if (!life) return;
      await new Promise<void>((resolve) => {
        life.onCrash(resolve);
        Promise.resolve(request(replica, life)).then(
          () => resolve(),
          () => resolve(),
        );
      });
    },
  };
};
