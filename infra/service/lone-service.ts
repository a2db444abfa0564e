import type { Bus } from '../bus/bus.ts';
import { manifest } from '../bus/manifest.ts';
import { openBus } from '../bus/open-bus.ts';
import { openAdmin, TENANT } from '../bus/pulsar/open-pulsar.ts';
import { provisionedCheck } from '../bus/pulsar/provision.ts';
import { ConfigError } from '../config/declare.ts';
import {
  forNeighbours,
  localUrls,
  type Neighbour,
  portOf,
  type ServiceName,
  urlsSetting,
} from '../config/services.ts';
import type { AllSettings } from '../config/settings.ts';
import type { ServiceDatabase } from '../database/pool-database.ts';
import type { Fetch } from '../http/service-client.ts';
import type { Runtime } from '../runtime.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { addProcessMetrics, createRegistry } from '../telemetry/metrics.ts';
import type { Running } from './graceful-process.ts';
import { drainService, Opened } from './opened.ts';
import { listenOn } from './ports.ts';
import { isRefusal, reasonOf } from './refusal.ts';
import type { Service, ServiceDeps } from './service.ts';
import { DATABASE_PREFIX, migrated, openServicePostgres } from './service-database.ts';
import { trustOf } from './trust.ts';
import { openWaitingRoom } from './waiting-room.ts';

/** What a service without a database is built from: it calls the others. */
export interface FrontDeps extends Omit<ServiceDeps, 'database'> {
  readonly fetch: Fetch;
  /** Base addresses of the replicas of each service behind it. */
  readonly urls: Readonly<Record<Neighbour, readonly string[]>>;
}

/** A service as its own `main.ts` runs it. */
export type LoneService =
  | {
      readonly name: ServiceName;
      /** Folders of its database's migrations, in order. */
      readonly migrations: readonly string[];
      build(deps: ServiceDeps): Promise<Service>;
    }
  | { readonly name: ServiceName; readonly migrations?: never; build(deps: FrontDeps): Promise<Service> };

export interface LoneServiceOptions {
  readonly settings: AllSettings;
  readonly runtime: Runtime;
  readonly fetch: Fetch;
  /** Whether logs are for a person to read. */
  readonly readable: boolean;
  readonly signal: AbortSignal;
}

const firstPauseMs = 250;
const longestPauseMs = 5_000;
const choose = 'choose another with PORT (or PORT_BASE and REPLICA) and HOST';

/**
 * That the settings let a service run by itself.
 * @throws ConfigError with a line for each that is missing
 */
const requireSettings = (
  service: LoneService,
  settings: AllSettings,
): { readonly secret: string; readonly databaseUrl: string } => {
  const faults: string[] = [];
  if (settings.BUS_URL === 'memory:')
    faults.push(
      `BUS_URL is ${settings.BUS_URL}, a bus that joins the services of one process only: a service by itself needs a broker, as in BUS_URL=pulsar://localhost:6650`,
    );
  const databaseUrl = settings.DATABASE_URL ?? '';
  if (service.migrations !== undefined && databaseUrl === '')
    faults.push(`DATABASE_URL is not set: ${service.name} by itself needs a Postgres server, postgres://…`);
  const secret = settings.SERVICE_TOKEN_SECRET ?? '';
  if (secret === '')
    faults.push(
      'SERVICE_TOKEN_SECRET is not set: services by themselves trust one another by a secret of 32 characters or more, the same for all',
    );
  const port = portOf(settings, service.name, settings.REPLICA);
  if (port > 65_535) faults.push(`REPLICA=${settings.REPLICA} would listen on port ${port}, which is none`);
  if (faults.length > 0) throw new ConfigError(faults);
  return { secret, databaseUrl };
};

/** What one attempt to start needs from outside; closed again where the attempt fails. */
interface Attempt {
  readonly service: Service;
  readonly opened: Opened;
}

/**
 * Starts one service alone: it answers `/health` and `/ready` at once, waits for its database and its broker as long
 * as they are away or not provisioned, and then serves.
 * @throws ConfigError, PortRefused, MigrationRefused, and whatever else no wait mends
 */
export const startLoneService = async (
  service: LoneService,
  options: LoneServiceOptions,
): Promise<Running & { readonly url: string }> => {
  const { settings, runtime, signal } = options;
  const { secret, databaseUrl } = requireSettings(service, settings);
  const provisioned = await provisioning(settings, runtime);
  const security = trustOf(settings, secret, runtime);
  const log = createLogger({
    name: service.name,
    level: settings.LOG_LEVEL,
    readable: options.readable,
    now: () => runtime.now(),
  });
  const port = portOf(settings, service.name, settings.REPLICA);
  const missing = new Map<string, string>();
  const needs = service.migrations === undefined ? ['bus'] : ['database', 'bus'];
  for (const need of needs) missing.set(need, 'not asked yet');
  const waitingRoom = {
    service: service.name,
    needs,
    host: settings.HOST,
    port,
    choose,
    missing: () => missing,
  };
  const room = await openWaitingRoom(
    { runtime, log, security, registry: createRegistry(service.name) },
    waitingRoom,
  );

  /** Opens one thing that the service needs, and notes why it cannot be had. */
  const need = async <R>(name: string, open: () => Promise<R>): Promise<R> => {
    try {
      const result = await open();
      missing.delete(name);
      return result;
    } catch (error) {
      const reason = reasonOf(error, databaseUrl === '' ? undefined : databaseUrl);
      if (!isRefusal(error) && missing.get(name) !== reason) log.warn({ need: name, reason }, 'waiting');
      missing.set(name, reason);
      throw error;
    }
  };

  const attempt = async (): Promise<Attempt> => {
    const opened = new Opened();
    try {
      const outcomes = await Promise.allSettled([
        service.migrations === undefined
          ? undefined
          : need('database', async () => {
              const { database, applied } = await migrated(
                () =>
                  openServicePostgres(settings, {
                    url: databaseUrl,
                    prefix: DATABASE_PREFIX,
                    service: service.name,
                    exclusive: false,
                    told: (line) => log.warn(line),
                  }),
                service.migrations,
                runtime,
              );
              opened.add(() => database.close());
              if (applied.length > 0) log.info({ applied }, 'migrated the database');
              return database;
            }),
        need('bus', async () => {
          const bus = await openServiceBus(settings, runtime, log);
          opened.add(() => bus.close());
          await bus.health();
          await provisioned();
          return bus;
        }),
      ] as const);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
      const [database, bus] = outcomes.map((outcome) =>
        outcome.status === 'fulfilled' ? outcome.value : undefined,
      ) as [ServiceDatabase | undefined, Bus];
      const registry = createRegistry(service.name);
      addProcessMetrics(registry);
      const ready = { provisioning: provisioned };
      const parts = { runtime, bus, log, registry, security, settings, ready };
      const built = await (service.migrations === undefined
        ? service.build({ ...parts, fetch: options.fetch, urls: neighbours(settings) })
        : service.build({ ...parts, database: database as ServiceDatabase }));
      opened.add(async () => {
        await drainService(built, runtime);
        await built.stop();
      });
      await need('bus', () => built.start());
      return { service: built, opened };
    } catch (error) {
      await opened.close().catch((failure: unknown) => log.warn({ err: failure }, 'a start was broken off'));
      throw error;
    }
  };

  let pauseMs = firstPauseMs;
  try {
    for (;;) {
      signal.throwIfAborted();
      try {
        const { service: started, opened } = await unlessAborted(signal, attempt());
        await room.close();
        const url = await listenOn(started.app, settings.HOST, port, choose).catch(async (error: unknown) => {
          await opened.close();
          throw error;
        });
        log.info({ url, replica: settings.REPLICA }, 'serving');
        return { url, stop: () => opened.close() };
      } catch (error) {
        if (signal.aborted || isRefusal(error)) throw error;
        await pause(runtime, signal, pauseMs);
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
    }
  } finally {
    await room.close();
  }
};

/** The bus that BUS_URL names. */
const openServiceBus = (settings: AllSettings, runtime: Runtime, log: Logger): Promise<Bus> =>
  openBus({
    settings,
    runtime,
    manifest,
    rejected: (subscription, cause, retryInMs) =>
      log.warn({ err: cause, subscription, retryInMs }, 'a batch was not handled and comes again'),
  });

/** Asks the broker whether it has all that the manifest declares: services make none of it. */
const provisioning = async (settings: AllSettings, runtime: Runtime): Promise<() => Promise<void>> =>
  provisionedCheck({ admin: await openAdmin(settings), manifest, tenant: TENANT, now: () => runtime.now() });

/** Where the replicas of the services behind are, as the settings say or where they are by default. */
const neighbours = (settings: AllSettings): FrontDeps['urls'] =>
  forNeighbours((service) => settings[urlsSetting(service)] ?? localUrls(settings, service, 1));

/** Rejects as soon as `signal` aborts: what is under way may take as long as a server that does not answer. */
const unlessAborted = <R>(signal: AbortSignal, work: Promise<R>): Promise<R> =>
  new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });

const pause = (runtime: Runtime, signal: AbortSignal, ms: number): Promise<void> =>
  new Promise((resolve) => {
    const over = (): void => {
      cancel();
      signal.removeEventListener('abort', over);
      resolve();
    };
    const cancel = runtime.after(ms, over);
    signal.addEventListener('abort', over, { once: true });
  });
