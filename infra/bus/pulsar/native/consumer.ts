import type { Runtime } from '../../../runtime.ts';
import { type BatchQueueOptions, batchQueue } from '../../batching.ts';
import type { Delivery } from '../../bus.ts';
import { recentIds } from '../recent-ids.ts';
import type { NativeClient, NativeConsumer, NativeMessage, NativeMessageId } from './client.ts';
import { receiveWindow } from './receive-window.ts';

/** What the native client fetches ahead for one topic, in messages. */
const READ_AHEAD = 256;

/** Calls of `receive` that wait at once: one would cost a change of threads for each message. */
const RECEIVES = 16;

/** What a subscription holds unacknowledged: beyond it no topic of it is read. */
const WINDOW_MESSAGES = 2_000;
const WINDOW_BYTES = 32 * 1024 * 1024;

/** Ids of a topic that are remembered as handled: more than can be acknowledged and lost with one connection. */
const REMEMBERED_IDS = 20_000;

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5_000;

export interface ConsumerOptions {
  readonly client: NativeClient;
  readonly runtime: Pick<Runtime, 'now' | 'after' | 'random'>;
  readonly subscription: string;
  /** The same on every topic: then the broker gives a key to the same replica on all of them. */
  readonly consumerName: string;
  readonly topics: readonly { readonly topic: string; readonly address: string }[];
  readonly maxBatch: number;
  readonly handler: (batch: readonly Delivery[]) => Promise<void>;
  readonly rejected?: (cause: unknown, retryInMs: number) => void;
}

export interface Consumer {
  /** Resolves once every topic is subscribed to; rejects when it is closed before. */
  readonly subscribed: Promise<void>;
  /** Why it does not receive now, if so. */
  problem(): string | undefined;
  /** Waits for the batches under way and gives back what is not acknowledged. */
  close(): Promise<void>;
}

interface Held {
  readonly key: string;
  readonly id: string;
  readonly nativeId: NativeMessageId;
  readonly delivery: Delivery;
  readonly source: TopicConsumer;
}

interface TopicConsumer {
  acknowledge(held: Held): void;
  problem(): string | undefined;
  close(): Promise<void>;
}

/**
 * Consumes a durable subscription, a native consumer a topic, and makes batches of all of it. It acknowledges a message
 * once its batch has been handled, and refuses none: a negative acknowledgement would break the order of its key.
 *
 * The native client reconnects by itself. The broker then sends again, in order, what it has no acknowledgement of: what
 * is still here is known by its id and not handed out twice; what was handled, and whose acknowledgement was lost, is
 * acknowledged again.
 */
export const openConsumer = (options: ConsumerOptions): Consumer => {
  const { client, runtime, subscription, consumerName, rejected } = options;
  const window = receiveWindow(WINDOW_MESSAGES, WINDOW_BYTES);
  let isClosing = false;

  const queueOptions: BatchQueueOptions<Held> = {
    runtime,
    schedule: (task) => void setImmediate(task),
    acknowledged(batch) {
      for (const held of batch) held.source.acknowledge(held);
    },
    ...(rejected && { rejected }),
  };
  const queue = batchQueue<Held>(queueOptions);

  const openTopic = (topic: string, address: string, subscribed: () => void): TopicConsumer => {
    /** Ids of what is unacknowledged here. */
    const held = new Set<string>();
    const handled = recentIds(REMEMBERED_IDS);
    let consumer: NativeConsumer | undefined;
    let problem: string | undefined = 'not subscribed yet';

    const take = (over: NativeConsumer, message: NativeMessage): void => {
      const nativeId = message.getMessageId();
      const id = nativeId.toString();
      if (held.has(id)) return;
      if (handled.has(id)) {
        over.acknowledgeId(nativeId).catch(ignoreLost);
        return;
      }
      const payload = message.getData();
      const key = message.getPartitionKey();
      const delivery: Delivery = {
        topic,
        key,
        properties: { ...message.getProperties() },
        payload,
        publishedAt: message.getPublishTimestamp(),
      };
      held.add(id);
      window.take(payload.byteLength);
      queue.push({ key, id, nativeId, delivery, source: topicConsumer });
    };

    /** Until the consumer is closed, by us or because it cannot go on. */
    const receive = async (over: NativeConsumer): Promise<void> => {
      // The client answers these calls in their order, but their promises settle in any: so they are awaited in order.
      const calls = Array.from({ length: RECEIVES }, () => call(over));
      for (let place = 0; ; place = (place + 1) % RECEIVES) {
        const message = await (calls[place] as Promise<NativeMessage | Error>);
        if (message instanceof Error) throw message;
        if (isClosing) return;
        take(over, message);
        if (window.isFull) await window.room();
        calls[place] = call(over);
      }
    };

    const run = async (): Promise<void> => {
      for (let failures = 0; !isClosing; failures++) {
        try {
          const opened = await client.subscribe({
            topic: address,
            subscription,
            consumerName,
            subscriptionType: 'KeyShared',
            // it is there already: `npm run provision`; the broker makes none
            subscriptionInitialPosition: 'Earliest',
            receiverQueueSize: READ_AHEAD,
            receiverQueueSizeAcrossPartitions: READ_AHEAD * 16,
            batchIndexAckEnabled: true,
          });
          if (isClosing) {
            await opened.close();
            return;
          }
          consumer = opened;
          problem = undefined;
          failures = 0;
          subscribed();
          await receive(opened);
        } catch (error) {
          problem = error instanceof Error ? error.message : String(error);
          await consumer?.close().catch(ignoreLost);
          consumer = undefined;
        }
        if (isClosing) return;
        const ms = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures);
        await new Promise<void>((resolve) => runtime.after(ms, resolve));
      }
    };

    const topicConsumer: TopicConsumer = {
      acknowledge({ id, nativeId, delivery }) {
        held.delete(id);
        handled.add(id);
        window.giveBack(delivery.payload.byteLength);
        consumer?.acknowledgeId(nativeId).catch(ignoreLost);
      },
      problem: () => problem ?? (consumer?.isConnected() ? undefined : `${address} is not connected`),
      async close() {
        const closing = consumer;
        consumer = undefined;
        await closing?.close().catch(ignoreLost);
      },
    };
    void run();
    return topicConsumer;
  };

  const topics: TopicConsumer[] = [];
  const subscribed = Promise.all(
    options.topics.map(
      ({ topic, address }) =>
        new Promise<void>((resolve) => {
          topics.push(openTopic(topic, address, resolve));
        }),
    ),
  ).then(() => undefined);

  const attachment = queue.attach(options.maxBatch, (batch) =>
    options.handler(batch.map(({ delivery }) => delivery)),
  );

  return {
    subscribed,
    problem: () => topics.map((topic) => topic.problem()).find((problem) => problem !== undefined),
    async close() {
      isClosing = true;
      window.open();
      await attachment.detach();
      await Promise.all(topics.map((topic) => topic.close()));
    },
  };
};

/** A `receive` that tells its failure as a value: several wait at once, and the first to fail ends the loop. */
const call = (consumer: NativeConsumer): Promise<NativeMessage | Error> =>
  consumer.receive().catch((error) => (error instanceof Error ? error : new Error(String(error))));

/** What is not acknowledged, or not closed, since the connection is lost, comes again. */
const ignoreLost = (): undefined => undefined;
