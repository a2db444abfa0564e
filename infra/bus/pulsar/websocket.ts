import type { ClientOptions } from 'ws';
import type { Runtime } from '../../runtime.ts';
import { checkSubscription, messageBytes, refusal } from '../admission.ts';
import type { Bus, BusMessage, Settled, SubscribeOptions } from '../bus.ts';
import type { Manifest } from '../manifest.ts';
import { topicPath } from './topic-name.ts';
import { openConsumer, READ_AHEAD } from './websocket/consumer.ts';
import { openProducer, type Producer } from './websocket/producer.ts';
import { openReader, READER_WINDOW } from './websocket/reader.ts';
import type { Consumer, ConsumerOptions } from './websocket/topic-links.ts';

/** What all that is not settled may occupy; beyond it publishing is `retryable`. In bytes. */
const CAPACITY_BYTES = 64 * 1024 * 1024;

const CLOSED: Settled = { status: 'retryable', reason: 'the bus is closed' };
const BEHIND: Settled = { status: 'retryable', reason: 'an earlier message of its key was not published' };

/** What is asked of the admin REST. */
export interface Backlogs {
  /** What a durable subscription of a topic has not acknowledged, and when the oldest of it was published. */
  of(topic: string, subscription: string): Promise<{ readonly messages: number; readonly oldest?: number }>;
  /** Rejects with the reason when the broker does not serve. */
  health(): Promise<void>;
}

export interface WebSocketBusOptions {
  /** `ws://host:port` or `wss://host:port` of a broker or of Pulsar's WebSocket proxy. */
  readonly url: string;
  readonly manifest: Manifest;
  readonly runtime: Pick<Runtime, 'now' | 'after' | 'random' | 'uuid'>;
  readonly backlogs: Backlogs;
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

  const send = (message: BusMessage, bytes: number, settle: (outcome: Settled) => void): void => {
    if (unsettledBytes > 0 && unsettledBytes + bytes > CAPACITY_BYTES) {
      settle({ status: 'retryable', reason: 'too much is not settled yet' });
      return;
    }
    unsettledBytes += bytes;
    producerOf(message.topic).send(message, bytes, (outcome) => {
      unsettledBytes -= bytes;
      settle(outcome);
    });
  };

  /**
   * Sends the messages of one key. Those of one topic follow each other at once; where the topic changes, what was sent
   * must be durable first, since two topics do not fail together.
   */
  const sendKey = (
    sends: readonly KeySend[],
    from: number,
    settle: (place: number, outcome: Settled) => void,
  ): void => {
    const { topic } = (sends[from] as KeySend).message;
    let end = from;
    while (sends[end]?.message.topic === topic) end++;
    let open = end - from;
    let failed = false;
    for (const { message, bytes, place } of sends.slice(from, end)) {
      send(message, bytes, (outcome) => {
        settle(place, failed ? BEHIND : outcome);
        failed ||= outcome.status !== 'durable';
        if (--open > 0 || end === sends.length) return;
        if (!failed) sendKey(sends, end, settle);
        else for (const behind of sends.slice(end)) settle(behind.place, BEHIND);
      });
    }
  };

  const publish = (messages: readonly BusMessage[]): Promise<Settled[]> =>
    new Promise((resolve) => {
      const outcomes: Settled[] = new Array(messages.length);
      let open = messages.length;
      if (open === 0) resolve(outcomes);
      const settle = (place: number, outcome: Settled): void => {
        outcomes[place] = outcome;
        if (--open === 0) resolve(outcomes);
      };
      const byKey = new Map<string, KeySend[]>();
      const stopped = new Set<string>();
      for (const [place, message] of messages.entries()) {
        const bytes = messageBytes(message);
        const reason = refusal(manifest, message, bytes);
        if (stopped.has(message.key)) settle(place, BEHIND);
        else if (reason) {
          stopped.add(message.key);
          settle(place, { status: 'refused', reason });
        } else {
          const ofKey = byKey.get(message.key);
          if (ofKey) ofKey.push({ message, bytes, place });
          else byKey.set(message.key, [{ message, bytes, place }]);
        }
      }
      for (const sends of byKey.values()) sendKey(sends, 0, settle);
    });

  /** @param name of this replica, the same on all topics: then the broker gives a key to one replica on all of them */
  const address = ({ mode, subscription }: SubscribeOptions, topic: string, name: string): string => {
    const path = topicPath(tenant, topic);
    if (mode === 'each-replica') return `${base}/reader/${path}?receiverQueueSize=${READER_WINDOW}`;
    const query = `subscriptionType=Key_Shared&pullMode=true&receiverQueueSize=${READ_AHEAD}&consumerName=${name}`;
    return `${base}/consumer/${path}/${encodeURIComponent(subscription)}?${query}`;
  };

  const topicsOf = (subscription: string): readonly string[] => {
    const declared = manifest.subscriptions.get(subscription);
    if (!declared) throw new Error(`The subscription ${subscription} is not declared`);
    return declared.topics;
  };

  const mustBeOpen = (): void => {
    if (closing !== undefined) throw new Error('The bus is closed');
  };

  return {
    publish: (messages) =>
      closing !== undefined ? Promise.resolve(messages.map(() => CLOSED)) : publish(messages),
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
    async caughtUp(subscription, instant) {
      mustBeOpen();
      const topics = topicsOf(subscription);
      const all = await Promise.all(topics.map((topic) => backlogs.of(topic, subscription)));
      return all.every(
        ({ messages, oldest }) => messages === 0 || (oldest !== undefined && oldest >= instant),
      );
    },
    async lag(subscription) {
      mustBeOpen();
      const topics = topicsOf(subscription);
      const all = await Promise.all(topics.map((topic) => backlogs.of(topic, subscription)));
      return all.reduce((sum, { messages }) => sum + messages, 0);
    },
    async health() {
      mustBeOpen();
      for (const { problem } of [...producers.values(), ...consumers]) {
        if (problem) throw new Error(`Pulsar: ${problem}`);
      }
      await backlogs.health();
    },
    close() {
      closing ??= Promise.all([...producers.values(), ...consumers].map((part) => part.close())).then(
        () => undefined,
      );
      return closing;
    },
  };
};

interface KeySend {
  readonly message: BusMessage;
  readonly bytes: number;
  /** Among the messages of its call. */
  readonly place: number;
}
