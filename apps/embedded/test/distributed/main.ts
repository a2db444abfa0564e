/**
 * `npm run test:distributed`: every service as two processes, on a real broker, Postgres and Redis, tried from outside:
 * the black-box tests of the API, the scenarios and the collection, on the native transport; the scenarios on
 * WebSocket too. What is tried is `npm run start:distributed` itself, so its start and its ends are tried as well.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { forServices, localUrls, type ServiceName } from '@cordada/infra/config/services.ts';
import { freePortBase, freePorts } from '@cordada/infra/deploy/free-port.ts';
import { startOwnPostgres } from '@cordada/infra/testing/postgres.ts';
import { startOwnPulsar } from '@cordada/infra/testing/pulsar.ts';
import { killLeftovers, type ProductProcess, startCommand } from '../product-process.ts';
import { fleetEnvironment } from '../running-fleet.ts';
import { killMarked, leftOver, markOf } from './processes-of-run.ts';

const REPLICAS = 2;
/** Of whoever decides a purchase one more: buyers of one item meet on three replicas. */
const THREE: readonly ServiceName[] = ['gestor-compra', 'consolidador', 'ordenes'];
const SUITES = [
  'apps/embedded/test/api-',
  'apps/embedded/test/compras',
  'apps/embedded/test/graphql',
  'apps/embedded/test/distributed/',
];
const LIFETIME_MS = 1_200_000;
const GONE_MS = 60_000;
const READY_MS = 120_000;
const root = fileURLToPath(new URL('../../../..', import.meta.url));

const { values } = parseArgs({
  options: {
    /** What all of it runs on: `native`, or `websocket` where the native client cannot be installed. */
    transport: { type: 'string', default: 'native' },
    /** Parts of paths of suites, instead of all. */
    suite: { type: 'string', multiple: true },
  },
});
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const run = randomUUID();
const tally = { passed: 0, failed: 0 };
const check = (says: string, holds: boolean, saw = ''): void => {
  say(`${holds ? '✔' : '✘'} ${says}${holds || saw === '' ? '' : `: ${saw}`}`);
  if (holds) tally.passed += 1;
  else tally.failed += 1;
};

/** Runs one of our programs, its output shown as it comes. @returns all of it, and the exit code */
const program = (
  args: readonly string[],
  env: Record<string, string>,
): Promise<[text: string, code: number | null]> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['apps/embedded/launch.mjs', ...args], {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      process.stdout.write(chunk);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve([text, code]));
  });

/** Adds the counts of a program's closing line. */
const counted = async (name: string, args: readonly string[], env: Record<string, string>): Promise<void> => {
  const began = performance.now();
  say(`\n== ${name}`);
  const [text, code] = await program(args, env);
  const closing = [...text.matchAll(/^(\d+) passed, (\d+) failed/gm)].at(-1);
  const holds = /^(\d+) of (\d+) scenarios hold$/m.exec(text);
  const passed = Number(closing?.[1] ?? holds?.[1] ?? 0);
  const failed = Number(closing?.[2] ?? Number(holds?.[2] ?? 1) - Number(holds?.[1] ?? 0));
  tally.passed += passed;
  tally.failed += code === 0 ? failed : Math.max(1, failed);
  say(`   ${name}: ${passed} passed, ${failed} failed, ${((performance.now() - began) / 1000).toFixed(0)} s`);
};

const startService = (settings: Record<string, string>, ...program: string[]): ProductProcess =>
  startCommand(
    [process.execPath, 'apps/embedded/launch.mjs', '--service', ...program],
    { ...settings, ...markOf(run), LOG_LEVEL: 'warn' },
    { lifetimeMs: LIFETIME_MS },
  );

/** Starts one more replica of some services beside a fleet, as `npm run service` does. */
const startThird = async (settings: Record<string, string>): Promise<ProductProcess[]> => {
  const place = { HOST: '127.0.0.1', PORT_BASE: Number(settings.PORT_BASE) };
  const third = { ...settings, AUTH: 'demo', REPLICA: String(REPLICAS) };
  return Promise.all(
    THREE.map(async (service) => {
      const one = startService(third, 'apps/embedded/src/lone-service.ts', service);
      const url = localUrls(place, service, REPLICAS + 1).at(-1);
      const until = Date.now() + READY_MS;
      while (
        !(await fetch(`${url}/ready`).then(
          ({ ok }) => ok,
          () => false,
        ))
      ) {
        if (Date.now() > until) throw new Error(`${service} is not ready:\n${one.stdout()}\n${one.stderr()}`);
        await wait(100);
      }
      return one;
    }),
  );
};

const fleetAt = async (busUrl: string, adminUrl: string, databaseUrl: string) => {
  const portBase = await freePortBase(REPLICAS + 1);
  const [redisPort = 0] = await freePorts(1);
  const settings = {
    BUS_URL: busUrl,
    PULSAR_ADMIN_URL: adminUrl,
    DATABASE_URL: databaseUrl,
    PORT_BASE: String(portBase),
    REDIS_PORT: String(redisPort),
    RATE_LIMIT: '1000000',
    SERVICE_TOKEN_SECRET: randomUUID(),
  };
  const began = performance.now();
  const fleet = startService(settings, 'apps/embedded/src/distributed/main.ts');
  await fleet.up();
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  check(`start:distributed is up with two replicas of each service, after ${seconds} s`, true);
  check('its start says that it is the open demo', /AUTH=demo: this is the open demo/.test(fleet.stdout()));
  const hasRedis = fleet.stdout().includes('✔ started Redis');
  check('it started Redis, too', hasRedis || process.env.CI === undefined, fleet.stdout());
  const redis: Record<string, string> = hasRedis ? { REDIS_URL: `redis://127.0.0.1:${redisPort}` } : {};
  return { fleet, settings, redis, bff: `http://127.0.0.1:${portBase}` };
};

const main = async (): Promise<void> => {
  const postgres = await startOwnPostgres();
  const pulsar = await startOwnPulsar({ longLived: true });
  if (postgres === undefined || pulsar === undefined) {
    check('a broker and a Postgres server can be started here', process.env.CI === undefined);
    await postgres?.stop();
    await pulsar?.stop();
    return;
  }
  const webSocketUrl = pulsar.wsUrl.replace(/^ws/, 'pulsar+ws');
  try {
    const mainUrl = values.transport === 'native' ? pulsar.serviceUrl : webSocketUrl;
    const { fleet, settings, redis, bff } = await fleetAt(mainUrl, pulsar.adminUrl, postgres.url);
    const third = await startThird(settings);
    const place = { HOST: '127.0.0.1', PORT_BASE: Number(settings.PORT_BASE) };
    const urls = forServices((name) => localUrls(place, name, REPLICAS + (THREE.includes(name) ? 1 : 0)));
    const suites = values.suite ?? SUITES;
    await counted(
      'black-box tests',
      // They share the services, and some compare all that there is before and after.
      ['infra/testing/run-suites.ts', '--one-by-one', ...suites],
      fleetEnvironment({ urls, settings }),
    );
    if (values.suite === undefined) {
      await counted('scenarios', ['sagas/scenarios/main.ts', 'all'], { BFF_URL: bff, ...redis });
      await counted('collection', ['postman/run.ts'], { BFF_URL: bff });
    }
    for (const one of [...third, fleet]) one.kill('SIGTERM');
    const { code } = await fleet.exit;
    for (const one of third) check('a replica beside it drains and ends with 0', (await one.exit).code === 0);
    check('it drains on SIGTERM and ends with 0', code === 0, `ended with ${code}: ${fleet.stderr()}`);
    const undrained = await leftOver(run, 1_000);
    check('and leaves no process behind', undrained.length === 0, undrained.join('; '));

    const other = await fleetAt(webSocketUrl, pulsar.adminUrl, postgres.url);
    await counted('scenarios, WebSocket', ['sagas/scenarios/main.ts', 'all'], {
      BFF_URL: other.bff,
      ...other.redis,
    });
    other.fleet.kill('SIGKILL');
    await other.fleet.exit;
    const orphans = await leftOver(run, GONE_MS);
    check('when it is killed, its services notice and end', orphans.length === 0, orphans.join('; '));
  } finally {
    killMarked(run);
    await postgres.stop();
    await pulsar.stop();
  }
};

const began = performance.now();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    killMarked(run);
    killLeftovers();
    process.exit(1);
  });
await main().catch((error: Error) => check('the run came to its end', false, error.stack));
killLeftovers();
say(`\n${((performance.now() - began) / 1000).toFixed(0)} s`);
say(`${tally.passed} passed, ${tally.failed} failed`);
process.exit(tally.failed === 0 ? 0 : 1);
