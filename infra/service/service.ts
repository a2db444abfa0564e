import type { Bus } from '../bus/bus.ts';
import type { AllSettings } from '../config/settings.ts';
import type { ServiceDatabase } from '../database/pool-database.ts';
import type { Security } from '../http/access.ts';
import type { Checks } from '../http/health.ts';
import type { Server } from '../http/server.ts';
import type { Runtime } from '../runtime.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Registry } from '../telemetry/metrics.ts';

/** All that a service takes from outside. It opens nothing by itself, so that a whole fleet can run in one process. */
export interface ServiceDeps {
  readonly runtime: Runtime;
  readonly bus: Bus;
  /** Its own; migrated. */
  readonly database: ServiceDatabase;
  readonly log: Logger;
  readonly registry: Registry;
  readonly security: Security;
  readonly settings: AllSettings;
  /** What `/ready` asks besides, by name: rejects with the reason. */
  readonly ready?: Checks;
}

/** A service, built and not running. */
export interface Service {
  readonly name: string;
  /** Its HTTP side; whoever runs the service has it listen. */
  readonly app: Server;
  /** Publishes what an earlier run left, then takes messages. */
  start(): Promise<void>;
  /**
   * Stops taking requests and publishes what is committed, while messages are still handled: on the memory bus a
   * message is durable once its consumers have handled it, so services that stop together drain together first.
   */
  drain(): Promise<void>;
  /** Stops taking messages and finishes what is under way. Leaves its database open. */
  stop(): Promise<void>;
}
