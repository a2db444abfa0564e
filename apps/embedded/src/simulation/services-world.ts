import { build as buildAdmin } from '@cordada/admin-productos/service.ts';
import { build as buildCampaign } from '@cordada/campaign/service.ts';
import type { Item } from '@cordada/consolidador/items.ts';
import { build as buildConsolidador } from '@cordada/consolidador/service.ts';
import { buildBefore as buildConsultas } from '@cordada/consultas/service.ts';
import { build as buildGestor } from '@cordada/gestor-compra/service.ts';
import type { Bus, BusMessage } from '@cordada/infra/bus/bus.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import { unavailable } from '@cordada/infra/http/errors.ts';
import { parseJson } from '@cordada/infra/http/json-text.ts';
import type { ServiceClient } from '@cordada/infra/http/service-client.ts';
import { createServiceTokens } from '@cordada/infra/http/service-token.ts';
import type { Service, ServiceDeps } from '@cordada/infra/service/service.ts';
import { createLogger, type Logger } from '@cordada/infra/telemetry/logger.ts';
import { createRegistry } from '@cordada/infra/telemetry/metrics.ts';
import type { Incarnation, VirtualTime } from '@cordada/infra/testing/virtual-time.ts';
import { maySay } from '@cordada/ordenes/orden.ts';
import { build as buildOrdenes } from '@cordada/ordenes/service.ts';
import { lockOrdenes, updateOrdenes } from '@cordada/ordenes/store.ts';
import { build as buildPartner } from '@cordada/partner/service.ts';
import { entityId } from '@cordada/sagas/engine/turn.ts';
import { build as buildTracking } from '@cordada/tracking/service.ts';
import { type Bought, ItemHistory } from './bought.ts';
import { BusRecord } from './bus-record.ts';
import { type Desk, runToRest, unfinishedOf } from './caretaker.ts';
import type { Tipo } from './definitions.ts';
import { type Databases, emptyDatabases } from './embedded-databases.ts';
import { groupedBySaga, type Observation } from './observation.ts';
import { type Boot, type Replica, superviseProcesses } from './processes.ts';
import type { Pace } from './purchases.ts';
import { type Answer, type Ask, shopByHttp } from './shop.ts';
import { SessionQueue, simulateDatabase } from './simulated-database.ts';
import { readBought, readItems } from './sql-bought.ts';
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
import {
  type CoordinatorName,
  isCoordinator,
  isKeeper,
  type Keeper,
  type ServiceName,
  type System,
  systems,
} from './systems.ts';
import { type Climate, drawTroubles } from './troubles.ts';
import { carryOut, drawPlan } from './workload.ts';

/** Sagas are few here, so more of the crashes last until compensations are given up. */
const climate: Climate = {
  lifetimes: [30, 200],
  outages: [0, 0, 0.4],
  replicas: [1, 1, 1, 2],
  absenceMs: { campaign: 2 * 3_600_000, compra: 10 * 60_000 },
};
/** Consolidador looks for what has run out once a second at the most, each look a flight or two. */
const pace: Pace = { ttlsMs: [10_000, 10_000, 900_000], mostReads: 10 };
/** How often a replica does not hear what another one notifies, and how late it hears it otherwise (ms). */
const UNHEARD = 0.1;
const HEARD_WITHIN_MS = 10;

const build: Readonly<Record<Keeper, (deps: ServiceDeps) => Promise<Service>>> = {
  campaign: buildCampaign,
  partner: buildPartner,
  tracking: buildTracking,
  'gestor-compra': buildGestor,
  consolidador: buildConsolidador,
  'admin-productos': buildAdmin,
  ordenes: buildOrdenes,
};
const tipoOwner: Readonly<Record<Tipo, CoordinatorName>> = { campaign: 'campaign', compra: 'gestor-compra' };

const SECRET = 'a secret of the simulation, long enough to sign';

/** Statements that handlers begin with, each in a transaction that has looked for held keys. */
const HANDLING = new Set(['messaging.claims', 'saga_lock']);
const LOOK_FOR_HELD = 'messaging.lock-held-keys';

/** Done, refused as things stand (404, 409), or away for now: nothing that is asked here deserves anything else. */
const EXPECTED = new Set([200, 202, 404, 409, 503]);

/** Statements by which an item becomes another version. */
const ITEM_WRITES = new Set(['item_insert', 'item_describe', 'item_update']);

/**
 * The real services on their SQL, over the memory bus: as `runEngineSeed`, with the same plan, troubles, operators and
 * observation. The services of a process share one PGlite, as in the product, and its only session.
 */
export const runServicesSeed = async (world: VirtualTime, only?: System): Promise<Observation> => {
  const plan = drawPlan(world, pace, only);
  const { purchases } = plan;
  const services = plan.systems.flatMap((system): readonly ServiceName[] => systems[system]);
  const keepers = services.filter(isKeeper);
  const began = world.runtime.now();
  const history = new ItemHistory();
  const databases = observed(await emptyDatabases(services), (items) =>
    history.note(world.runtime.now() - began, items),
  );
  const settings = readSettings(
    purchases
      ? {
          RESERVA_TTL_MS: String(purchases.ttlMs),
          CACHE_TTL_MS: String(purchases.cacheMs.item),
          CACHE_STOCK_TTL_MS: String(purchases.cacheMs.stock),
        }
      : {},
  );
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

  /** How consultas reaches consolidador: one try at one replica, and 503 where that is away. */
  const consolidadorFor = (life: Incarnation): Pick<ServiceClient, 'call' | 'find'> => {
    const get = async (path: readonly string[], query: object = {}): Promise<Answer> => {
      const search = new URLSearchParams(
        Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]),
      );
      const url = `/${path.map(encodeURIComponent).join('/')}?${search}`;
      const answer = await life.call(() => ask('consolidador', { method: 'GET', url }, 'consultas'));
      if (!answer || answer.status >= 500) throw unavailable('consolidador is away');
      return answer;
    };
    return {
      async call<Body>({ path, query }: { path: readonly string[]; query?: object }) {
        return parseJson((await get(path, query)).text) as Body;
      },
      async find<Body>({ path }: { path: readonly string[] }) {
        const { status, text } = await get(path);
        return status === 404 ? undefined : (parseJson(text) as Body);
      },
    };
  };

  const boot: Boot = async (replica, life) => {
    const { service: name } = replica;
    const { runtime } = life;
    const connection = troubles.bus.connect();
    life.onCrash(() => {
      running.delete(replica);
      connection.sever();
    });
    const deps = {
      runtime,
      bus: record.on<Bus>(connection),
      log: loggerOf(name, life),
      registry: createRegistry(name),
      security: { auth: 'demo', apiKeys: [], tokens: createServiceTokens(SECRET, runtime) },
      settings,
    } as const;
    const buildWith = (own: ServiceName): Promise<Service> => {
      if (!isKeeper(own)) return buildConsultas(consolidadorFor(life), deps);
      const { database, abort } = reach(databases[own], life, replica);
      aborts.add(abort);
      life.onCrash(() => {
        hearing.delete(life);
        abort();
        aborts.delete(abort);
      });
      return build[own]({
        ...deps,
        database: troubles.replicas > 1 ? { ...database, ...shared(own, life) } : database,
      });
    };
    const service = await life.io('build', async () => {
      const built = await buildWith(name);
      await built.app.ready();
      return built;
    });
    // As a supervisor does: a service whose database is away when it starts is started again.
    await service.start().then(
      () => life.alive && running.set(replica, service),
      () => life.alive && processes.crash(replica),
    );
  };
  const processes = superviseProcesses(world, troubles, services, { boot });

  const tokens = createServiceTokens(SECRET, world.runtime);
  const ask = async (...[name, { method, url, body }, caller = 'bff']: [...Parameters<Ask>, string?]) => {
    let got: Answer | undefined;
    await processes.ask(name, async (replica, life) => {
      const answer = await running.get(replica)?.app.inject({
        method,
        url,
        headers: { authorization: `Bearer ${tokens.sign(caller, name)}` },
        ...(body && { payload: { quien: 'sim', ...body } }),
      });
      world.log(`${name} answers ${method} ${url}: ${answer?.statusCode}`);
      if (!answer) return;
      got = { replica: life.name, status: answer.statusCode, text: answer.body };
      if (!EXPECTED.has(answer.statusCode))
        unexpected.push(`${method} ${url}: ${answer.statusCode} ${answer.body}`);
    });
    return got;
  };

  const client = world.incarnation('client');
  const bus = record.on<Bus>(troubles.bus);
  const publish = async (message: BusMessage): Promise<boolean> =>
    (await bus.publish([message]))[0]?.status === 'durable';
  const work = carryOut(plan, world, client, {
    publish,
    async deshacer(saga, entidad = entityId(saga, 'campaign', 0)) {
      await ask('campaign', {
        method: 'POST',
        url: `/sagas/campaign/${saga}/deshacer`,
        body: { entidad, motivo: 'sim' },
      });
    },
    async setRule(rule, id, refuses) {
      if (rule === 'suspension')
        await ask('partner', {
          method: 'PUT',
          url: `/participantes/${id}/suspension`,
          body: { suspendido: refuses, motivo: 'sim' },
        });
      else
        await ask('tracking', { method: 'PUT', url: `/marcas/${id}/tracking`, body: { activo: !refuses } });
    },
    async cancel(what, id) {
      if (what === 'partner') await ask('partner', { method: 'DELETE', url: `/partners/${id}` });
      else await ask('tracking', { method: 'DELETE', url: `/eventos/${id}` });
    },
    ...(purchases && {
      shop: shopByHttp(ask, world, purchases, {
        publish,
        // What the operario's route does; it ends with a read through Prisma, which the virtual clock does not see.
        ship: (saga) =>
          seen('ordenes').transaction(async (tx) => {
            const [orden] = await lockOrdenes(tx, [entityId(saga, 'orden', 0)]);
            if (orden && maySay(orden, 'IN_TRANSIT'))
              updateOrdenes(tx, [{ ...orden, estado: 'IN_TRANSIT' }], new Date(world.runtime.now()));
          }),
      }),
    }),
  });

  const operators = world.incarnation('operators');
  const reached = new Map<Keeper, ServiceDatabase>();
  /** A service's database, as who stands beside the services reaches it. */
  function seen(name: Keeper): ServiceDatabase {
    const known = reached.get(name) ?? reach(databases[name], operators).database;
    reached.set(name, known);
    return known;
  }
  const coordinators = keepers.filter(isCoordinator);
  const desk: Desk = {
    async unfinished() {
      const all = [];
      for (const name of coordinators) all.push(...(await readUnfinished(seen(name))));
      return all.map(unfinishedOf);
    },
    left: async (name) => ({
      unpublished: (await readOutbox(seen(name))).length,
      held: await readHeld(seen(name)),
    }),
    async verb({ id, tipo, paso }, verb) {
      await ask(tipoOwner[tipo], {
        method: 'POST',
        url: `/sagas/${tipo}/${id}/pasos/${paso}/${verb}`,
        body: { motivo: 'sim' },
      });
    },
    async heldVerb(name, id, verb) {
      await ask(name, { method: 'POST', url: `/mensajes-retenidos/${id}/${verb}`, body: { motivo: 'sim' } });
    },
  };

  const heldInVain = await runToRest(world, { plan, troubles, processes, desk, done: work.done });
  // The run is over: what a process still has open is rolled back, and what is left is read past the simulation.
  for (const abort of aborts) abort();
  const left = [];
  const sagas = [];
  const log = [];
  const handled = [];
  for (const service of keepers) {
    const database = databases[service];
    const outbox = await readOutbox(database);
    const held = await readHeld(database);
    left.push({
      outbox: outbox.map((row) => ({ service, ...row })),
      held: held.map(({ topic, cause }) => ({ service, topic, cause })),
    });
    if (isCoordinator(service)) {
      const rows = await readLog(database);
      sagas.push(...(await readSagas(database)));
      log.push(...rows);
      handled.push(...handledByCoordinator(service, rows));
    } else handled.push(...(await readHandled(service, database, record.sent)));
  }
  const has = plan.systems.includes('campaign');
  const bought: Bought | undefined =
    purchases && work.asked
      ? {
          plan: purchases,
          asked: work.asked,
          began,
          ended: world.runtime.now(),
          history: history.rows,
          ...(await readBought(databases)),
        }
      : undefined;
  return {
    sagas,
    log: groupedBySaga(log),
    campaigns: has ? await readCampaigns(databases.campaign) : [],
    partners: has ? await readPartners(databases.partner) : [],
    eventos: has ? await readEventos(databases.tracking) : [],
    bought,
    handled,
    outbox: left.flatMap(({ outbox }) => outbox),
    held: left.flatMap(({ held }) => held),
    acknowledged: [...work.acknowledged, ...(work.asked?.acknowledged ?? [])],
    published: record.published,
    onlyCoordinatorFailed: troubles.onlyCoordinator,
    alerts,
    heldInVain,
    unexpected,
  };
};

/** Looks at the items after each commit of consolidador that wrote one, before anything else happens. */
const observed = (databases: Databases, note: (items: readonly Item[]) => void): Databases => {
  const { consolidador } = databases;
  return {
    ...databases,
    consolidador: {
      ...consolidador,
      async transaction(work) {
        let wrote = false;
        const result = await consolidador.transaction((tx) =>
          work({
            ...tx,
            query(sql, parameters) {
              wrote ||= ITEM_WRITES.has(sql.name);
              return tx.query(sql, parameters);
            },
          }),
        );
        if (wrote) note(await readItems(consolidador));
        return result;
      },
    },
  };
};
