import { type ExpirySweep, expirySweep } from '@cordada/consolidador/expiry-sweep.ts';
import type { Item } from '@cordada/consolidador/items.ts';
import type { ItemView } from '@cordada/consultas/item.ts';
import type { BusMessage } from '@cordada/infra/bus/bus.ts';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import type { MemoryConnection } from '@cordada/infra/bus/memory.ts';
import { unavailable } from '@cordada/infra/http/errors.ts';
import { type Consumer, consume } from '@cordada/infra/messaging/consumer.ts';
import { retryHeldMessage, skipHeldMessage } from '@cordada/infra/messaging/held-messages.ts';
import { createLease, type Lease } from '@cordada/infra/messaging/lease.ts';
import {
  MemoryDatabase,
  MemoryFault,
  type MemoryTransaction,
  memoryStore,
} from '@cordada/infra/messaging/memory-store.ts';
import type { MessagingMetrics } from '@cordada/infra/messaging/metrics.ts';
import { type ParticipantOptions, participant } from '@cordada/infra/messaging/participant.ts';
import type { BatchHandler } from '@cordada/infra/messaging/pipeline.ts';
import { createRelay, type Relay } from '@cordada/infra/messaging/relay.ts';
import type { HeldMessage, OutboxRow } from '@cordada/infra/messaging/store.ts';
import { unitOfWork } from '@cordada/infra/messaging/unit-of-work.ts';
import type { AnyContract } from '@cordada/infra/messaging/wire.ts';
import type { Incarnation, VirtualTime } from '@cordada/infra/testing/virtual-time.ts';
import { campaignSaga } from '@cordada/sagas/campaign.saga.ts';
import { compraSaga } from '@cordada/sagas/compra.saga.ts';
import { type Coordinator, coordinator } from '@cordada/sagas/engine/coordinator.ts';
import { isEnded } from '@cordada/sagas/engine/instance.ts';
import { memorySagaStore, sagaLogTable, sagaTable } from '@cordada/sagas/engine/memory-store.ts';
import { entityId } from '@cordada/sagas/engine/turn.ts';
import { contractNamed, contracts } from '@cordada/schemas';
import { type Bought, ItemHistory } from './bought.ts';
import { BusRecord } from './bus-record.ts';
import { type Desk, runToRest, unfinishedOf } from './caretaker.ts';
import { type MemoryConsultas, memoryConsultas } from './memory-consultas.ts';
import {
  clienteTable,
  compraTable,
  existenciaTable,
  findItem,
  itemTable,
  lineaTable,
  memoryCompras,
  memoryConsolidador,
  memoryOrdenes,
  memoryReservations,
  movimientoTable,
  operationTable,
  ordenTable,
  reservaTable,
  ship,
  viewOf,
} from './memory-purchases.ts';
import {
  campaignTable,
  eventoTable,
  memoryCampaign,
  memoryPartner,
  memoryTracking,
  partnerTable,
  suspendedTable,
  trackingOffTable,
} from './memory-services.ts';
import { shopByBus } from './memory-shop.ts';
import { groupedBySaga, type Handled, type Observation } from './observation.ts';
import { type Boot, type Replica, superviseProcesses } from './processes.ts';
import type { Pace, PurchaseDriver, Purchases, Shown } from './purchases.ts';
import {
  type CoordinatorName,
  isCoordinator,
  isKeeper,
  type Keeper,
  type ServiceName,
  type System,
  subscriptions,
  systems,
} from './systems.ts';
import { type Climate, drawTroubles } from './troubles.ts';
import { carryOut, drawPlan, STRANGER } from './workload.ts';

/** A process costs next to nothing here, and so does an idle hour. */
const climate: Climate = {
  lifetimes: [40, 300],
  outages: [0, 0, 0.2],
  replicas: [1, 1, 2, 3],
  absenceMs: { campaign: 2 * 3_600_000, compra: 15 * 60_000 },
};
const pace: Pace = { ttlsMs: [2_000, 2_000, 10_000, 900_000], mostReads: 25 };
/** How often one replica does not hear the other, and how late it hears it otherwise, in milliseconds. */
const UNHEARD = 0.1;
const HEARD_WITHIN_MS = 10;
/** How long the server lets a transaction be idle before it ends it, in milliseconds. */
const IDLE_TRANSACTION_MS = 2_000;

const handledTable = (tx: MemoryTransaction) => tx.table<Handled>('handled');

const silentMetrics: MessagingMetrics = {
  batch: () => {},
  retried: () => {},
  held: () => {},
  parked: () => {},
  published: () => {},
};

/** What runs in the present life of a replica. */
interface Running {
  readonly database: MemoryDatabase;
  readonly relay: Relay;
  readonly lease: Lease | undefined;
  readonly consumer: Consumer;
  readonly coordinator: Coordinator<MemoryTransaction> | undefined;
  readonly sweep: ExpirySweep | undefined;
}

/**
 * The engine, the pipeline and the bus as they are, over memory stores, with the services' own handlers. One seed
 * decides what is asked of the fleet and what befalls it; after the troubles all faults end, operators see to what is
 * parked or held, and what is left is observed.
 */
export const runEngineSeed = async (world: VirtualTime, only?: System): Promise<Observation> => {
  const plan = drawPlan(world, pace, only);
  const { purchases } = plan;
  const services = plan.systems
    .flatMap((system): readonly ServiceName[] => systems[system])
    .filter((name): name is Exclude<ServiceName, 'admin-productos'> => name !== 'admin-productos'); // it only passes commands on: the client does that
  const keepers: readonly Keeper[] = services.filter((name) => isKeeper(name));
  const began = world.runtime.now();
  const history = new ItemHistory();
  const troubles = drawTroubles(world, plan, climate);
  const { bus } = troubles;
  const record = new BusRecord();
  const alerts = new Map<string, number>();
  const running = new Map<Replica, Running>();
  const clients = new Map<Replica, MemoryDatabase>();
  const desks = new Map<Replica, MemoryConsultas & { readonly life: string }>();
  /** Nothing happens any more: what is left is read past the I/O gate. */
  let over = false;

  const databases: Readonly<Record<Keeper, MemoryDatabase>> = {
    campaign: new MemoryDatabase(),
    partner: new MemoryDatabase(),
    tracking: new MemoryDatabase(),
    'gestor-compra': new MemoryDatabase(),
    consolidador: new MemoryDatabase(),
    'admin-productos': new MemoryDatabase(),
    ordenes: new MemoryDatabase(),
  };
  const read = <R>(name: Keeper, look: (tx: MemoryTransaction) => R): Promise<R> =>
    databases[name].transaction(async (tx) => look(tx));
  const noteItems = (): Promise<void> =>
    read('consolidador', (tx) => history.note(world.runtime.now() - began, itemTable(tx).values()));
  /** A service's database as one life of a replica reaches it. */
  const clientOf = (replica: Replica, name: Keeper, life: Incarnation): MemoryDatabase =>
    new MemoryDatabase(async (point) => {
      if (over) return;
      if (point === 'answer' && name === 'consolidador') await noteItems();
      await life.io(`db ${point}`, () => {
        if (processes.meet(replica) === 'fault') throw new MemoryFault('08006', 'the database is away');
      });
    }, databases[name]);

  /** Tells the other replicas of a service, as far as they hear it. */
  const tellOthers = (from: Replica, tell: (other: Running) => void): void => {
    for (const [replica, other] of running)
      if (replica.service === from.service && replica !== from && !troubles.chance.chance(UNHEARD))
        world.schedule(`${replica.name} hears`, troubles.chance.below(HEARD_WITHIN_MS), () => {
          if (running.get(replica) === other) tell(other);
        });
  };

  /** Fails a few times, for some of the messages, before it handles them. */
  const poisoned = (
    handler: BatchHandler<MemoryTransaction>,
    subscription: string,
  ): BatchHandler<MemoryTransaction> => ({
    answersFaults: handler.answersFaults,
    async handle(tx, batch, now) {
      if (troubles.poisons()) throw new Error('poisoned for now');
      const outcome = await handler.handle(tx, batch, now);
      for (const { envelope } of batch)
        if (envelope.source !== STRANGER)
          handledTable(tx).set(String(tx.nextNumber('handled')), {
            subscription,
            contract: envelope.contract,
            key: envelope.correlationId,
            message: envelope.id,
          });
      return outcome;
    },
  });

  /** Asks a replica of consolidador for an item, as consultas does. */
  const findAt = async (called: string): Promise<ItemView | undefined> => {
    let answer: { readonly item: Item | undefined } | undefined;
    await processes.ask('consolidador', (replica) =>
      running.get(replica)?.database.transaction(async (tx) => {
        answer = { item: findItem(tx, called) };
      }),
    );
    if (!answer) throw unavailable('consolidador is away');
    return answer.item && viewOf(answer.item);
  };

  const boot: Boot = async (replica, life) => {
    const { runtime } = life;
    const { service: name } = replica;
    const connection: MemoryConnection = bus.connect();
    life.onCrash(() => {
      running.delete(replica);
      desks.delete(replica);
      connection.sever();
    });
    if (!isKeeper(name)) {
      const desk = await memoryConsultas(connection, life, purchases as Purchases, findAt);
      if (life.alive) desks.set(replica, { ...desk, life: life.name });
      return;
    }
    const database = clientOf(replica, name, life);
    clients.set(replica, database);
    life.onCrash(() => database.abort());
    // What is answered to a frozen process waits for it.
    const own = {
      ...connection,
      publish: (messages: readonly BusMessage[]) => life.call(() => connection.publish(messages)),
    };
    const log = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error(fields: object, text: string) {
        const { saga } = fields as { saga?: string };
        if (saga && text.startsWith('saga parked')) alerts.set(saga, (alerts.get(saga) ?? 0) + 1);
      },
    };
    const store = memoryStore(database);
    const subscription = subscriptions[name];
    const lease =
      troubles.replicas > 1 ? createLease({ store, runtime, log, settings: troubles.lease }) : undefined;
    const relay = createRelay({
      store,
      bus: record.on(own),
      service: name,
      runtime,
      log,
      metrics: silentMetrics,
      ...(lease && {
        replicas: {
          lease,
          written: () => tellOthers(replica, (other) => other.relay.wake()),
          released: () => tellOthers(replica, (other) => other.lease?.look()),
        },
      }),
    });
    const uow = unitOfWork({ store, relay, runtime, log });
    const options = { store, subscription, contracts, log };
    let handler: BatchHandler<MemoryTransaction>;
    let sagas: Coordinator<MemoryTransaction> | undefined;
    let sweep: ExpirySweep | undefined;
    if (isCoordinator(name)) {
      sagas = coordinator<MemoryTransaction>({
        definitions: [name === 'campaign' ? campaignSaga : compraSaga],
        store: memorySagaStore(database),
        ...(name === 'campaign'
          ? { local: memoryCampaign }
          : { local: { reactions: [], load: async () => ({}), write: () => {} }, project: memoryCompras }),
        uow,
        bus: connection,
        subscription,
        service: name,
        runtime,
        log,
        metrics: { step: () => {}, ended: () => {}, parked: () => {} },
        asked: store,
      });
      handler = sagas;
      // As a supervisor does: a service whose database is away when it starts is started again.
      await sagas.start().catch(() => processes.crash(replica));
    } else {
      handler = participantOf(name, options, purchases);
      if (name === 'consolidador' && purchases) {
        const reservations = memoryReservations((look) => database.transaction(async (tx) => look(tx)));
        sweep = expirySweep({ reservations, unitOfWork: uow, runtime, log, ttlMs: purchases.ttlMs });
      }
    }
    if (!life.alive) return;
    relay.start();
    const topics = manifest.subscriptions.get(subscription)?.topics ?? [];
    const consumer = await consume({
      store,
      unitOfWork: uow,
      bus: connection,
      runtime,
      subscription,
      contracts: topics.map(
        (topic) => contractNamed(manifest.topics.get(topic)?.contract ?? '') as AnyContract,
      ),
      handler: poisoned(handler, subscription),
      log,
      metrics: silentMetrics,
    });
    sweep?.start();
    running.set(replica, { database, relay, lease, consumer, coordinator: sagas, sweep });
  };
  const processes = superviseProcesses(world, troubles, services, {
    boot,
    async leave(replica) {
      const { relay, consumer, coordinator, sweep } = running.get(replica) ?? {};
      await relay?.drain(5_000);
      await sweep?.close();
      await coordinator?.close();
      await consumer?.close();
    },
    frozen(replica) {
      const client = clients.get(replica);
      world.schedule('an idle transaction is ended', IDLE_TRANSACTION_MS, () => client?.endIdle());
    },
  });

  if (purchases) {
    // On this bus a message is durable once all who listen have it: admin-productos, which does not run here, too.
    const { topics = [] } = manifest.subscriptions.get('admin-productos') ?? {};
    await bus.subscribe(
      { topics, subscription: 'admin-productos', mode: 'shared-by-key', maxBatch: 100 },
      async () => {},
    );
  }
  const client = world.incarnation('client');
  const observed = record.on(bus);
  const publish = async (message: BusMessage): Promise<boolean> =>
    (await observed.publish([message]))[0]?.status === 'durable';
  const deshacer = (name: CoordinatorName, saga: string, entidad?: string): Promise<void> =>
    processes.ask(name, (replica) =>
      running
        .get(replica)
        ?.coordinator?.deshacer({ saga, quien: 'sim', motivo: 'sim', ...(entidad && { entidad }) }),
    );
  const shop: PurchaseDriver | undefined = purchases && {
    publish,
    ...shopByBus(purchases, client, publish),
    deshacer: (saga) => deshacer('gestor-compra', saga),
    async setCustomer({ id, activo, limite }) {
      let known = false;
      await processes.ask('ordenes', async (replica) => {
        const { database } = running.get(replica) ?? {};
        await database?.transaction(async (tx) => clienteTable(tx).set(id, { id, activo, limite }));
        known = database !== undefined;
      });
      return known;
    },
    ship: (saga) =>
      processes.ask('ordenes', (replica, { runtime }) =>
        running
          .get(replica)
          ?.database.transaction(async (tx) => ship(tx, entityId(saga, 'orden', 0), new Date(runtime.now()))),
      ),
    async read(read) {
      const asked = world.runtime.now() - began;
      let shown: Shown | undefined;
      await processes.ask('consultas', async (replica) => {
        const desk = desks.get(replica);
        const answer = await desk?.read(read);
        if (!desk || !answer) return;
        const { id, version, quantity, reserved } = answer;
        const at = world.runtime.now() - began;
        shown = {
          replica: desk.life,
          asked,
          at,
          ttlMs: purchases.cacheMs[read.view],
          id,
          version,
          quantity,
          reserved,
        };
      });
      return shown;
    },
  };
  const work = carryOut(plan, world, client, {
    publish,
    ...(shop && { shop }),
    deshacer: (saga, entidad) => deshacer('campaign', saga, entidad),
    setRule: (rule, id, refuses) => {
      const name = rule === 'suspension' ? 'partner' : 'tracking';
      return processes.ask(name, (replica) =>
        running.get(replica)?.database.transaction(async (tx) => {
          const table = rule === 'suspension' ? suspendedTable(tx) : trackingOffTable(tx);
          if (refuses) (table as { set(key: string, row: unknown): void }).set(id, 'sim');
          else table.delete(id);
        }),
      );
    },
  });

  const coordinators = keepers.filter(isCoordinator);
  const desk: Desk = {
    async unfinished() {
      const all = [];
      for (const name of coordinators) all.push(...(await read(name, (tx) => [...sagaTable(tx).values()])));
      return all.filter(({ status }) => !isEnded(status)).map(unfinishedOf);
    },
    left: (name) =>
      read(name, (tx) => ({
        unpublished: tx.table('outbox').size,
        held: [...tx.table<HeldMessage>('held_message').values()],
      })),
    verb: ({ id: saga, tipo, paso }, verb) =>
      processes.ask(tipo === 'campaign' ? 'campaign' : 'gestor-compra', (replica) =>
        running.get(replica)?.coordinator?.verb({ saga, verb, paso, quien: 'sim', motivo: 'sim' }),
      ),
    heldVerb: (name, id, verb) =>
      processes.ask(name, (replica, { runtime }) => {
        const client = running.get(replica)?.database;
        if (!client) return undefined;
        const act = verb === 'reintentar' ? retryHeldMessage : skipHeldMessage;
        const now = new Date(runtime.now());
        return act(memoryStore(client), { id, who: 'sim', reason: 'sim' }, now);
      }),
  };

  const heldInVain = await runToRest(world, { plan, troubles, processes, desk, done: work.done });
  over = true;
  for (const client of clients.values()) client.abort();

  const sagas = [];
  const rows = [];
  for (const name of coordinators) {
    sagas.push(...(await read(name, (tx) => [...sagaTable(tx).values()])));
    rows.push(...(await read(name, (tx) => [...sagaLogTable(tx).values()])));
  }
  const left = await Promise.all(
    keepers.map((name) =>
      read(name, (tx) => ({
        handled: [...handledTable(tx).values()],
        outbox: [...tx.table<OutboxRow>('outbox').values()].map(({ topic, key }) => ({
          service: name,
          topic,
          key,
        })),
        held: [...tx.table<HeldMessage>('held_message').values()].map(({ topic, cause }) => ({
          service: name,
          topic,
          cause,
        })),
      })),
    ),
  );
  const bought: Bought | undefined =
    purchases && work.asked
      ? {
          plan: purchases,
          asked: work.asked,
          began,
          ended: world.runtime.now(),
          history: history.rows,
          compras: await read('gestor-compra', (tx) => [...compraTable(tx).values()]),
          ...(await read('consolidador', (tx) => ({
            items: [...itemTable(tx).values()],
            existencias: [...existenciaTable(tx).values()],
            reservas: [...reservaTable(tx).values()],
            movimientos: [...movimientoTable(tx).values()],
            operations: [...operationTable(tx).values()],
          }))),
          ...(await read('ordenes', (tx) => ({
            ordenes: [...ordenTable(tx).values()],
            lineas: [...lineaTable(tx).values()],
          }))),
        }
      : undefined;
  return {
    sagas,
    log: groupedBySaga(rows.sort((a, b) => a.n - b.n)),
    campaigns: await read('campaign', (tx) => [...campaignTable(tx).values()]),
    partners: await read('partner', (tx) => [...partnerTable(tx).values()]),
    eventos: await read('tracking', (tx) => [...eventoTable(tx).values()]),
    bought,
    handled: left.flatMap(({ handled }) => handled),
    outbox: left.flatMap(({ outbox }) => outbox),
    held: left.flatMap(({ held }) => held),
    acknowledged: [...work.acknowledged, ...(work.asked?.acknowledged ?? [])],
    published: record.published,
    onlyCoordinatorFailed: troubles.onlyCoordinator,
    alerts,
    heldInVain,
    unexpected: [],
  };
};

const participantOf = (
  name: Keeper,
  options: ParticipantOptions<MemoryTransaction>,
  purchases: Purchases | undefined,
): BatchHandler<MemoryTransaction> => {
  switch (name) {
    case 'partner':
      return participant(memoryPartner, options);
    case 'tracking':
      return participant(memoryTracking, options);
    case 'consolidador':
      return participant(memoryConsolidador(purchases?.ttlMs ?? 0), options);
    case 'ordenes':
      return participant(memoryOrdenes, options);
    default:
      throw new Error(`${name} is no participant at this level`);
  }
};
