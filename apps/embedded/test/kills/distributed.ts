/**
 * `npm run kills:distributed`: every service as two processes on a real broker, Postgres and Redis, under load. The broker
 * is away when they start; then all replicas of some services are, dead or deaf; then a replica of each is killed by
 * SIGKILL, one after another, each amid 50 purchases, the broker, Postgres and Redis too; then the broker is away for a
 * minute. What was asked for is known by the client alone; in the end all is read back, and of purchases the books
 * themselves.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ServiceName, serviceNames } from '@cordada/infra/config/services.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { freePortBase } from '@cordada/infra/deploy/free-port.ts';
import { DATABASE_PREFIX, openServicePostgres } from '@cordada/infra/service/service-database.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { startOwnPostgres } from '@cordada/infra/testing/postgres.ts';
import { type OwnTestPulsar, startOwnPulsar } from '@cordada/infra/testing/pulsar.ts';
import { startTestRedis } from '@cordada/infra/testing/redis.ts';
import { seededRandom } from '@cordada/infra/testing/seeded-random.ts';
import { provisionBroker } from '../../src/distributed/servers.ts';
import { type ServiceProcesses, startServiceProcesses } from '../../src/distributed/service-processes.ts';
import { purchaseFaults, withBooks } from './books.ts';
import { askAgain, type Wanted } from './client.ts';
import { load } from './fleet-load.ts';
import { prepare } from './load.ts';
import { askAway, askBack, deadServices, frozenServices, noBroker } from './outages.ts';
import { faultsOf, OTHERS } from './outcome.ts';
import { openShop } from './purchases.ts';
import { send } from './send.ts';

const REPLICAS = 2;
/** How long the load goes on between two kills, in milliseconds. */
const BETWEEN_MS = 1_500;
/** How long a server that was killed is away, when all else has to be whole at once after it. */
const SHORT_ABSENCE_MS = 2_000;
const REDIS = 'Redis';
/** Half of the usual ones: a broker that comes back loads each of them, for half a minute in which little else runs. */
const PULSAR_PARTITIONS = '2';
const BROKER_AWAY_MS = 60_000;
/** What the client waits at most for a start, and for the fleet to have ended or parked every saga after the last kill. */
const START_MS = 180_000;
const SETTLE_MS = 60_000;
/** How much the memory of a BFF may grow while all it is asked waits for a broker, in bytes. */
const GROWTH_LIMIT = 400 * 2 ** 20;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    away: { type: 'string' },
    transport: { type: 'string', default: 'native' },
  },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const awayMs = Number(values.away ?? BROKER_AWAY_MS / 1000) * 1000;
const random = seededRandom(seed);
const runtime = systemRuntime();
const tally = { passed: 0, failed: 0 };
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const began = performance.now();
const seconds = (): string => ((performance.now() - began) / 1000).toFixed(0);
const check = (says: string, faults: readonly string[]): void => {
  say(`${faults.length === 0 ? '✔' : '✘'} ${says} (${seconds()} s)`);
  for (const fault of faults.slice(0, 20)) say(`    ${fault}`);
  if (faults.length === 0) tally.passed += 1;
  else tally.failed += 1;
};

/** Sagas of which a process has written that an operator is needed. */
const alerted = new Set<string>();
const lastLines: string[] = [];
const LINE_CHARACTERS = 400;
const shortened = (line: string): string =>
  line.length > LINE_CHARACTERS ? `${line.slice(0, LINE_CHARACTERS)} …` : line;
const readLine = (who: string, text: string): void => {
  lastLines.push(`${who} ${text}`);
  if (lastLines.length > 400) lastLines.shift();
  if (!text.startsWith('{')) return;
  const { msg, saga } = JSON.parse(text) as { msg?: string; saga?: string };
  if (saga !== undefined && msg?.startsWith('saga parked')) alerted.add(saga);
};

const isReady = async (url: string): Promise<boolean> => {
  try {
    return (await send(`${url}/ready`, {})).status === 200;
  } catch {
    return false; // nothing listens there
  }
};
const until = async (what: string, ms: number, holds: () => Promise<boolean>): Promise<string[]> => {
  const deadline = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > deadline) return [`not within ${ms / 1000} s: ${what}`];
    await wait(200);
  }
  return [];
};
/** Waits for every process; names those that are not ready in time, and what each says of itself. */
const untilAllReady = async (services: ServiceProcesses, when: string): Promise<string[]> => {
  const faults = await until(`all are ready ${when}`, START_MS, async () =>
    (await Promise.all(services.all.map(({ url }) => isReady(url)))).every(Boolean),
  );
  if (faults.length === 0) return [];
  for (const { service, replica, url } of services.all) {
    const said = await send(`${url}/ready`, {}).then(
      async (answer) => `${answer.status} ${await answer.text()}`,
      (error: Error) => error.message,
    );
    faults.push(`${service}-${replica}: ${said}`);
  }
  return faults;
};

const readBack = async (services: ServiceProcesses, wanted: Wanted, database: string): Promise<string[]> => {
  await askAgain(services.urls.bff, wanted, random, SETTLE_MS);
  const { bff, consultas: _, ...behind } = services.urls;
  const faults = await faultsOf(bff[0] ?? '', Object.values(behind).flat(), wanted.asked, {
    patienceMs: SETTLE_MS,
    alerted,
  });
  // What follows the end of a saga, as an order that becomes CONFIRMED, may still be on its way.
  const until = Date.now() + SETTLE_MS;
  return withBooks(
    (service) =>
      openServicePostgres(readSettings({}), {
        url: database,
        prefix: DATABASE_PREFIX,
        service,
        exclusive: 'watching',
      }),
    async (books) => {
      for (;;) {
        const found = await purchaseFaults(books, wanted.bought, wanted.shop, alerted);
        if (found.length === 0 || Date.now() > until) return [...faults, ...found];
        await wait(500);
      }
    },
  );
};

/** No saga has been begun: the broker is not there yet. */
const startWithoutBroker = async (services: ServiceProcesses, pulsar: OwnTestPulsar): Promise<void> => {
  const waiting = await until('/ready says what is missing', START_MS, async () => {
    for (const url of services.all.map((one) => one.url)) {
      try {
        const answer = await send(`${url}/ready`, {});
        const { checks } = (await answer.json()) as { checks: Record<string, string> };
        if (answer.status !== 503 || checks.bus === 'ok' || checks.bus === 'not asked yet') return false;
      } catch {
        return false; // nothing listens there yet
      }
    }
    return true;
  });
  check('with the broker away every service starts, and says in /ready that it waits for it', waiting);
  const starts = services.all.map((one) => one.starts());
  const [bff = ''] = services.urls.bff;
  const answer = await send(`${bff}/registrar-campaign`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  check(
    'a write is then answered 503 with Retry-After',
    answer.status === 503 && answer.headers.get('retry-after') !== null ? [] : [`${answer.status}`],
  );
  await pulsar.restart();
  check('once the broker is there they serve, without having been started again', [
    ...(await untilAllReady(services, 'once there is a broker')),
    ...services.all.flatMap((one, at) =>
      one.starts() === starts[at] ? [] : [`${one.service}-${one.replica} was started ${one.starts()} times`],
    ),
  ]);
};

const killAll = async (
  services: ServiceProcesses,
  wanted: Wanted,
  database: string,
  servers: Record<string, { kill(): Promise<void>; restart(): Promise<void> }>,
): Promise<void> => {
  const { asked, bought } = wanted;
  const loaded = load(services.urls.bff, wanted, random);
  const soFar = (): string =>
    `${asked.length} campaigns and ${bought.length} purchases asked for, ${loaded.accepted()} answers of 202 (${seconds()} s)`;
  const faults: string[] = [];
  const unread: string[] = [];
  // Of each service one replica, now the first, now the second: the other one has to carry on alone.
  const killed = serviceNames.map((name, at) =>
    services.all.find(({ service, replica }) => service === name && replica === at % REPLICAS),
  );
  for (const one of killed) {
    if (one === undefined) continue;
    await wait(BETWEEN_MS);
    await loaded.rush();
    const pid = one.pid();
    if (pid === undefined) faults.push(`${one.service}-${one.replica} does not run`);
    else process.kill(pid, 'SIGKILL');
    say(`· killed ${one.service}-${one.replica}; ${soFar()}`);
    // The next one only once this one is back: at any time one process is missing.
    faults.push(
      ...(await until(`${one.service}-${one.replica} is back`, START_MS, async () => {
        return one.pid() !== pid && (await isReady(one.url));
      })),
    );
  }
  for (const [name, server] of Object.entries(servers)) {
    await wait(BETWEEN_MS);
    await loaded.rush();
    loaded.answers();
    await server.kill();
    say(`· killed ${name}; ${soFar()}`);
    await wait(SHORT_ABSENCE_MS);
    await server.restart();
    faults.push(...(await untilAllReady(services, `after ${name} was killed`)));
    if (name !== REDIS) continue;
    await wait(SHORT_ABSENCE_MS);
    const answers = loaded.answers();
    if (!answers.has('')) unread.push('nobody read any stock');
    unread.push(...[...answers].filter(([told]) => told !== '').map(([told, times]) => `${times} × ${told}`));
  }
  await wait(BETWEEN_MS);
  faults.push(...(await loaded.stop()));
  check(
    `a replica of each of ${killed.length} services, ${Object.keys(servers).join(' and ')} were killed and came back`,
    faults,
  );
  check(`with ${REDIS} away and after whoever read stock was answered all the same`, unread);
  check(
    `within ${SETTLE_MS / 1000} s every saga has ended or is parked with its alert; what was answered 202 is whole or undone, nothing is done or sold twice; stock, reservations and ledger agree, and with purchases and orders`,
    await readBack(services, wanted, database),
  );
  say(`  ${soFar()}`);
};

const pidsOf = (services: ServiceProcesses, names: readonly ServiceName[]): number[] =>
  services.all.filter(({ service }) => names.includes(service)).flatMap((one) => one.pid() ?? []);

/** Both replicas of some services away at once: dead, and then deaf. */
const servicesAway = async (services: ServiceProcesses): Promise<void> => {
  const { bff } = services.urls;
  const dead = await deadServices(bff[0] ?? '');
  for (const pid of pidsOf(services, ['admin-productos', 'gestor-compra', 'consultas']))
    process.kill(pid, 'SIGKILL');
  check('while services are dead their clients are told so, word for word', await askAway(bff, dead));
  check('once they are back what is sent again with its key happens once', [
    ...(await untilAllReady(services, 'after three services died')),
    ...(await askBack(bff, dead)),
  ]);

  const deaf = await frozenServices(bff[0] ?? '');
  const pids = pidsOf(services, ['consolidador', 'ordenes']);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  const faults = await askAway(bff, deaf);
  for (const pid of pids) process.kill(pid, 'SIGCONT');
  check('while services answer nobody what needs them is refused, and what does not is taken', faults);
  check('once they go on it is done, and what is sent again with its key once', await askBack(bff, deaf));
};

const residentBytes = (pid: number | undefined): number =>
  pid === undefined
    ? 0
    : Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;

const brokerAway = async (
  services: ServiceProcesses,
  wanted: Wanted,
  database: string,
  pulsar: OwnTestPulsar,
): Promise<void> => {
  const { asked, bought } = wanted;
  const fronts = services.all.filter(({ service }) => service === 'bff');
  const before = fronts.map((one) => residentBytes(one.pid()));
  const outage = await noBroker(services.urls.bff[0] ?? '');
  await pulsar.kill();
  const told = askAway(services.urls.bff, outage).catch((error: Error) => [error.message]);
  const known = [asked.length, bought.length] as const;
  // The load's own answers: none of them can be durable as long as there is no broker.
  const loaded = load(services.urls.bff, wanted, random);
  const answers = new Map<string, number>();
  const began = Date.now();
  let count = 0;
  while (Date.now() - began < awayMs) {
    count += 1;
    const answer = await send(`${random.pick(services.urls.bff)}/registrar-campaign`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `${randomUUID()}-${count}` },
      body: JSON.stringify({
        nombre: `sin broker ${count}`,
        presupuesto: '1',
        divisa: 'COP',
        marca_id: OTHERS,
        participantes: [],
      }),
    });
    await answer.text();
    const told = `${answer.status}${answer.headers.get('retry-after') === null ? '' : ' with Retry-After'}`;
    answers.set(told, (answers.get(told) ?? 0) + 1);
  }
  const accepted = [...asked.slice(known[0]), ...bought.slice(known[1])].filter(
    ({ fate }) => fate === 'accepted',
  ).length;
  check(
    `without a broker for ${awayMs / 1000} s no write is answered 202, each 503 with Retry-After (${[...answers].map(([told, times]) => `${times} × ${told}`).join(', ')})`,
    [
      ...(accepted === 0 ? [] : [`${accepted} were answered 202`]),
      ...[...answers.keys()].filter((told) => told !== '503 with Retry-After'),
      ...(answers.size === 0 ? ['no write was tried'] : []),
    ],
  );
  check('whoever buys then is told that it may be sent again; what its owner keeps is taken', await told);
  const growth = fronts.map((one, at) => residentBytes(one.pid()) - (before[at] ?? 0));
  check(
    `what waits is bounded: the BFFs grew by ${growth.map((bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`).join(' and ')}`,
    growth.filter((bytes) => bytes > GROWTH_LIMIT).map((bytes) => `${bytes} bytes`),
  );
  await pulsar.restart();
  const faults = await untilAllReady(services, 'after the broker was away');
  await wait(BETWEEN_MS);
  faults.push(...(await loaded.stop()));
  check('once it is back all are ready again', faults);
  check('what was sent then and is sent again happens once', await askBack(services.urls.bff, outage));
  check(
    'the same keys, sent again, have made one saga each, and all has caught up',
    await readBack(services, wanted, database),
  );
};

const main = async (): Promise<void> => {
  const postgres = await startOwnPostgres({ fsync: true });
  const pulsar = await startOwnPulsar({ longLived: true });
  const redis = await startTestRedis();
  if (postgres === undefined || pulsar === undefined || redis === undefined) {
    check('a broker, Postgres and Redis can be started here', process.env.CI ? ['they cannot'] : []);
    await postgres?.stop();
    await pulsar?.stop();
    await redis?.stop();
    return;
  }
  const busUrl = values.transport === 'native' ? pulsar.serviceUrl : pulsar.wsUrl.replace(/^ws/, 'pulsar+ws');
  const bus = { BUS_URL: busUrl, PULSAR_ADMIN_URL: pulsar.adminUrl, PULSAR_PARTITIONS };
  await provisionBroker(readSettings(bus), { busUrl, adminUrl: pulsar.adminUrl }, runtime);
  await pulsar.kill();
  const services = startServiceProcesses({
    host: '127.0.0.1',
    portBase: await freePortBase(REPLICAS),
    replicas: REPLICAS,
    runtime,
    fetch,
    env: {
      ...process.env,
      ...bus,
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      AUTH: 'demo',
      SERVICE_TOKEN_SECRET: randomUUID(),
      RATE_LIMIT: '1000000',
      LOG_LEVEL: 'warn',
      LOG_FORMAT: 'json',
    },
    line: readLine,
  });
  try {
    await startWithoutBroker(services, pulsar);
    const [bff = ''] = services.urls.bff;
    await prepare(bff);
    await servicesAway(services);
    const wanted: Wanted = { asked: [], bought: [], shop: await openShop(bff) };
    await killAll(services, wanted, postgres.url, {
      [REDIS]: redis,
      'the broker': pulsar,
      Postgres: postgres,
    });
    await brokerAway(services, wanted, postgres.url, pulsar);
  } finally {
    if (tally.failed > 0) say(lastLines.slice(-60).map(shortened).join('\n'));
    await services.stop();
    await pulsar.stop();
    await postgres.stop();
    await redis.stop();
  }
};

// As long as something runs: the timers of the product keep no process alive.
const alive = setInterval(() => undefined, 1_000);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
say(`kills, distributed: seed ${seed}`);
await main().catch((error: Error) => check('the run came to its end', [error.stack ?? error.message]));
clearInterval(alive);
if (tally.failed > 0) say(`again: npm run kills:distributed -- --seed ${seed}`);
say(`\n${seconds()} s`);
say(`${tally.passed} passed, ${tally.failed} failed`);
process.exit(tally.failed === 0 ? 0 : 1);
