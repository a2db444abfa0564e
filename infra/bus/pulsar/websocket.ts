import type { ClientOptions } from 'ws';
import type { Runtime } from '../../runtime.ts';
import { checkSubscription, messageBytes, refusal } from '../admission.ts';
import type { Bus, BusMessage, Settled, SubscribeOptions } from '../bus.ts';
import type { Manifest } from '../manifest.ts';
import { type Backlogs, backlogReads } from './backlogs.ts';
import { publishByKey } from './publish-by-key.ts';
import { topicPath } from './topic-name.ts';
import { openConsumer, READ_AHEAD } from './websocket/consumer.ts';
import { openProducer, type Producer } from './websocket/producer.ts';
import { openReader, READER_WINDOW } from './websocket/reader.ts';
import type { Consumer, ConsumerOptions } from './websocket/topic-links.ts';

/** What all that is not settled may occupy; beyond it publishing is `retryable`. In bytes. */
const CAPACITY_BYTES = 64 * 1024 * 1024;

const CLOSED: Settled = { status: 'retryable', reason: 'the bus is closed' };
const FULL: Settled = { status: 'retryable', reason: 'too much is not settled yet' };

export interface WebSocketBusOptions {
  /** `ws://host:port` or `wss://host:port` of a broker or of Pulsar's WebSocket proxy. */
  readonly url: string;
  readonly manifest: Manifest;
  readonly runtime: Pick<Runtime, 'now' | 'after' | 'random' | 'uuid'>;
  readonly backlogs: Backlogs & {
    /** Rejects with the reason when the broker does not serve. Asked while there is no connection that tells. */
    health(): Promise<void>;
  };
  /** The tenant of all topics. */
  readonly tenant: string;
  /** A JSON Web Token that says who is there. */
  readonly token?: string;
  /** PEM: whom to trust instead of the machine's authorities, and who is there. */
  readonly tls?: Pick<ClientOptions, 'ca' | 'cert' | 'key'>;
  /** Told of every handler that rejects, and in how many milliseconds its batch is handed out again. */
  readonly rejected?: (subscription: string, cause: unknown, retryInMs: number) => void;
  /** Told when a topic's connection is lost or cannot be made; it is tried again. */
  readonly lost?: (topic: string, reason: string) => void;
}

/**
 * The bus over Pulsar's own WebSocket API, for hosts without the native client: one connection a topic to publish, one a
 * topic and subscription to consume. It makes nothing: topics and durable subscriptions are there before. Since the API
 * carries no schema, their namespaces are without `schemaValidationEnforced`.
 */
export const webSocketBus = (options: WebSocketBusOptions): Bus => {
  const { manifest, runtime, backlogs, tenant } = options;
  const base = `${options.url.replace(/\/+$/, '')}/ws/v2`;
  const headers: Record<string, string> = options.token ? { authorization: `Bearer ${options.token}` } : {};
  const link = { runtime, client: { headers, ...options.tls } };
  const producers = new Map<string, Producer>();
  const consumers = new Set<Consumer>();
  let unsettledBytes = 0;
  let closing: Promise<void> | undefined;

  const producerOf = (topic: string): Producer => {
    const known = producers.get(topic);
    if (known) return known;
    const opened = openProducer({
      link,
      url: `${base}/producer/${topicPath(tenant, topic)}?sendTimeoutMillis=0`,
      lost: (reason) => options.lost?.(topic, reason),
    });
    producers.set(topic, opened);
    return opened;
  };

  const send = (message: BusMessage, settle: (outcome: Settled) => void): Settled | undefined => {
    const bytes = messageBytes(message);
    const reason = refusal(manifest, message, bytes);
    if (reason) return { status: 'refused', reason };
    if (unsettledBytes > 0 && unsettledBytes + bytes > CAPACITY_BYTES) return FULL;
    const refused = producerOf(message.topic).send(message, bytes, (outcome) => {
      unsettledBytes -= bytes;
      settle(outcome);
    });
    if (!refused) unsettledBytes += bytes;
    return refused;
  };

  /** @param name of this replica, the same on all topics: then the broker gives a key to one replica on all of them */
  const address = ({ mode, subscription }: SubscribeOptions, topic: string, name: string): string => {
    const path = topicPath(tenant, topic);
    if (mode === 'each-replica') return `${base}/reader/${path}?receiverQueueSize=${READER_WINDOW}`;
    const query = `subscriptionType=Key_Shared&pullMode=true&receiverQueueSize=${READ_AHEAD}&consumerName=${name}`;
    return `${base}/consumer/${path}/${encodeURIComponent(subscription)}?${query}`;
  };

  const mustBeOpen = (): void => {
    if (closing !== undefined) throw new Error('The bus is closed');
  };

  return {
    publish: (messages) =>
      closing !== undefined ? Promise.resolve(messages.map(() => CLOSED)) : publishByKey(messages, send),
    async subscribe(subscribeOptions, handler) {
      mustBeOpen();
      checkSubscription(manifest, subscribeOptions);
      const { mode, subscription, topics, maxBatch } = subscribeOptions;
      const name = runtime.uuid();
      const consumerOptions: ConsumerOptions = {
        link,
        queue: {
          runtime,
          schedule: (task) => void setImmediate(task),
          rejected: (cause, ms) => options.rejected?.(subscription, cause, ms),
        },
        topics: topics.map((topic) => ({ topic, url: address(subscribeOptions, topic, name) })),
        maxBatch,
        handler,
        lost: (topic, reason) => options.lost?.(topic, reason),
      };
      const consumer = mode === 'each-replica' ? openReader(consumerOptions) : openConsumer(consumerOptions);
      consumers.add(consumer);
      await consumer.subscribed;
      return {
        async close() {
          consumers.delete(consumer);
          await consumer.close();
        },
      };
    },
    ...backlogReads(manifest, backlogs, mustBeOpen),
    async health() {
      mustBeOpen();
      const parts = [...producers.values(), ...consumers];
      for (const { problem } of parts) if (problem) throw new Error(problem);
      if (parts.length === 0) await backlogs.health();
    },
    close() {
      closing ??= Promise.all([...producers.values(), ...consumers].map((part) => part.close())).then(
        () => undefined,
      );
      return closing;
    },
  };
};
