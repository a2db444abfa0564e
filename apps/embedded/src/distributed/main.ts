/** `npm run start:distributed`: Postgres, Redis, a Pulsar broker and every service as processes of their own. */
import { ConfigError } from '@cordada/infra/config/declare.ts';
import { portOf, portsOf, serviceNames } from '@cordada/infra/config/services.ts';
import { type AllSettings, readSettings } from '@cordada/infra/config/settings.ts';
import { runGracefully, say } from '@cordada/infra/service/graceful-process.ts';
import { Opened } from '@cordada/infra/service/opened.ts';
import { checkPorts } from '@cordada/infra/service/ports.ts';
import { UnknownArgument } from '@cordada/infra/service/refusal.ts';
import { DATABASE_PREFIX } from '@cordada/infra/service/service-database.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { card } from '../card.ts';
import { provisionBroker, startServers } from './servers.ts';
import { startServiceProcesses } from './service-processes.ts';

const REPLICAS = 2;
/** The BFF drains first, then the services, then the servers: each within its own limit. */
const DRAIN_LIMIT_MS = 90_000;
const choose = 'choose others with PORT_BASE (each replica takes four, 100 further on) and HOST';

const runtime = systemRuntime();

/** Settings whose other values start something else than this program says. */
const refuseSettings = (settings: AllSettings): void => {
  if (settings.BUS_URL === 'memory:' && process.env.BUS_URL !== undefined && process.env.BUS_URL !== '')
    throw new ConfigError([
      'BUS_URL=memory: joins the services of one process only: leave it out, and a broker is started',
    ]);
  const highest = portOf(settings, 'tracking', REPLICAS - 1);
  if (highest > 65_535)
    throw new ConfigError([`PORT_BASE=${settings.PORT_BASE} leaves no room up to port ${highest}`]);
};

const timed = async <R>(done: string, work: Promise<R>): Promise<R> => {
  const began = runtime.now();
  const result = await work;
  say(`✔ ${done} in ${((runtime.now() - began) / 1000).toFixed(1)} s`);
  return result;
};

runGracefully({
  runtime,
  databaseUrl: process.env.DATABASE_URL,
  drainLimitMs: DRAIN_LIMIT_MS,
  async start(signal) {
    const [argument] = process.argv.slice(2);
    if (argument !== undefined) {
      throw new UnknownArgument(
        `Unknown argument ${argument}: settings are variables of the environment, as in PORT_BASE=9000 npm run start:distributed`,
      );
    }
    const settings = readSettings({ ...process.env, PORT: undefined, REPLICA: undefined }, { AUTH: 'demo' });
    refuseSettings(settings);
    if (settings.AUTH === 'demo')
      say('! AUTH=demo: this is the open demo. Whoever reaches it may do anything; AUTH=required closes it');
    const opened = new Opened();
    try {
      await checkPorts(settings.HOST, portsOf(settings.PORT_BASE, REPLICAS), choose);
      const path = process.env.PATH ?? '';
      const servers = await startServers(settings, { runtime, path, signal, say, timed });
      opened.add(() => servers.stop());
      await timed('provisioned the broker', provisionBroker(settings, servers, runtime));
      signal.throwIfAborted();
      const secret = settings.SERVICE_TOKEN_SECRET ?? `${runtime.uuid()}${runtime.uuid()}`;
      const processes = startServiceProcesses({
        host: settings.HOST,
        portBase: settings.PORT_BASE,
        replicas: REPLICAS,
        runtime,
        fetch,
        env: {
          ...process.env,
          DATABASE_URL: servers.databaseUrl,
          BUS_URL: servers.busUrl,
          PULSAR_ADMIN_URL: servers.adminUrl,
          ...(servers.redisUrl !== undefined && { REDIS_URL: servers.redisUrl }),
          AUTH: settings.AUTH,
          SERVICE_TOKEN_SECRET: secret,
          LOG_FORMAT: settings.LOG_FORMAT === 'json' ? 'json' : 'readable',
        },
        // A line of JSON says itself which service it is of, and stays one that a program can read.
        line: (who, text) =>
          say(settings.LOG_FORMAT === 'json' && text.startsWith('{') ? text : `${who.padEnd(10)} │ ${text}`),
      });
      opened.add(() => processes.stop());
      await timed(
        `started ${serviceNames.length} services, ${REPLICAS} replicas of each`,
        processes.ready(signal),
      );
      say(
        card({
          settings,
          place: { kind: 'postgres', url: servers.databaseUrl, prefix: DATABASE_PREFIX },
          urls: processes.urls,
          bus: servers.busUrl,
          ...(servers.redisUrl !== undefined && { cache: servers.redisUrl }),
          seconds: process.uptime(),
        }),
      );
      return { stop: () => opened.close() };
    } catch (error) {
      await opened.close();
      throw error;
    }
  },
});
