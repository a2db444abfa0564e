import { build as buildBff } from '@cordada/bff/service.ts';
import { build as buildCampaign, migrations as campaignMigrations } from '@cordada/campaign/service.ts';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import { type MemoryBus, memoryBus } from '@cordada/infra/bus/memory.ts';
import type { AllSettings } from '@cordada/infra/config/settings.ts';
import type { Security } from '@cordada/infra/http/access.ts';
import { injectFetch } from '@cordada/infra/http/inject-fetch.ts';
import { createServiceTokens } from '@cordada/infra/http/service-token.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import type { Service } from '@cordada/infra/service/service.ts';
import { createLogger, type Logger } from '@cordada/infra/telemetry/logger.ts';
import { addProcessMetrics, createRegistry, type Registry } from '@cordada/infra/telemetry/metrics.ts';
import { build as buildPartner, migrations as partnerMigrations } from '@cordada/partner/service.ts';
import { build as buildTracking, migrations as trackingMigrations } from '@cordada/tracking/service.ts';
import { checkPorts, portRefused } from './ports.ts';
import { openMigrated, openStores, type Place } from './stores.ts';

/** The services that keep a database, in the order in which they are started. */
const owners = {
  partner: { build: buildPartner, migrations: partnerMigrations },
  tracking: { build: buildTracking, migrations: trackingMigrations },
  campaign: { build: buildCampaign, migrations: campaignMigrations },
} as const;
type Owner = keyof typeof owners;
const ownerNames = Object.keys(owners) as Owner[];

export const serviceNames = ['bff', 'campaign', 'partner', 'tracking'] as const;
export type ServiceName = (typeof serviceNames)[number];

export interface FleetOptions {
  readonly settings: AllSettings;
  readonly place: Place;
  readonly runtime: Runtime;
  /** `listen`: on HOST, from PORT_BASE on; `free`: on HOST, on ports that the machine chooses. */
  readonly ports: 'listen' | 'free';
  /** Whether logs are for a person to read. */
  readonly readable: boolean;
  /** Told of each thing that was made ready, and how many milliseconds that took. */
  progress?(done: string, ms: number): void;
  /** Ends the start where it is; what had been opened is closed again. */
  readonly signal?: AbortSignal;
}

/** Every service, running in this process on one memory bus. */
export interface Fleet {
  /** Base addresses, without a slash at the end. */
  readonly urls: Readonly<Record<ServiceName, string>>;
  readonly services: Readonly<Record<ServiceName, Service>>;
  readonly bus: MemoryBus;
  /** Drains: requests under way are answered, what was accepted is finished or stays in its outbox. */
  stop(): Promise<void>;
}

/** What was opened, closed in the opposite order, each once, also when closing one of them fails. */
class Opened {
  readonly #closers: (() => Promise<void>)[] = [];

  add(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      await close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'the fleet did not stop cleanly');
  }
}

/** How long requests under way may hold back a stop (in milliseconds); a client that sends no more is cut off then. */
const REQUESTS_LIMIT_MS = 8_000;

const drainService = async ({ app, drain }: Service, runtime: Runtime): Promise<void> => {
  const cancel = runtime.after(REQUESTS_LIMIT_MS, () => app.server.closeAllConnections());
  try {
    await drain();
  } finally {
    cancel();
  }
};

const security = (settings: AllSettings, runtime: Runtime): Security => ({
  auth: settings.AUTH,
  apiKeys: settings.API_KEYS,
  // All who trust the token are in this process, so it may be as short-lived as the process.
  tokens: createServiceTokens(settings.SERVICE_TOKEN_SECRET ?? `${runtime.uuid()}${runtime.uuid()}`, runtime),
});

/** They are one process: what it uses is shown once, by the service that stands in front. */
const registryOf = (name: ServiceName): Registry => {
  const registry = createRegistry(name);
  if (name === 'bff') addProcessMetrics(registry);
  return registry;
};

const listen = async (service: Service, host: string, port: number): Promise<string> => {
  try {
    const address = await service.app.listen({ host, port });
    return address.replace(/\/$/, '');
  } catch (error) {
    throw portRefused(host, port, error as NodeJS.ErrnoException);
  }
};

/**
 * Starts every service: finds out whether the ports are free, takes hold of the databases, migrates them, builds the
 * services, and only then takes messages and requests. When any of that fails nothing stays open.
 * @throws PortRefused, DataDirInUse, DatabaseInUse, MigrationRefused, or what the database says
 */
export const startFleet = async (options: FleetOptions): Promise<Fleet> => {
  const { settings, runtime, signal } = options;
  const opened = new Opened();
  const timed = async <R>(work: () => Promise<R>, done: (result: R) => string): Promise<R> => {
    signal?.throwIfAborted();
    const began = runtime.now();
    const result = await work();
    options.progress?.(done(result), runtime.now() - began);
    return result;
  };
  const log = (name: string): Logger =>
    createLogger({ name, level: settings.LOG_LEVEL, readable: options.readable, now: () => runtime.now() });
  const portOf = (name: ServiceName): number =>
    options.ports === 'free' ? 0 : settings.PORT_BASE + serviceNames.indexOf(name);

  try {
    if (options.ports === 'listen') await checkPorts(settings.HOST, serviceNames.map(portOf));

    const stores = await timed(
      () => openStores(options.place),
      () => `opened ${options.place.kind === 'postgres' ? 'Postgres' : 'the embedded database (PGlite)'}`,
    );
    opened.add(() => stores.close());
    const migrated = await timed(
      async () => {
        const result = {} as Record<Owner, Awaited<ReturnType<typeof openMigrated>>>;
        for (const name of ownerNames) {
          result[name] = await openMigrated(stores, name, owners[name].migrations, runtime);
        }
        return result;
      },
      (all) => {
        const count = Object.values(all).reduce((sum, { applied }) => sum + applied.length, 0);
        return count === 0
          ? 'found the databases up to date'
          : `migrated the databases (${count} migrations)`;
      },
    );

    const busLog = log('bus');
    const bus = memoryBus({
      runtime,
      manifest,
      rejected: (subscription, cause, retryInMs) =>
        busLog.warn({ err: cause, subscription, retryInMs }, 'a batch was not handled and comes again'),
    });
    opened.add(() => bus.close());

    const trust = security(settings, runtime);
    const parts = (name: ServiceName) => ({
      runtime,
      bus,
      log: log(name),
      registry: registryOf(name),
      security: trust,
      settings,
    });
    const services = await timed(
      async () => {
        const built = {} as Record<ServiceName, Service>;
        for (const name of ownerNames) {
          built[name] = await owners[name].build({ ...parts(name), database: migrated[name].database });
        }
        built.bff = await buildBff({
          ...parts('bff'),
          fetch: injectFetch(
            new Map(Object.values(built).map(({ name, app }) => [`http://${name}`, app] as const)),
          ),
          urls: { campaign: 'http://campaign', partner: 'http://partner', tracking: 'http://tracking' },
        });
        return built;
      },
      () => 'built the services',
    );

    const urls = await timed(
      async () => {
        const order: readonly ServiceName[] = [...ownerNames, 'bff'];
        // The BFF stops first: its requests under way still reach the others, which then drain side by side.
        opened.add(async () => {
          await drainService(services.bff, runtime);
          await Promise.all(ownerNames.map((name) => drainService(services[name], runtime)));
          await Promise.all(serviceNames.map((name) => services[name].stop()));
        });
        for (const name of order) await services[name].start();
        const addresses = {} as Record<ServiceName, string>;
        for (const name of order) {
          signal?.throwIfAborted();
          addresses[name] = await listen(services[name], settings.HOST, portOf(name));
        }
        return addresses;
      },
      () => 'started the services',
    );
    signal?.throwIfAborted();
    return { urls, services, bus, stop: () => opened.close() };
  } catch (error) {
    await opened.close();
    throw error;
  }
};
