import type { Bus } from '../bus/bus.ts';
import type { MessagingMetrics } from '../messaging/metrics.ts';
import type { Relay } from '../messaging/relay.ts';
import type { MessagingStore } from '../messaging/store.ts';
import type { Runtime } from '../runtime.ts';
import { addDurations } from '../telemetry/durations.ts';
import { addLevel, Counter, type Registry } from '../telemetry/metrics.ts';

/** What the pipeline tells of itself, as Prometheus metrics of `registry`. */
export const createMessagingMetrics = (registry: Registry): MessagingMetrics => {
  const registers = [registry];
  const messages = new Counter({
    name: 'consumer_messages_total',
    help: 'Messages handled, by subscription',
    labelNames: ['subscription'],
    registers,
  });
  const durations = addDurations(registry, {
    name: 'consumer_batch_duration_seconds',
    help: 'From a batch being delivered to its commit',
    labelNames: ['subscription'],
  });
  const retries = new Counter({
    name: 'consumer_retries_total',
    help: 'Batches that ran again, by cause: transient, conflict or permanent',
    labelNames: ['subscription', 'cause'],
    registers,
  });
  const held = new Counter({
    name: 'messages_held_total',
    help: 'Messages set aside with their key, because they or an earlier one could not be handled',
    labelNames: ['subscription', 'contract'],
    registers,
  });
  const parked = new Counter({
    name: 'messages_parked_total',
    help: 'Messages that wait for an operator: held ones that are not retried, outbox rows that the bus refuses',
    labelNames: ['where', 'contract'],
    registers,
  });
  const published = new Counter({
    name: 'outbox_published_total',
    help: 'Messages that became durable on the bus',
    registers,
  });
  return {
    batch(subscription, size, ms) {
      messages.inc({ subscription }, size);
      durations(subscription).observe(ms);
    },
    retried: (subscription, cause) => retries.inc({ subscription, cause }),
    held: (subscription, contract) => held.inc({ subscription, contract }),
    parked: (where, contract) => parked.inc({ where, contract }),
    published: (count) => published.inc(count),
  };
};

/** Levels, read when they are asked for. */
export const addMessagingGauges = (
  registry: Registry,
  parts: {
    readonly subscription: string;
    readonly bus: Bus;
    readonly relay: Relay;
    /** Whether this process publishes the outbox. */
    readonly publishes: () => boolean;
    readonly store: Pick<MessagingStore<unknown>, 'countHeld' | 'oldestUnpublished'>;
    readonly runtime: Runtime;
  },
): void => {
  const { subscription, bus, relay, publishes, store, runtime } = parts;
  const level = (name: string, help: string, read: () => Promise<number> | number): void =>
    addLevel(registry, runtime, { name, help }, async () => [{ value: await read() }]);

  level('outbox_pending', 'Messages in the outbox that are not durable on the bus yet', relay.pending);
  level(
    'outbox_oldest_seconds',
    'How long the oldest message has been in the outbox that the bus does not refuse; 0 where there is none',
    async () => {
      const oldest = await store.oldestUnpublished();
      return oldest === undefined ? 0 : Math.max(0, runtime.now() - oldest) / 1000;
    },
  );
  level('outbox_parked_keys', 'Keys whose next message the bus refuses', () => relay.parked().length);
  level(
    'outbox_lease_held',
    'Whether this process publishes the outbox of its database: 1 at one replica, 0 at the others',
    () => (publishes() ? 1 : 0),
  );
  addLevel(
    registry,
    runtime,
    {
      name: 'consumer_lag',
      help: 'Messages of the subscription that are not acknowledged yet',
      labelNames: ['subscription'],
    },
    async () => [{ labels: { subscription }, value: await bus.lag(subscription) }],
  );
  addLevel(
    registry,
    runtime,
    {
      name: 'held_messages',
      help: 'Messages set aside, by state: all of them, and those that wait for an operator',
      labelNames: ['state'],
    },
    async () => {
      const { held, parked } = await store.countHeld();
      return [
        { labels: { state: 'held' }, value: held },
        { labels: { state: 'parked' }, value: parked },
      ];
    },
  );
};
