import {
  migrations as adminProductosMigrations,
  build as buildAdminProductos,
} from '@cordada/admin-productos/service.ts';
import { build as buildBff } from '@cordada/bff/service.ts';
import { build as buildCampaign, migrations as campaignMigrations } from '@cordada/campaign/service.ts';
import {
  build as buildConsolidador,
  migrations as consolidadorMigrations,
} from '@cordada/consolidador/service.ts';
import { build as buildConsultas } from '@cordada/consultas/service.ts';
import {
  build as buildGestorCompra,
  migrations as gestorCompraMigrations,
} from '@cordada/gestor-compra/service.ts';
import type { Bus } from '@cordada/infra/bus/bus.ts';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import { openBus } from '@cordada/infra/bus/open-bus.ts';
import { forNeighbours, portOf, type ServiceName, serviceNames } from '@cordada/infra/config/services.ts';
import type { AllSettings } from '@cordada/infra/config/settings.ts';
import { injectFetch } from '@cordada/infra/http/inject-fetch.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import { drainService, Opened } from '@cordada/infra/service/opened.ts';
import { checkPorts, listenOn } from '@cordada/infra/service/ports.ts';
import type { Service } from '@cordada/infra/service/service.ts';
import { migrated } from '@cordada/infra/service/service-database.ts';
import { trustOf } from '@cordada/infra/service/trust.ts';
import { createLogger, type Logger } from '@cordada/infra/telemetry/logger.ts';
import { addProcessMetrics, createRegistry, type Registry } from '@cordada/infra/telemetry/metrics.ts';
import { build as buildOrdenes, migrations as ordenesMigrations } from '@cordada/ordenes/service.ts';
import { build as buildPartner, migrations as partnerMigrations } from '@cordada/partner/service.ts';
import { build as buildTracking, migrations as trackingMigrations } from '@cordada/tracking/service.ts';
import { openStores, type Place } from './stores.ts';

/** The services that keep a database, in the order in which they are started. */
const owners = {
  partner: { build: buildPartner, migrations: partnerMigrations },
  tracking: { build: buildTracking, migrations: trackingMigrations },
  campaign: { build: buildCampaign, migrations: campaignMigrations },
  'admin-productos': { build: buildAdminProductos, migrations: adminProductosMigrations },
  consolidador: { build: buildConsolidador, migrations: consolidadorMigrations },
  ordenes: { build: buildOrdenes, migrations: ordenesMigrations },
  'gestor-compra': { build: buildGestorCompra, migrations: gestorCompraMigrations },
} as const;
type Owner = keyof typeof owners;
const ownerNames = Object.keys(owners) as Owner[];

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

/** Every service, running in this process on one bus. */
export interface Fleet {
  /** Base addresses, without a slash at the end. */
  readonly urls: Readonly<Record<ServiceName, string>>;
  readonly services: Readonly<Record<ServiceName, Service>>;
  readonly bus: Bus;
  /** Drains: requests under way are answered, what was accepted is finished or stays in its outbox. */
  stop(): Promise<void>;
}

/** They are one process: what it uses is shown once, by the service that stands in front. */
const registryOf = (name: ServiceName): Registry => {
  const registry = createRegistry(name);
  if (name === 'bff') addProcessMetrics(registry);
  return registry;
};

const choose = 'choose others with PORT_BASE (the first of ten) and HOST';

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
  const { PORT_BASE } = settings;
  const portFor = (name: ServiceName): number =>
    options.ports === 'free' ? 0 : portOf({ PORT_BASE }, name, 0);

  try {
    if (options.ports === 'listen') await checkPorts(settings.HOST, serviceNames.map(portFor), choose);

    const stores = await timed(
      () => openStores(options.place, settings, runtime, (line) => log('database').warn(line)),
      () => `opened ${options.place.kind === 'postgres' ? 'Postgres' : 'the embedded database (PGlite)'}`,
    );
    opened.add(() => stores.close());
    const databases = await timed(
      async () => {
        const result = {} as Record<Owner, Awaited<ReturnType<typeof migrated>>>;
        for (const name of ownerNames) {
          result[name] = await migrated(() => stores.open(name), owners[name].migrations, runtime);
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
    const bus = await openBus({
      settings,
      runtime,
      manifest,
      rejected: (subscription, cause, retryInMs) =>
        busLog.warn({ err: cause, subscription, retryInMs }, 'a batch was not handled and comes again'),
    });
    opened.add(() => bus.close());

    // All who trust the tokens are in this process, so the secret may be as short-lived as the process.
    const secret = settings.SERVICE_TOKEN_SECRET ?? `${runtime.uuid()}${runtime.uuid()}`;
    const trust = trustOf(settings, secret, runtime);
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
          built[name] = await owners[name].build({ ...parts(name), database: databases[name].database });
        }
        // Who calls others, in the order in which they call one another.
        for (const [name, build] of [
          ['consultas', buildConsultas],
          ['bff', buildBff],
        ] as const) {
          built[name] = await build({
            ...parts(name),
            fetch: injectFetch(
              new Map(Object.values(built).map(({ name, app }) => [`http://${name}`, app] as const)),
            ),
            urls: forNeighbours((neighbour) => [`http://${neighbour}`]),
          });
        }
        return built;
      },
      () => 'built the services',
    );

    const urls = await timed(
      async () => {
        const order: readonly ServiceName[] = [...ownerNames, 'consultas', 'bff'];
        // The BFF stops first: its requests under way still reach the others, which then drain side by side.
        opened.add(async () => {
          await drainService(services.bff, runtime);
          await drainService(services.consultas, runtime);
          await Promise.all(ownerNames.map((name) => drainService(services[name], runtime)));
          await Promise.all(serviceNames.map((name) => services[name].stop()));
        });
        for (const name of order) await services[name].start();
        const addresses = {} as Record<ServiceName, string>;
        for (const name of order) {
          signal?.throwIfAborted();
          addresses[name] = await listenOn(services[name].app, settings.HOST, portFor(name), choose);
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
