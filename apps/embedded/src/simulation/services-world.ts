import { build as buildCampaign } from '@cordada/campaign/service.ts';
import type { Bus } from '@cordada/infra/bus/bus.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import { createServiceTokens } from '@cordada/infra/http/service-token.ts';
import type { Service, ServiceDeps } from '@cordada/infra/service/service.ts';
import { createLogger, type Logger } from '@cordada/infra/telemetry/logger.ts';
import { createRegistry } from '@cordada/infra/telemetry/metrics.ts';
import type { Incarnation, VirtualTime } from '@cordada/infra/testing/virtual-time.ts';
import { build as buildPartner } from '@cordada/partner/service.ts';
import { campaignSaga } from '@cordada/sagas/campaign.saga.ts';
import { entityId } from '@cordada/sagas/engine/turn.ts';
import { build as buildTracking } from '@cordada/tracking/service.ts';
import { BusRecord } from './bus-record.ts';
import { type Desk, runToRest, unfinishedOf } from './caretaker.ts';
import { emptyDatabases } from './embedded-databases.ts';
import { groupedBySaga, type Observation } from './observation.ts';
import { type Boot, type Replica, type ServiceName, services, superviseProcesses } from './processes.ts';
import { SessionQueue, simulateDatabase } from './simulated-database.ts';
import {
  handledByCoordinator,
  readCampaigns,
  readEventos,
  readHandled,
  readHeld,
  readLog,
  readOutbox,
  readPartners,
  readSagas,
  readUnfinished,
} from './sql-observation.ts';
import { type Climate, drawTroubles } from './troubles.ts';
import { carryOut, drawPlan } from './workload.ts';

/** Sagas are few here, so more of the crashes last until compensations are given up. */
const climate: Climate = { lifetimes: [30, 200], outages: [0, 0, 0.4], replicas: [1, 1, 1, 2] };
/** How often a replica does not hear what another one notifies, and how late it hears it otherwise (ms). */
const UNHEARD = 0.1;
const HEARD_WITHIN_MS = 10;

const build: Readonly<Record<ServiceName, (deps: ServiceDeps) => Promise<Service>>> = {
  campaign: buildCampaign,
  partner: buildPartner,
  tracking: buildTracking,
};

const settings = readSettings({});
const SECRET = 'a secret of the simulation, long enough to sign';

/** Statements that handlers begin with, each in a transaction that has looked for held keys. */
const HANDLING = new Set(['messaging.claims', 'saga_lock']);
const LOOK_FOR_HELD = 'messaging.lock-held-keys';

/** Done, refused as things stand (404, 409), or away for now: nothing that is asked here deserves anything else. */
const EXPECTED = new Set([200, 202, 404, 409, 503]);

/** What is asked of a service over HTTP, as the BFF asks it. */
interface Request {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly body?: object;
}

/**
 * The real services on their SQL, over the memory bus: as `runEngineSeed`, with the same plan, troubles, operators and
 * observation. The services of a process share one PGlite, as in the product, and its only session.
 */
export const runServicesSeed = async (world: VirtualTime): Promise<Observation> => {
  const databases = await emptyDatabases();
  const plan = drawPlan(world);
  const troubles = drawTroubles(world, plan, climate);
  const session = new SessionQueue();
  const running = new Map<Replica, Service>();
  /** Who listens for what replicas of its service notify. */
  const hearing = new Map<Incarnation, { readonly service: ServiceName; told(payload: string): void }>();
  const record = new BusRecord();
  const alerts = new Map<string, number>();
  const unexpected: string[] = [];
  const aborts = new Set<() => void>();

  /** Counts the alerts among what is logged. */
  const loggerOf = (name: ServiceName, life: Incarnation): Logger =>
    createLogger({
      name,
      level: 'error',
      readable: false,
      now: () => life.runtime.now(),
      destination: {
        write(line) {
          const { saga, msg } = JSON.parse(line) as { saga?: string; msg: string };
          if (saga && msg.startsWith('saga parked')) alerts.set(saga, (alerts.get(saga) ?? 0) + 1);
        },
      },
    });

  const reach = (real: ServiceDatabase, life: Incarnation, replica?: Replica) =>
    simulateDatabase(real, session, life, {
      meet: () => (replica ? processes.meet(replica) : undefined),
      refuses: (statement, before) =>
        replica !== undefined && HANDLING.has(statement) && before.has(LOOK_FOR_HELD) && troubles.poisons(),
      runs: (statements) => world.log(`${life.name} runs ${statements.join(' ')}`),
      notifies(payload) {
        for (const [other, { service, told }] of hearing)
          if (service === replica?.service && !troubles.chance.chance(UNHEARD))
            world.schedule(`${other.name} hears`, troubles.chance.below(HEARD_WITHIN_MS), () => {
              if (other.alive) told(payload);
            });
      },
    });

  /** What makes a database one that replicas share. */
  const shared = (service: ServiceName, life: Incarnation): Pick<ServiceDatabase, 'listen'> => ({
    async listen({ told }) {
      hearing.set(life, { service, told });
      return { sender: life.name, close: async () => void hearing.delete(life) };
    },
  });

  const boot: Boot = async (replica, life) => {
    const { service: name } = replica;
    const connection = troubles.bus.connect();
    const { database: own, abort } = reach(databases[name], life, replica);
    const database = troubles.replicas > 1 ? { ...own, ...shared(name, life) } : own;
    aborts.add(abort);
    life.onCrash(() => {
      running.delete(replica);
      hearing.delete(life);
      connection.sever();
      abort();
      aborts.delete(abort);
    });
    const { runtime } = life;
    const service = await life.io('build', async () => {
      const built = await build[name]({
        runtime,
        bus: record.on<Bus>(connection),
        database,
        log: loggerOf(name, life),
        registry: createRegistry(name),
        security: { auth: 'demo', apiKeys: [], tokens: createServiceTokens(SECRET, runtime) },
        settings,
      });
      await built.app.ready();
      return built;
    });
    // As a supervisor does: a service whose database is away when it starts is started again.
    await service.start().then(
      () => life.alive && running.set(replica, service),
      () => life.alive && processes.crash(replica),
    );
  };
  const processes = superviseProcesses(world, troubles, { boot });

  const tokens = createServiceTokens(SECRET, world.runtime);
  const ask = (name: ServiceName, { method, url, body }: Request): Promise<void> =>
    processes.ask(name, async (replica) => {
      const answer = await running.get(replica)?.app.inject({
        method,
        url,
        headers: { authorization: `Bearer ${tokens.sign('bff', name)}` },
        ...(body && { payload: { quien: 'sim', ...body } }),
      });
      world.log(`${name} answers ${method} ${url}: ${answer?.statusCode}`);
      if (answer && !EXPECTED.has(answer.statusCode))
        unexpected.push(`${method} ${url}: ${answer.statusCode} ${answer.body}`);
    });

  const client = world.incarnation('client');
  const bus = record.on<Bus>(troubles.bus);
  const work = carryOut(plan, world, client, {
    publish: async (message) => (await bus.publish([message]))[0]?.status === 'durable',
    deshacer: (saga, entidad = entityId(saga, 'campaign', 0)) =>
      ask('campaign', {
        method: 'POST',
        url: `/sagas/${campaignSaga.tipo}/${saga}/deshacer`,
        body: { entidad, motivo: 'sim' },
      }),
    setRule: (rule, id, refuses) =>
      rule === 'suspension'
        ? ask('partner', {
            method: 'PUT',
            url: `/participantes/${id}/suspension`,
            body: { suspendido: refuses, motivo: 'sim' },
          })
        : ask('tracking', { method: 'PUT', url: `/marcas/${id}/tracking`, body: { activo: !refuses } }),
    cancel: (what, id) =>
      what === 'partner'
        ? ask('partner', { method: 'DELETE', url: `/partners/${id}` })
        : ask('tracking', { method: 'DELETE', url: `/eventos/${id}` }),
  });

  const operators = world.incarnation('operators');
  const seen = {
    campaign: reach(databases.campaign, operators).database,
    partner: reach(databases.partner, operators).database,
    tracking: reach(databases.tracking, operators).database,
  };
  const desk: Desk = {
    unfinished: async () => (await readUnfinished(seen.campaign)).map(unfinishedOf),
    left: async (name) => ({
      unpublished: (await readOutbox(seen[name])).length,
      held: await readHeld(seen[name]),
    }),
    verb: (saga, paso, verb) =>
      ask('campaign', {
        method: 'POST',
        url: `/sagas/${campaignSaga.tipo}/${saga}/pasos/${paso}/${verb}`,
        body: { motivo: 'sim' },
      }),
    heldVerb: (name, id, verb) =>
      ask(name, { method: 'POST', url: `/mensajes-retenidos/${id}/${verb}`, body: { motivo: 'sim' } }),
  };

  const heldInVain = await runToRest(world, { plan, troubles, processes, desk, done: work.done });
  // The run is over: what a process still has open is rolled back, and what is left is read past the simulation.
  for (const abort of aborts) abort();
  const log = await readLog(databases.campaign);
  const left = [];
  for (const service of services) {
    const outbox = await readOutbox(databases[service]);
    const held = await readHeld(databases[service]);
    left.push({
      outbox: outbox.map((row) => ({ service, ...row })),
      held: held.map(({ topic, cause }) => ({ service, topic, cause })),
    });
  }
  return {
    sagas: await readSagas(databases.campaign),
    log: groupedBySaga(log),
    campaigns: await readCampaigns(databases.campaign),
    partners: await readPartners(databases.partner),
    eventos: await readEventos(databases.tracking),
    handled: [
      ...handledByCoordinator(log),
      ...(await readHandled('partner', databases.partner, record.sent)),
      ...(await readHandled('tracking', databases.tracking, record.sent)),
    ],
    outbox: left.flatMap(({ outbox }) => outbox),
    held: left.flatMap(({ held }) => held),
    acknowledged: work.acknowledged,
    published: record.published,
    onlyCoordinatorFailed: troubles.onlyCoordinator,
    alerts,
    heldInVain,
    unexpected,
  };
};
