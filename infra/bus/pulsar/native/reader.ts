import type { Runtime } from '../../../runtime.ts';
import { batchQueue } from '../../batching.ts';
import type { Delivery } from '../../bus.ts';
import type { NativeClient, NativeClients, NativeMessage, NativeReader } from './client.ts';
import type { Consumer } from './consumer.ts';
import { receiveWindow } from './receive-window.ts';

const READ_AHEAD = 256;
const WINDOW_MESSAGES = 2_000;
const WINDOW_BYTES = 32 * 1024 * 1024;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5_000;

export interface ReaderOptions {
  readonly clients: NativeClients;
  readonly runtime: Pick<Runtime, 'now' | 'after' | 'random'>;
  readonly topics: readonly { readonly topic: string; readonly address: string }[];
  readonly maxBatch: number;
  readonly handler: (batch: readonly Delivery[]) => Promise<void>;
  readonly rejected?: (cause: unknown, retryInMs: number) => void;
}

/**
 * Reads topics from now on, exclusively and without a trace in the broker: a native reader a topic and partition.
 *
 * They tell their messages to a listener, since `readNext` holds one of Node's four threads as long as it waits. A reader
 * with a listener must not be closed while the client may call it: that has crashed the process. So each subscription
 * has a client of its own, which is closed first. The client's one listener thread waits while the listener's promise
 * is pending: that is the back pressure.
 */
export const openReader = (options: ReaderOptions): Consumer => {
  const { clients, runtime, rejected } = options;
  const client = clients.open();
  const window = receiveWindow(WINDOW_MESSAGES, WINDOW_BYTES);
  const readers: NativeReader[] = [];
  let problem: string | undefined = 'not subscribed yet';
  let isClosing = false;

  const queue = batchQueue<Delivery>({
    runtime,
    schedule: (task) => void setImmediate(task),
    acknowledged(batch) {
      for (const { payload } of batch) window.giveBack(payload.byteLength);
    },
    ...(rejected && { rejected }),
  });

  const heard = (topic: string, message: NativeMessage): Promise<void> | undefined => {
    if (isClosing) return undefined;
    const payload = message.getData();
    window.take(payload.byteLength);
    queue.push({
      topic,
      key: message.getPartitionKey(),
      properties: { ...message.getProperties() },
      payload,
      publishedAt: message.getPublishTimestamp(),
    });
    return window.isFull ? window.room() : undefined;
  };

  const openTopic = async (topic: string, address: string): Promise<void> => {
    for (const partition of await client.getPartitionsForTopic(address)) {
      const reader = await client.createReader({
        topic: partition,
        startMessageId: clients.latest(),
        receiverQueueSize: READ_AHEAD,
        listener: (message) => heard(topic, message),
      });
      readers.push(reader);
    }
  };

  /** Until each topic is read: the broker may be away, or a topic not there yet. */
  const openTopics = async (): Promise<void> => {
    const left = [...options.topics];
    for (let failures = 0; !isClosing; ) {
      const [next] = left;
      if (!next) break;
      try {
        await openTopic(next.topic, next.address);
        left.shift();
        failures = 0;
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
        const ms = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures++);
        await new Promise<void>((resolve) => runtime.after(ms, resolve));
      }
    }
    if (!isClosing) problem = undefined;
  };

  const attachment = queue.attach(options.maxBatch, options.handler);

  return {
    subscribed: openTopics(),
    problem: () =>
      problem ?? (readers.every((reader) => reader.isConnected()) ? undefined : 'a reader is not connected'),
    async close() {
      isClosing = true;
      window.open();
      await attachment.detach();
      await closeClient(client);
      for (const reader of readers) await reader.close().catch(() => undefined); // closed with the client
    },
  };
};

const closeClient = (client: NativeClient): Promise<unknown> => client.close().catch(() => undefined);
