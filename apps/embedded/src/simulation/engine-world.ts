import { manifest } from '@cordada/infra/bus/manifest.ts';
import type { MemoryConnection } from '@cordada/infra/bus/memory.ts';
import { consume } from '@cordada/infra/messaging/consumer.ts';
import {
  type HeldMessage,
  retryHeldMessage,
  skipHeldMessage,
} from '@cordada/infra/messaging/held-messages.ts';
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
import type { OutboxRow } from '@cordada/infra/messaging/store.ts';
import { unitOfWork } from '@cordada/infra/messaging/unit-of-work.ts';
import type { AnyContract } from '@cordada/infra/messaging/wire.ts';
import type { VirtualTime } from '@cordada/infra/testing/virtual-time.ts';
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
import { type ServiceName, services, subscriptions, superviseProcesses } from './processes.ts';
import { type Climate, drawTroubles } from './troubles.ts';
import { carryOut, drawPlan, STRANGER } from './workload.ts';

/** A process costs next to nothing here, and so does an idle hour. */
const climate: Climate = { lifetimes: [40, 300], outages: [0, 0, 0.2] };

const handledTable = (tx: MemoryTransaction) => tx.table<Handled>('handled');

const silentMetrics: MessagingMetrics = {
  batch: () => {},
  retried: () => {},
  held: () => {},
  parked: () => {},
  published: () => {},
};

/** What runs in the present life of a service. */
interface Running {
  readonly relay: Relay;
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
  const running = new Map<ServiceName, Running>();
  /** Nothing happens any more: what is left is read past the I/O gate. */
  let over = false;

  const databaseOf = (name: ServiceName): MemoryDatabase =>
    new MemoryDatabase(async (point) => {
      const life = processes.life(name);
      if (!life || over) return;
      await life.io(`db ${point}`, () => {
        if (processes.meet(name) === 'fault') throw new MemoryFault('08006', 'the database is away');
      });
    });
  const databases: Readonly<Record<ServiceName, MemoryDatabase>> = {
    campaign: databaseOf('campaign'),
    partner: databaseOf('partner'),
    tracking: databaseOf('tracking'),
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

  const processes = superviseProcesses(world, troubles, async (name, life) => {
    const { runtime } = life;
    const database = databases[name];
    const connection: MemoryConnection = bus.connect();
    life.onCrash(() => {
      running.delete(name);
      connection.sever();
      database.abort();
    });
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
    const relay = createRelay({
      store,
      bus: record.on(connection),
      service: name,
      runtime,
      log,
      metrics: silentMetrics,
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
      await sagas.start().catch(() => processes.crash(name));
    } else
      handler =
        name === 'partner' ? participant(memoryPartner, options) : participant(memoryTracking, options);
    if (!life.alive) return;
    relay.start();
    const topics = manifest.subscriptions.get(subscription)?.topics ?? [];
    await consume({
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
    running.set(name, { relay, coordinator: sagas });
  });

  const client = world.incarnation('client');
  const observed = record.on(bus);
  const work = carryOut(plan, world, client, {
    publish: async (message) => (await observed.publish([message]))[0]?.status === 'durable',
    deshacer: (saga, entidad) =>
      processes.ask('campaign', () =>
        running
          .get('campaign')
          ?.coordinator?.deshacer({ saga, quien: 'sim', motivo: 'sim', ...(entidad && { entidad }) }),
      ),
    setRule: (rule, id, refuses) => {
      const name = rule === 'suspension' ? 'partner' : 'tracking';
      return processes.ask(name, () =>
        databases[name].transaction(async (tx) => {
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
        unpublished: tx.table('outbox').size + (running.get(name)?.relay.pending() ?? 0),
        held: [...tx.table<HeldMessage>('held_message').values()],
      })),
    verb: (saga, paso, verb) =>
      processes.ask('campaign', () =>
        running.get('campaign')?.coordinator?.verb({ saga, verb, paso, quien: 'sim', motivo: 'sim' }),
      ),
    heldVerb: (name, id, verb) =>
      processes.ask(name, () => {
        const act = verb === 'reintentar' ? retryHeldMessage : skipHeldMessage;
        const now = new Date(processes.life(name)?.runtime.now() ?? 0);
        return act(memoryStore(databases[name]), { id, who: 'sim', reason: 'sim' }, now);
      }),
  };

  const heldInVain = await runToRest(world, { plan, troubles, processes, desk, done: work.done });
  over = true;
  for (const database of Object.values(databases)) database.abort();

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
