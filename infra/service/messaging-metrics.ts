import type { Bus } from '../bus/bus.ts';
import type { MessagingMetrics } from '../messaging/metrics.ts';
import type { Relay } from '../messaging/relay.ts';
import type { MessagingStore } from '../messaging/store.ts';
import { Counter, durationBuckets, Gauge, Histogram, type Registry } from '../telemetry/metrics.ts';

/** What the pipeline tells of itself, as Prometheus metrics of `registry`. */
export const createMessagingMetrics = (registry: Registry): MessagingMetrics => {
  const registers = [registry];
  const messages = new Counter({
    name: 'consumer_messages_total',
    help: 'Messages handled, by subscription',
    labelNames: ['subscription'],
    registers,
  });
  const seconds = new Histogram({
    name: 'consumer_batch_duration_seconds',
    help: 'From a batch being delivered to its commit',
    labelNames: ['subscription'],
    buckets: durationBuckets,
    registers,
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
      seconds.observe({ subscription }, ms / 1000);
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
    readonly store: Pick<MessagingStore<unknown>, 'countHeld'>;
  },
): void => {
  const registers = [registry];
  const { subscription, bus, relay, store } = parts;
  new Gauge({
    name: 'outbox_pending',
    help: 'Messages in the outbox that are not durable on the bus yet',
    registers,
    collect() {
      this.set(relay.pending());
    },
  });
  new Gauge({
    name: 'outbox_parked_keys',
    help: 'Keys whose next message the bus refuses',
    registers,
    collect() {
      this.set(relay.parked().length);
    },
  });
  new Gauge({
    name: 'consumer_lag',
    help: 'Messages of the subscription that are not acknowledged yet',
    labelNames: ['subscription'],
    registers,
    async collect() {
      this.set({ subscription }, await bus.lag(subscription));
    },
  });
  new Gauge({
    name: 'held_messages',
    help: 'Messages set aside, by state: all of them, and those that wait for an operator',
    labelNames: ['state'],
    registers,
    async collect() {
      const { held, parked } = await store.countHeld();
      this.set({ state: 'held' }, held);
      this.set({ state: 'parked' }, parked);
    },
  });
};
