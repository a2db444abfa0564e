import type { Runtime } from '../../../runtime.ts';
import { batchQueue } from '../../batching.ts';
import type { Delivery } from '../../bus.ts';
import type { NativeClient, NativeClients, NativeMessage, NativeMessageId, NativeReader } from './client.ts';
import { messageOf, pauseMs, watchConnection } from './connection.ts';
import type { Consumer } from './consumer.ts';
import { receiveWindow } from './receive-window.ts';

/** What the native client fetches ahead for one partition, in messages. */
const READ_AHEAD = 32;

/** What is held that no handler has handled yet: beyond it nothing is read. */
const WINDOW_MESSAGES = 2_000;
const WINDOW_BYTES = 32 * 1024 * 1024;

export interface ReaderOptions {
  readonly clients: NativeClients;
  readonly runtime: Pick<Runtime, 'now' | 'after' | 'random'>;
  readonly topics: readonly { readonly topic: string; readonly address: string }[];
  readonly maxBatch: number;
  readonly handler: (batch: readonly Delivery[]) => Promise<void>;
  readonly rejected?: (cause: unknown, retryInMs: number) => void;
}

/** The readers of all topics, over a client of their own. */
interface Session {
  readonly client: NativeClient;
  readonly readers: NativeReader[];
  isOver: boolean;
}

/**
 * Reads topics from now on, exclusively and without a trace in the broker: a native reader a topic and partition.
 *
 * They tell their messages to a listener, since `readNext` holds one of Node's four threads as long as it waits. A reader
 * with a listener must not be closed while the client may call it: that has crashed the process. So a subscription has
 * a client of its own, which is closed first. The client's one listener thread waits while the listener's promise is
 * pending: that is the back pressure.
 *
 * When a connection is lost for long, another client goes on after the last message that was read.
 */
export const openReader = (options: ReaderOptions): Consumer => {
  const { clients, runtime, rejected } = options;
  const window = receiveWindow(WINDOW_MESSAGES, WINDOW_BYTES);
  /** The last message of each partition. */
  const last = new Map<string, NativeMessageId>();
  let session: Session | undefined;
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

  const openPartition = async (topic: string, partition: string, over: Session): Promise<void> => {
    const reader = await over.client.createReader({
      topic: partition,
      startMessageId: last.get(partition) ?? clients.latest(),
      receiverQueueSize: READ_AHEAD,
      listener(message: NativeMessage) {
        if (over.isOver) return undefined;
        last.set(partition, message.getMessageId());
        const payload = message.getData();
        const properties = { ...message.getProperties() };
        const publishedAt = message.getPublishTimestamp();
        window.take(payload.byteLength);
        queue.push({ topic, key: message.getPartitionKey(), properties, payload, publishedAt });
        return window.isFull ? window.room() : undefined;
      },
    });
    over.readers.push(reader);
    // a listener that is left keeps the process alive
    if (over.isOver) await reader.close().catch(() => undefined);
  };

  const end = async (ended: Session): Promise<void> => {
    if (ended.isOver) return;
    ended.isOver = true;
    await ended.client.close().catch(() => undefined); // the broker may be away: the connection is gone all the same
    // closed with their client: this gives back what their listeners hold in Node
    for (const reader of ended.readers) await reader.close().catch(() => undefined);
  };

  /** Resolves once the connection of one of the session's readers is lost, or the subscription is closed. */
  const untilLost = (over: Session): Promise<void> =>
    new Promise((resolve) => {
      const all = {
        isConnected: () => !over.isOver && over.readers.every((reader) => reader.isConnected()),
      };
      watchConnection(all, runtime, resolve);
    });

  const run = async (subscribed: () => void): Promise<void> => {
    for (let failures = 1; !isClosing; failures++) {
      const opened: Session = { client: clients.open(), readers: [], isOver: false };
      session = opened;
      try {
        for (const { topic, address } of options.topics) {
          for (const partition of await opened.client.getPartitionsForTopic(address))
            await openPartition(topic, partition, opened);
        }
        problem = undefined;
        failures = 0;
        subscribed();
        await untilLost(opened);
      } catch (error) {
        problem = messageOf(error);
      }
      await end(opened);
      if (!isClosing) await new Promise<void>((resolve) => runtime.after(pauseMs(failures || 1), resolve));
    }
  };

  const attachment = queue.attach(options.maxBatch, options.handler);
  const subscribed = new Promise<void>((resolve) => void run(resolve));

  return {
    subscribed,
    problem: () => {
      if (problem !== undefined) return problem;
      const connected = session?.readers.every((reader) => reader.isConnected());
      return connected ? undefined : 'a reader is not connected';
    },
    async close() {
      isClosing = true;
      window.open();
      await attachment.detach();
      if (session) await end(session);
    },
  };
};
