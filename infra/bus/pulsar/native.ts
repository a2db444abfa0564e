import type { Runtime } from '../../runtime.ts';
import { checkSubscription, messageBytes, refusal } from '../admission.ts';
import type { Bus, BusMessage, Settled, SubscribeOptions, Subscription } from '../bus.ts';
import type { Manifest } from '../manifest.ts';
import { type Backlogs, backlogReads } from './backlogs.ts';
import { loadNativeClients, type NativeAccess, type NativeSchema } from './native/client.ts';
import { type Consumer, openConsumer } from './native/consumer.ts';
import { type TopicProducer, topicProducer } from './native/producer.ts';
import { openReader } from './native/reader.ts';
import { publishByKey } from './publish-by-key.ts';
import { topicName } from './topic-name.ts';

/** What all that is not settled may occupy; beyond it publishing is `retryable`. In bytes. */
const CAPACITY_BYTES = 64 * 1024 * 1024;

/** How long the broker may take to show that it is there, in milliseconds. */
const HEALTH_TIMEOUT_MS = 3_000;

/** How long the client may take to close its connections; a broker that is away does not keep a process from ending. */
const CLOSE_TIMEOUT_MS = 5_000;

const CLOSED: Settled = { status: 'retryable', reason: 'the bus is closed' };
const FULL: Settled = { status: 'retryable', reason: 'too much is not settled yet' };

export interface NativeBusOptions {
  readonly access: NativeAccess;
  /** The tenant of all topics. */
  readonly tenant: string;
  readonly manifest: Manifest;
  readonly runtime: Runtime;
  readonly backlogs: Backlogs;
  /** The Avro schema of a topic's contract, where its producers declare it. */
  readonly schemaOf?: (topic: string) => NativeSchema | undefined;
  /** Told of every handler that rejects, and in how many milliseconds its batch is handed out again. */
  readonly rejected?: (subscription: string, cause: unknown, retryInMs: number) => void;
}

/**
 * The bus over Pulsar's binary protocol, by the native client. It makes nothing: topics and durable subscriptions are
 * there before. A message is `durable` when the broker has it on disk. No call of it stops Node's event loop, whatever
 * the broker does.
 * @throws NativeClientMissing where npm's `pulsar-client` is not there
 */
export const nativeBus = async (options: NativeBusOptions): Promise<Bus> => {
  const { access, tenant, manifest, runtime, backlogs, schemaOf, rejected } = options;
  const clients = await loadNativeClients(access);
  const client = clients.open();
  const consumerName = runtime.uuid();
  const producers = new Map<string, TopicProducer>();
  const consumers = new Set<Consumer>();
  let unsettledBytes = 0;
  let probe: Promise<unknown> | undefined;
  let closing: Promise<void> | undefined;
  let announceClosing: (error: Error) => void = () => {};
  const closed = new Promise<never>((_, reject) => {
    announceClosing = reject;
  });
  closed.catch(() => undefined); // who subscribes meanwhile is told

  const producerOf = (topic: string): TopicProducer => {
    const known = producers.get(topic);
    if (known) return known;
    const schema = schemaOf?.(topic);
    const address = topicName(tenant, topic);
    const opened = topicProducer({ client, runtime, topic: address, ...(schema && { schema }) });
    producers.set(topic, opened);
    return opened;
  };

  const send = (message: BusMessage, settle: (outcome: Settled) => void): Settled | undefined => {
    const bytes = messageBytes(message);
    const reason = refusal(manifest, message, bytes);
    if (reason) return { status: 'refused', reason };
    if (unsettledBytes > 0 && unsettledBytes + bytes > CAPACITY_BYTES) return FULL;
    const refused = producerOf(message.topic).send(message, (outcome) => {
      unsettledBytes -= bytes;
      settle(outcome);
    });
    if (!refused) unsettledBytes += bytes;
    return refused;
  };

  const mustBeOpen = (): void => {
    if (closing !== undefined) throw new Error('The bus is closed');
  };

  const open = (
    { mode, subscription, topics, maxBatch }: SubscribeOptions,
    handler: Parameters<Bus['subscribe']>[1],
  ): Consumer => {
    const common = {
      runtime,
      topics: topics.map((topic) => ({ topic, address: topicName(tenant, topic) })),
      maxBatch,
      handler,
      ...(rejected && { rejected: (cause: unknown, ms: number) => rejected(subscription, cause, ms) }),
    };
    return mode === 'each-replica'
      ? openReader({ ...common, clients })
      : openConsumer({ ...common, client, subscription, consumerName });
  };

  const within = async <T>(ms: number, work: Promise<T>, late: () => T): Promise<T> => {
    let cancel = (): void => {};
    const timeout = new Promise<T>((resolve, reject) => {
      cancel = runtime.after(ms, () => {
        try {
          resolve(late());
        } catch (error) {
          reject(error);
        }
      });
    });
    try {
      return await Promise.race([work, timeout]);
    } finally {
      cancel();
    }
  };

  /** Asks the broker of the first topic. One question at a time: a broker that is away answers none. */
  const ask = (): Promise<unknown> => {
    const [topic] = manifest.topics.keys();
    if (topic === undefined) return Promise.resolve();
    probe ??= client.getPartitionsForTopic(topicName(tenant, topic)).finally(() => {
      probe = undefined;
    });
    return probe;
  };

  const closeAll = async (): Promise<void> => {
    announceClosing(new Error('The bus is closed'));
    await Promise.all([
      ...[...consumers].map((consumer) => consumer.close()),
      ...[...producers.values()].map((producer) => producer.close()),
    ]);
    await within<unknown>(
      CLOSE_TIMEOUT_MS,
      client.close().catch(() => undefined), // what the broker did not confirm ends with the process
      () => undefined,
    );
  };

  return {
    publish: (messages) =>
      closing !== undefined ? Promise.resolve(messages.map(() => CLOSED)) : publishByKey(messages, send),
    async subscribe(subscribeOptions, handler): Promise<Subscription> {
      mustBeOpen();
      checkSubscription(manifest, subscribeOptions);
      const consumer = open(subscribeOptions, handler);
      consumers.add(consumer);
      await Promise.race([consumer.subscribed, closed]);
      return {
        async close() {
          await consumer.close();
          consumers.delete(consumer);
        },
      };
    },
    ...backlogReads(manifest, backlogs, mustBeOpen),
    async health() {
      mustBeOpen();
      const { host } = new URL(access.url);
      await within(HEALTH_TIMEOUT_MS, ask(), () => {
        throw new Error(`The broker at ${host} does not answer within ${HEALTH_TIMEOUT_MS} ms`);
      }).catch((error) => {
        throw new Error(
          `The broker at ${host} cannot be used: ${error instanceof Error ? error.message : error}`,
        );
      });
      for (const part of [...consumers, ...producers.values()]) {
        const problem = part.problem();
        if (problem !== undefined) throw new Error(problem);
      }
    },
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
};
