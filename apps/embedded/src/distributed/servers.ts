import { join, resolve } from 'node:path';
import { loadNativeClients, NativeClientMissing } from '@cordada/infra/bus/pulsar/native/client.ts';
import { adminUrlOf } from '@cordada/infra/bus/pulsar/open-pulsar.ts';
import { provision } from '@cordada/infra/bus/pulsar/provision.ts';
import { productProvision } from '@cordada/infra/bus/pulsar/provision-settings.ts';
import type { AllSettings } from '@cordada/infra/config/settings.ts';
import { refuseTakenPort } from '@cordada/infra/deploy/foreground.ts';
import { clusterFolder } from '@cordada/infra/deploy/postgres/cluster-folder.ts';
import { findPostgres, startPostgresServer } from '@cordada/infra/deploy/postgres/server.ts';
import { findJava, startBroker } from '@cordada/infra/deploy/pulsar/broker.ts';
import { brokerInstallation } from '@cordada/infra/deploy/pulsar/broker-installation.ts';
import { CACHE_SETTINGS, findRedis, startRedisServer } from '@cordada/infra/deploy/redis/server.ts';
import { ServerRefused } from '@cordada/infra/deploy/server-refused.ts';
import { type Runtime, sleep } from '@cordada/infra/runtime.ts';
import { Opened } from '@cordada/infra/service/opened.ts';

/** What the services meet on: where the settings name it, or started here. */
export interface Servers {
  readonly databaseUrl: string;
  readonly busUrl: string;
  readonly adminUrl: string;
  /** Of a Redis that was started here; the settings may name another one, or there is none. */
  readonly redisUrl?: string;
  /** Stops what was started here. */
  stop(): Promise<void>;
}

export interface ServersOptions {
  readonly runtime: Runtime;
  /** Where programs are looked for. */
  readonly path: string;
  readonly signal: AbortSignal;
  say(line: string): void;
  timed<R>(done: string, work: Promise<R>): Promise<R>;
}

/** What is started again when it ends by itself. */
interface Server {
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

const RESTART_PAUSE_MS = 1_000;

/** Starts a server, and starts it again whenever it ends without having been stopped. */
const keep = async <One extends Server>(
  name: string,
  start: () => Promise<One>,
  { runtime, say }: ServersOptions,
): Promise<{ readonly first: One; stop(): Promise<void> }> => {
  let stopped = false;
  let running = start();
  const again = (reason: string): void => {
    if (stopped) return;
    say(`${name.padEnd(10)} │ ✘ ${reason}; it is started again`);
    runtime.after(RESTART_PAUSE_MS, () => {
      if (stopped) return;
      running = start();
      running.then(watch, (error: Error) => again(error.message));
    });
  };
  const watch = (one: One): void => {
    void one.ended.then(again);
  };
  const first = await running;
  watch(first);
  return {
    first,
    async stop() {
      stopped = true;
      const last = await running.catch(() => undefined); // one that did not start needs no stop
      await last?.stop();
    },
  };
};

/**
 * How services reach the broker of this machine: natively, or where npm could not install the client, over WebSocket.
 * @param load loads the native client @param say told that it is missing
 */
export const localBusUrl = async (
  { PULSAR_PORT, PULSAR_WEB_PORT }: Pick<AllSettings, 'PULSAR_PORT' | 'PULSAR_WEB_PORT'>,
  load: (access: { readonly url: string }) => Promise<unknown>,
  say: ServersOptions['say'],
): Promise<string> => {
  const url = `pulsar://127.0.0.1:${PULSAR_PORT}`;
  try {
    await load({ url });
    return url;
  } catch (error) {
    if (!(error instanceof NativeClientMissing)) throw error;
    say(
      '! npm could not install pulsar-client here: the services speak Pulsar’s WebSocket API, which is slower',
    );
    return `pulsar+ws://127.0.0.1:${PULSAR_WEB_PORT}`;
  }
};

/**
 * The Redis to start here; undefined where the settings name one, and where none can be started: it is a cache, and a line
 * says what is used instead.
 */
export const redisProgram = async (
  { REDIS_URL, REDIS_HOST, REDIS_PORT }: Pick<AllSettings, 'REDIS_URL' | 'REDIS_HOST' | 'REDIS_PORT'>,
  { path, say }: Pick<ServersOptions, 'path' | 'say'>,
): Promise<string | undefined> => {
  if (REDIS_URL !== undefined || REDIS_HOST !== undefined) return undefined;
  try {
    const program = findRedis(path);
    await refuseTakenPort(REDIS_PORT, 'REDIS_PORT, or name its Redis by REDIS_URL');
    return program;
  } catch (error) {
    if (!(error instanceof ServerRefused)) throw error;
    say(`! ${error.message}; until then consultas caches in memory, each replica for itself`);
    return undefined;
  }
};

/**
 * Starts the servers that the settings do not name, their data below DATA_DIR.
 * @throws ServerRefused where one cannot be started here, NativeClientMissing where BUS_URL asks for it
 */
export const startServers = async (settings: AllSettings, options: ServersOptions): Promise<Servers> => {
  const { path, say, signal, timed } = options;
  const { DATA_DIR, POSTGRES_PORT, PULSAR_PORT, PULSAR_WEB_PORT, PULSAR_CACHE } = settings;
  const ownPostgres = settings.DATABASE_URL === undefined;
  const ownBroker = settings.BUS_URL === 'memory:';
  const opened = new Opened();
  try {
    // All that can be missing is found out before anything is started.
    if (ownPostgres) {
      findPostgres();
      await refuseTakenPort(POSTGRES_PORT, 'POSTGRES_PORT');
    }
    if (ownBroker) {
      findJava(path);
      await refuseTakenPort(PULSAR_PORT, 'PULSAR_PORT');
      await refuseTakenPort(PULSAR_WEB_PORT, 'PULSAR_WEB_PORT');
    }
    if (/^pulsar(\+ssl)?:/.test(settings.BUS_URL)) await loadNativeClients({ url: settings.BUS_URL });
    let databaseUrl = settings.DATABASE_URL ?? '';
    if (ownPostgres) {
      const folder = await clusterFolder(DATA_DIR, say);
      const start = () => startPostgresServer({ folder, port: POSTGRES_PORT });
      const postgres = await timed('started Postgres', keep('postgres', start, options));
      opened.add(() => postgres.stop());
      databaseUrl = postgres.first.url;
    }
    const program = await redisProgram(settings, options);
    let redisUrl: string | undefined;
    if (program !== undefined) {
      const folder = join(resolve(DATA_DIR), 'redis');
      const start = () =>
        startRedisServer({ program, folder, port: settings.REDIS_PORT, settings: CACHE_SETTINGS });
      const redis = await timed('started Redis', keep('redis', start, options));
      opened.add(() => redis.stop());
      redisUrl = redis.first.url;
    }
    signal.throwIfAborted();
    let { BUS_URL: busUrl } = settings;
    let adminUrl = ownBroker ? '' : adminUrlOf(settings);
    if (ownBroker) {
      const installed = await brokerInstallation(path, {
        ...(PULSAR_CACHE !== undefined && { cache: PULSAR_CACHE }),
        say,
      });
      signal.throwIfAborted();
      const folder = join(resolve(DATA_DIR), 'pulsar');
      const ports = { broker: PULSAR_PORT, web: PULSAR_WEB_PORT };
      const broker = await timed(
        'started the Pulsar broker',
        keep('broker', () => startBroker({ ...installed, folder, ports }), options),
      );
      opened.add(() => broker.stop());
      busUrl = await localBusUrl(settings, loadNativeClients, say);
      adminUrl = `http://127.0.0.1:${PULSAR_WEB_PORT}`;
    }
    return {
      databaseUrl,
      busUrl,
      adminUrl,
      ...(redisUrl !== undefined && { redisUrl }),
      stop: () => opened.close(),
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
};

/**
 * Makes on a broker what the manifest declares.
 * @returns how much was changed
 */
export const provisionBroker = async (
  settings: AllSettings,
  broker: { readonly busUrl: string; readonly adminUrl: string },
  runtime: Runtime,
): Promise<number> => {
  const named = { ...settings, BUS_URL: broker.busUrl, PULSAR_ADMIN_URL: broker.adminUrl };
  return provision(await productProvision(named, (ms) => sleep(runtime, ms)));
};
