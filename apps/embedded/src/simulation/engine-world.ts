import type { Bus } from '@cordada/infra/bus/bus.ts';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import { type MemoryConnection, memoryBus } from '@cordada/infra/bus/memory.ts';
import { type Consumer, consume } from '@cordada/infra/messaging/consumer.ts';
import { retryHeldMessage, skipHeldMessage } from '@cordada/infra/messaging/held-messages.ts';
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
import { seededBusFaults } from '@cordada/infra/testing/seeded-bus-faults.ts';
import type { Incarnation, VirtualTime } from '@cordada/infra/testing/virtual-time.ts';
import { campaignSaga } from '@cordada/sagas/campaign.saga.ts';
import { type Coordinator, coordinator } from '@cordada/sagas/engine/coordinator.ts';
import { isEnded } from '@cordada/sagas/engine/instance.ts';
import { memorySagaStore, sagaLogTable, sagaTable } from '@cordada/sagas/engine/memory-store.ts';
import { contractNamed, contracts } from '@cordada/schemas';
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
import type { Handled, Observation, Published } from './observation.ts';
import { carryOut, drawPlan, STRANGER } from './workload.ts';

const services = ['campaign', 'partner', 'tracking'] as const;
type Name = (typeof services)[number];
const subscriptions: Readonly<Record<Name, string>> = {
  campaign: 'campaign.coordinator',
  partner: 'partner',
  tracking: 'tracking',
};

/** How long a run may go on after its troubles are over, in virtual milliseconds: every backoff fits in. */
const PATIENCE_MS = 6 * 3_600_000;
/** Longer than a compensation is retried before its saga is parked. */
const LONG_OUTAGE_MS = 2 * 3_600_000;
const CHECK_EVERY_MS = 5_000;

const handledTable = (tx: MemoryTransaction) => tx.table<Handled>('handled');

const silentMetrics: MessagingMetrics = {
  batch: () => {},
  retried: () => {},
  held: () => {},
  parked: () => {},
  published: () => {},
};

/** One service: a database that outlives its crashes, and its present incarnation. */
interface Node {
  readonly name: Name;
  readonly database: MemoryDatabase;
  life: Incarnation | undefined;
  /** I/O operations until it crashes. */
  crashIn: number;
  relay?: Relay;
  consumer?: Consumer;
  coordinator?: Coordinator<MemoryTransaction>;
}

/**
 * The engine, the pipeline and the bus as they are, over memory stores, with the services' own handlers. One seed
 * decides what is asked of the fleet and what befalls it; after the troubles all faults end, operators see to what is
 * parked or held, and what is left is observed.
 */
export const runEngineSeed = async (world: VirtualTime): Promise<Observation> => {
  const random = world.random;
  const chance = random.fork('faults');
  const plan = drawPlan(world);
  let trouble = true;
  /** Nothing happens any more: what is left is read past the I/O gate. */
  let over = false;
  world.schedule('troubles end', plan.trouble, () => {
    trouble = false;
  });

  const onlyCoordinator = random.chance(0.15);
  const faulty = (): boolean => trouble && !onlyCoordinator;

  const busFaults = seededBusFaults(random.fork('bus'), {
    publishLost: 0.03,
    publishAnswerLost: 0.03,
    delayed: 0.2,
    slowestMs: random.pick([50, 2_000, 90_000]),
    duplicated: 0.1,
    latestDuplicateMs: 20_000,
    batchLost: 0.03,
    acknowledgementLost: 0.05,
    reordered: 0.3,
  });
  const bus = memoryBus({
    runtime: world.runtime,
    manifest,
    scheduler: (task) => void world.schedule('bus', chance.below(3), task),
    faults: {
      publish: (message) => (faulty() ? busFaults.publish(message) : undefined),
      transit: (subscription, message) => (faulty() ? busFaults.transit(subscription, message) : undefined),
      deliver: (subscription, batch) => (faulty() ? busFaults.deliver(subscription, batch) : undefined),
      choose: (subscription, ready) => busFaults.choose(subscription, ready),
    },
  });

  const published: Published[] = [];
  const databaseFaults = onlyCoordinator ? 0 : random.pick([0, 0.005, 0.03]);
  const crashes = onlyCoordinator || random.chance(0.6);
  const outages = onlyCoordinator ? 1 : random.pick([0, 0, 0.2]);
  const poison = !onlyCoordinator && random.chance(0.3);
  const alerts = new Map<string, number>();
  const lives = onlyCoordinator ? 40 : random.pick([40, 300]);
  const lifetime = (): number => (crashes ? 3 + chance.below(lives) : Number.POSITIVE_INFINITY);

  const nodes = Object.fromEntries(
    services.map((name) => {
      const node: Node = {
        name,
        life: undefined,
        crashIn: lifetime(),
        database: new MemoryDatabase(async (point) => {
          const { life } = node;
          if (!life || over) return;
          await life.io(`db ${point}`, () => {
            node.crashIn -= 1;
            if (trouble && node.crashIn <= 0 && !(onlyCoordinator && node.name !== 'campaign'))
              return crash(node);
            if (trouble && chance.chance(databaseFaults))
              throw new MemoryFault('08006', 'the database is away');
          });
        }),
      };
      return [name, node];
    }),
  ) as Record<Name, Node>;

  const crash = (node: Node): void => {
    node.life?.crash();
    node.life = undefined;
    node.crashIn = lifetime();
    world.schedule(`boot ${node.name}`, chance.below(chance.chance(outages) ? LONG_OUTAGE_MS : 5_000), () =>
      boot(node),
    );
  };

  /** Fails a few times, for some of the messages, before it handles them. */
  const poisoned = (
    handler: BatchHandler<MemoryTransaction>,
    subscription: string,
  ): BatchHandler<MemoryTransaction> => ({
    answersFaults: handler.answersFaults,
    async handle(tx, batch, now) {
      if (trouble && poison && chance.chance(0.05)) throw new Error('poisoned for now');
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

  const boot = async (node: Node): Promise<void> => {
    const life = world.incarnation(node.name);
    node.life = life;
    const { runtime } = life;
    const connection: MemoryConnection = bus.connect();
    life.onCrash(() => {
      connection.sever();
      node.database.abort();
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
    const store = memoryStore(node.database);
    const subscription = subscriptions[node.name];
    const recording: Pick<Bus, 'publish'> = {
      async publish(messages) {
        const settled = await connection.publish(messages);
        messages.forEach(({ topic, properties }, i) => {
          if (settled[i]?.status === 'durable')
            published.push({
              contract: manifest.topics.get(topic)?.contract ?? topic,
              message: properties['ce-id'] ?? '',
              subject: properties['ce-subject'] ?? '',
            });
        });
        return settled;
      },
    };
    const relay = createRelay({
      store,
      bus: recording,
      service: node.name,
      runtime,
      log,
      metrics: silentMetrics,
    });
    const uow = unitOfWork({ store, relay, runtime, log });
    let handler: BatchHandler<MemoryTransaction>;
    if (node.name === 'campaign') {
      const running = coordinator<MemoryTransaction>({
        definitions: [campaignSaga],
        store: memorySagaStore(node.database),
        local: memoryCampaign,
        uow,
        bus: connection,
        subscription,
        service: node.name,
        runtime,
        log,
        metrics: { step: () => {}, ended: () => {}, parked: () => {} },
        audit: (tx, entry) => store.insertAudit(tx, entry),
      });
      node.coordinator = running;
      handler = running;
      // As a supervisor does: a service whose database is away when it starts is started again.
      await running.start().catch(() => crash(node));
    } else {
      const options = { store, subscription, contracts, log };
      handler =
        node.name === 'partner' ? participant(memoryPartner, options) : participant(memoryTracking, options);
    }
    if (node.life !== life) return;
    relay.start();
    node.relay = relay;
    const topics = manifest.subscriptions.get(subscription)?.topics ?? [];
    node.consumer = await consume({
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
  };

  for (const node of Object.values(nodes))
    world.schedule(`boot ${node.name}`, chance.below(100), () => boot(node));

  const client = world.incarnation('client');
  /** Asks a service as HTTP does: what its crash takes with it, or what it refuses, is not known to the client. */
  const ask = async (name: Name, request: (node: Node) => Promise<unknown>): Promise<void> => {
    const node = nodes[name];
    if (!node.life) return;
    const life = node.life;
    await new Promise<void>((resolve) => {
      life.onCrash(resolve);
      request(node).then(
        () => resolve(),
        () => resolve(),
      );
    });
  };
  const work = carryOut(plan, world, client, {
    publish: async (message) => (await bus.publish([message]))[0]?.status === 'durable',
    deshacer: (saga, entidad) =>
      ask('campaign', async (node) =>
        node.coordinator?.deshacer({ saga, quien: 'sim', motivo: 'sim', ...(entidad && { entidad }) }),
      ),
    setRule: (rule, id, refuses) =>
      ask(rule === 'suspension' ? 'partner' : 'tracking', (node) =>
        node.database.transaction(async (tx) => {
          const table = rule === 'suspension' ? suspendedTable(tx) : trackingOffTable(tx);
          if (refuses) (table as { set(key: string, row: unknown): void }).set(id, 'sim');
          else table.delete(id);
        }),
      ),
  });

  const read = <R>(name: Name, look: (tx: MemoryTransaction) => R): Promise<R> =>
    nodes[name].database.transaction(async (tx) => look(tx));

  const inspect = async (): Promise<void> => {
    if (!trouble && work.done() && (await isQuiet())) over = true;
    else world.schedule('inspection', CHECK_EVERY_MS, inspect);
  };

  /** Whether nothing is left to happen; operators have their say about what is parked or held. */
  const isQuiet = async (): Promise<boolean> => {
    if (services.some((name) => !nodes[name].life)) return false;
    const parked = await read('campaign', (tx) =>
      [...sagaTable(tx).values()].filter(({ status }) => !isEnded(status)),
    );
    for (const saga of parked) {
      if (saga.status !== 'PARKED') continue;
      const paso =
        (saga.origin.deshace ? campaignSaga.undo : campaignSaga)?.steps[saga.state.step]?.name ?? '';
      const verb = chance.chance(0.9) ? 'reintentar' : 'omitir';
      await ask('campaign', async (node) =>
        node.coordinator?.verb({ saga: saga.id, verb, paso, quien: 'sim', motivo: 'sim' }),
      );
    }
    let quiet = parked.length === 0;
    for (const name of services) {
      const store = memoryStore(nodes[name].database);
      const [held, outbox] = await read(name, (tx) => [
        [...tx.table<{ id: number; state: string; cause: string }>('held_message').values()],
        tx.table('outbox').size,
      ]);
      for (const { id, cause } of held) {
        const act = /poisoned/.test(cause) ? retryHeldMessage : skipHeldMessage;
        if (!/waits behind/.test(cause))
          await ask(name, (node) =>
            act(store, { id, who: 'sim', reason: 'sim' }, new Date(node.life?.runtime.now() ?? 0)),
          );
      }
      if (held.length > 0 || outbox > 0 || (nodes[name].relay?.pending() ?? 0) > 0) quiet = false;
      if ((await bus.lag(subscriptions[name])) > 0) quiet = false;
    }
    return quiet;
  };
  world.schedule('inspection', plan.trouble, inspect);
  await world.run({ until: () => over, horizonMs: plan.trouble + PATIENCE_MS });
  over = true;
  for (const { database } of Object.values(nodes)) database.abort();

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
        held: [...tx.table<{ topic: string; cause: string }>('held_message').values()].map(
          ({ topic, cause }) => ({
            service: name,
            topic,
            cause,
          }),
        ),
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
    published,
    onlyCoordinatorFailed: onlyCoordinator,
    alerts,
  };
};

const groupedBySaga = <Row extends { readonly saga: string }>(rows: readonly Row[]): Map<string, Row[]> => {
  const grouped = new Map<string, Row[]>();
  for (const row of rows) {
    const known = grouped.get(row.saga);
    if (known) known.push(row);
    else grouped.set(row.saga, [row]);
  }
  return grouped;
};
