import { fileURLToPath } from 'node:url';
import { contractNamed } from '@cordada/schemas';
import { manifest } from '../bus/manifest.ts';
import type { SqlTransaction } from '../database/database.ts';
import { type Consumer, consume } from '../messaging/consumer.ts';
import { createLease } from '../messaging/lease.ts';
import type { BatchHandler, UnitOfWork } from '../messaging/pipeline.ts';
import { createRelay, type Relay } from '../messaging/relay.ts';
import { type Retained, retain, retainedMessaging } from '../messaging/retention.ts';
import { createSignals, type Signals } from '../messaging/signals.ts';
import { sqlStore } from '../messaging/sql-store.ts';
import type { MessagingStore } from '../messaging/store.ts';
import { unitOfWork } from '../messaging/unit-of-work.ts';
import type { AnyContract } from '../messaging/wire.ts';
import type { Cancel } from '../runtime.ts';
import { countedBus } from './counted-bus.ts';
import { addMessagingGauges, createMessagingMetrics } from './messaging-metrics.ts';
import type { ServiceDeps } from './service.ts';

/** Where the migrations of the pipeline's own tables stand. */
export const messagingMigrations = fileURLToPath(new URL('../messaging/migrations', import.meta.url));

/** How long a service that stops goes on publishing what it committed; the rest waits for its next start. */
const drainLimitMs = 5_000;
/** Milliseconds between two clearings of what is old. */
const forgetEveryMs = 3_600_000;
const DAY_MS = 24 * 3_600_000;

/**
 * The pipeline of one service: its outbox, and one consumer on the subscription that the manifest gives it. Where other
 * processes may serve the same database, one of them publishes the outbox for all.
 */
export interface Messaging {
  readonly store: MessagingStore<SqlTransaction>;
  readonly unitOfWork: UnitOfWork<SqlTransaction>;
  readonly relay: Relay;
  /** What the replicas of this service tell one another; absent where there can be none. */
  readonly signals: Signals | undefined;
  /** Tells whichever replica publishes the outbox that parked rows of it were freed. */
  freed(): void;
  /** Publishes what the outbox holds from before, then hands messages to `handler`. */
  start(handler: BatchHandler<SqlTransaction>): Promise<void>;
  /** Publishes what is committed; what comes after stays in the outbox for the next start. */
  drain(): Promise<void>;
  /** Stops taking messages and finishes what is under way. */
  stop(): Promise<void>;
}

/**
 * @param service its name
 * @param subscription declared in the manifest; its topics say which contracts are read
 * @param retained what the service itself keeps for a time
 */
export const createMessaging = (
  deps: ServiceDeps,
  service: string,
  subscription: string,
  retained: readonly Retained[] = [],
): Messaging => {
  const { bus, database, runtime, log, registry, settings } = deps;
  const store = sqlStore(database);
  const metrics = createMessagingMetrics(registry);
  const { listen } = database;
  const signals = listen && createSignals({ database, listen, runtime, log });
  const replicas = signals && {
    lease: createLease({ store, runtime, log }),
    written: () => signals.send('outbox'),
    released: () => signals.send('lease'),
  };
  const relay = createRelay({
    store,
    bus: countedBus(bus, registry),
    service,
    runtime,
    log,
    metrics,
    ...(replicas && { replicas }),
  });
  signals?.on('outbox', relay.wake);
  signals?.on('lease', () => replicas?.lease.look());
  signals?.on('freed', relay.reconsider);
  const uow = unitOfWork({ store, relay, runtime, log });
  const publishes = (): boolean => replicas?.lease.held() ?? true;
  addMessagingGauges(registry, { subscription, bus, relay, publishes, store, runtime });
  let consumer: Consumer | undefined;
  let forgetting: Cancel | undefined;
  return {
    store,
    unitOfWork: uow,
    relay,
    signals,
    freed() {
      relay.reconsider();
      signals?.send('freed');
    },
    async start(handler) {
      signals?.start();
      relay.start();
      const inboxMs = settings.RETAIN_INBOX_DAYS * DAY_MS;
      const kept = retainedMessaging({
        inboxMs,
        operationsMs: daysMs(settings.RETAIN_OPERATIONS_DAYS),
        auditMs: daysMs(settings.RETAIN_AUDIT_DAYS),
      });
      const everyMs = forgetEveryMs;
      forgetting = retain({ database, retained: [...kept, ...retained], runtime, log, everyMs });
      consumer = await consume({
        store,
        unitOfWork: uow,
        bus,
        runtime,
        subscription,
        contracts: contractsOf(subscription),
        handler,
        log,
        metrics,
        settings: { retentionMs: inboxMs },
      });
    },
    async drain() {
      const left = await relay.drain(drainLimitMs);
      if (left > 0) log.warn({ left }, 'messages stay in the outbox for the next start');
    },
    async stop() {
      forgetting?.();
      await consumer?.close();
      await signals?.close();
    },
  };
};

/** A setting in days, in milliseconds; 0 is for ever. */
export const daysMs = (days: number): number | undefined => (days === 0 ? undefined : days * DAY_MS);

/** The contracts of a subscription's topics. @throws Error when the manifest does not declare it */
const contractsOf = (subscription: string): AnyContract[] => {
  const topics = manifest.subscriptions.get(subscription)?.topics;
  if (!topics) throw new Error(`the manifest declares no subscription ${subscription}`);
  return topics.map((topic) => contractNamed(manifest.topics.get(topic)?.contract ?? '') as AnyContract);
};
