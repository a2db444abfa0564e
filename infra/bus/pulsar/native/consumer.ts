import type { Runtime } from '../../../runtime.ts';
import { type BatchQueueOptions, batchQueue } from '../../batching.ts';
import type { Delivery } from '../../bus.ts';
import { recentIds } from '../recent-ids.ts';
import type { NativeClient, NativeConsumer, NativeMessage, NativeMessageId } from './client.ts';
import { messageOf, pauseMs, watchConnection } from './connection.ts';
import { receiveWindow } from './receive-window.ts';

/** What the native client fetches ahead for one topic, all partitions together, in messages. */
const READ_AHEAD = 32;

/**
 * Calls of `receive` that wait at once, at most: no more messages than that are taken in one turn of the event loop. There
 * are fewer where messages are large: those that are answered hold their messages.
 */
const MOST_RECEIVES = 128;
const RECEIVED_BYTES = 8 * 1024 * 1024;

/** How large a message is believed to be before one has come: too large, so that a backlog of large ones is not fetched. */
const FIRST_ESTIMATE_BYTES = 512 * 1024;

/** What a subscription holds unacknowledged: beyond it no topic of it is read. */
const WINDOW_MESSAGES = 2_000;
const WINDOW_BYTES = 32 * 1024 * 1024;

/** How long the calls of a closed consumer may take to be answered, in milliseconds. */
const ANSWER_TIMEOUT_MS = 2_000;

/** Ids of a topic that are remembered as handled: more than can be acknowledged and lost with one connection. */
const REMEMBERED_IDS = 20_000;

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
    let estimate = FIRST_ESTIMATE_BYTES;
    /** In their order. */
    let calls: Promise<NativeMessage | Error>[] = [];

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
      estimate = Math.max(payload.byteLength, estimate * 0.9, 1);
      window.take(payload.byteLength);
      queue.push({ key, id, nativeId, delivery, source: topicConsumer });
    };

    /** Until the consumer is closed, by us or because it cannot go on. */
    const receive = async (over: NativeConsumer): Promise<void> => {
      // The client answers these calls in their order, but their promises settle in any: so they are awaited in order.
      calls = [];
      for (;;) {
        const most = Math.max(1, Math.min(MOST_RECEIVES, RECEIVED_BYTES / estimate));
        while (calls.length < most) calls.push(call(over));
        const message = await (calls.shift() as Promise<NativeMessage | Error>);
        if (message instanceof Error) throw message;
        if (isClosing) return;
        take(over, message);
        if (window.isFull) await window.room();
      }
    };

    const end = async (ended: NativeConsumer): Promise<void> => {
      if (consumer === ended) consumer = undefined;
      await ended.close().catch(ignoreLost);
      // Closing answers the calls that wait; one that a closed client never answers would keep the process alive.
      let cancel = (): void => {};
      const late = new Promise<void>((resolve) => {
        cancel = runtime.after(ANSWER_TIMEOUT_MS, resolve);
      });
      await Promise.race([Promise.all(calls), late]);
      cancel();
    };

    const run = async (): Promise<void> => {
      for (let failures = 1; !isClosing; failures++) {
        let opened: NativeConsumer | undefined;
        let stopWatching = (): void => {};
        try {
          opened = await client.subscribe({
            topic: address,
            subscription,
            consumerName,
            subscriptionType: 'KeyShared',
            // it is there already: `npm run provision`; the broker makes none
            subscriptionInitialPosition: 'Earliest',
            receiverQueueSize: READ_AHEAD,
            receiverQueueSizeAcrossPartitions: READ_AHEAD,
            batchIndexAckEnabled: true,
          });
          if (isClosing) break;
          const over = opened;
          consumer = over;
          problem = undefined;
          failures = 0;
          // closing it makes its pending receives fail, so that another one is opened
          stopWatching = watchConnection(over, runtime, () => void end(over));
          subscribed();
          await receive(over);
        } catch (error) {
          problem = messageOf(error);
        } finally {
          stopWatching();
          if (opened) await end(opened);
        }
        if (!isClosing) await new Promise<void>((resolve) => runtime.after(pauseMs(failures || 1), resolve));
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
        if (consumer) await end(consumer);
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
