import type { BusMessage } from '@cordada/infra/bus/bus.ts';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import type { MemoryConnection } from '@cordada/infra/bus/memory.ts';
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
import { participant } from '@cordada/infra/messaging/participant.ts';
import type { BatchHandler } from '@cordada/infra/messaging/pipeline.ts';
import { createRelay, type Relay } from '@cordada/infra/messaging/relay.ts';
import type { HeldMessage, OutboxRow } from '@cordada/infra/messaging/store.ts';
import { unitOfWork } from '@cordada/infra/messaging/unit-of-work.ts';
import type { AnyContract } from '@cordada/infra/messaging/wire.ts';
import type { Incarnation, VirtualTime } from '@cordada/infra/testing/virtual-time.ts';
import { campaignSaga } from '@cordada/sagas/campaign.saga.ts';
import { type Coordinator, coordinator } from '@cordada/sagas/engine/coordinator.ts';
import { isEnded } from '@cordada/sagas/engine/instance.ts';
import { memorySagaStore, sagaLogTable, sagaTable } from '@cordada/sagas/engine/memory-store.ts';
import { contractNamed, contracts } from '@cordada/schemas';
import { BusRecord } from './bus-record.ts';
import { type Desk, runToRest, unfinishedOf } from './caretaker.ts';
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
import { groupedBySaga, type Handled, type Observation } from './observation.ts';
import {
  type Boot,
  type Replica,
  type ServiceName,
  services,
  subscriptions,
  superviseProcesses,
} from './processes.ts';
import { type Climate, drawTroubles } from './troubles.ts';
import { carryOut, drawPlan, STRANGER } from './workload.ts';

/** A process costs next to nothing here, and so does an idle hour. */
const climate: Climate = { lifetimes: [40, 300], outages: [0, 0, 0.2], replicas: [1, 1, 2, 3] };
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
}

/**
 * The engine, the pipeline and the bus as they are, over memory stores, with the services' own handlers. One seed
 * decides what is asked of the fleet and what befalls it; after the troubles all faults end, operators see to what is
 * parked or held, and what is left is observed.
 */
export const runEngineSeed = async (world: VirtualTime): Promise<Observation> => {
  const plan = drawPlan(world);
  const troubles = drawTroubles(world, plan, climate);
  const { bus } = troubles;
  const record = new BusRecord();
  const alerts = new Map<string, number>();
  const running = new Map<Replica, Running>();
  const clients = new Map<Replica, MemoryDatabase>();
  /** Nothing happens any more: what is left is read past the I/O gate. */
  let over = false;

  const databases: Readonly<Record<ServiceName, MemoryDatabase>> = {
    campaign: new MemoryDatabase(),
    partner: new MemoryDatabase(),
    tracking: new MemoryDatabase(),
  };
  /** A service's database as one life of a replica reaches it. */
  const clientOf = (replica: Replica, life: Incarnation): MemoryDatabase =>
    new MemoryDatabase(async (point) => {
      if (over) return;
      await life.io(`db ${point}`, () => {
        if (processes.meet(replica) === 'fault') throw new MemoryFault('08006', 'the database is away');
      });
    }, databases[replica.service]);

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

  const boot: Boot = async (replica, life) => {
    const { runtime } = life;
    const { service: name } = replica;
    const database = clientOf(replica, life);
    clients.set(replica, database);
    const connection: MemoryConnection = bus.connect();
    life.onCrash(() => {
      running.delete(replica);
      connection.sever();
      database.abort();
    });
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
    if (name === 'campaign') {
      sagas = coordinator<MemoryTransaction>({
        definitions: [campaignSaga],
        store: memorySagaStore(database),
        local: memoryCampaign,
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
    } else
      handler =
        name === 'partner' ? participant(memoryPartner, options) : participant(memoryTracking, options);
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
    running.set(replica, { database, relay, lease, consumer, coordinator: sagas });
  };
  const processes = superviseProcesses(world, troubles, {
    boot,
    async leave(replica) {
      const { relay, consumer, coordinator } = running.get(replica) ?? {};
      await relay?.drain(5_000);
      await coordinator?.close();
      await consumer?.close();
    },
    frozen(replica) {
      const client = clients.get(replica);
      world.schedule('an idle transaction is ended', IDLE_TRANSACTION_MS, () => client?.endIdle());
    },
  });

  const client = world.incarnation('client');
  const observed = record.on(bus);
  const work = carryOut(plan, world, client, {
    publish: async (message) => (await observed.publish([message]))[0]?.status === 'durable',
    deshacer: (saga, entidad) =>
      processes.ask('campaign', (replica) =>
        running
          .get(replica)
          ?.coordinator?.deshacer({ saga, quien: 'sim', motivo: 'sim', ...(entidad && { entidad }) }),
      ),
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

  const read = <R>(name: ServiceName, look: (tx: MemoryTransaction) => R): Promise<R> =>
    databases[name].transaction(async (tx) => look(tx));
  const desk: Desk = {
    unfinished: () =>
      read('campaign', (tx) =>
        [...sagaTable(tx).values()].filter(({ status }) => !isEnded(status)).map(unfinishedOf),
      ),
    left: (name) =>
      read(name, (tx) => ({
        unpublished: tx.table('outbox').size,
        held: [...tx.table<HeldMessage>('held_message').values()],
      })),
    verb: (saga, paso, verb) =>
      processes.ask('campaign', (replica) =>
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

  const [sagas, rows, campaigns] = await read('campaign', (tx) => [
    [...sagaTable(tx).values()],
    [...sagaLogTable(tx).values()].sort((a, b) => a.n - b.n),
    [...campaignTable(tx).values()],
  ]);
  const left = await Promise.all(
    services.map((name) =>
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
  return {
    sagas,
    log: groupedBySaga(rows),
    campaigns,
    partners: await read('partner', (tx) => [...partnerTable(tx).values()]),
    eventos: await read('tracking', (tx) => [...eventoTable(tx).values()]),
    handled: left.flatMap(({ handled }) => handled),
    outbox: left.flatMap(({ outbox }) => outbox),
    held: left.flatMap(({ held }) => held),
    acknowledged: work.acknowledged,
    published: record.published,
    onlyCoordinatorFailed: troubles.onlyCoordinator,
    alerts,
    heldInVain,
    unexpected: [],
  };
};
