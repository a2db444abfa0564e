import type { Cancel, Runtime } from '../../../runtime.ts';
import type { BusMessage, Settled } from '../../bus.ts';
import type { NativeClient, NativeProducer, NativeSchema } from './client.ts';
import { messageOf, pauseMs, watchConnection } from './connection.ts';

/** A publish is settled within this time, whatever the broker does, in milliseconds. */
export const SETTLE_TIMEOUT_MS = 10_000;

/** Messages of one topic that are on their way to the broker, at most. */
const WINDOW = 10_000;

/** The native client's own limits: never reached, since then it would refuse one message of a key and take the next. */
const MAX_PENDING = 2 * WINDOW;
const SEND_TIMEOUT_MS = 2 * SETTLE_TIMEOUT_MS;

const DURABLE: Settled = { status: 'durable' };
const CLOSED: Settled = { status: 'retryable', reason: 'the bus is closed' };
const FULL: Settled = { status: 'retryable', reason: `${WINDOW} messages of the topic are on their way` };

/** What the client says of a broker that is away, or not ready yet: it is asked again. */
const TRANSIENT = /connect|retry|time-?out|not ?ready|lookup|unknown/i;

export interface TopicProducerOptions {
  readonly client: NativeClient;
  readonly runtime: Pick<Runtime, 'now' | 'after'>;
  /** `persistent://…` */
  readonly topic: string;
  /** Of the topic's contract: with it the registry validates the producer, and readers find the message's schema. */
  readonly schema?: NativeSchema;
}

/**
 * Publishes to one topic, over one native producer at a time: opened on first use, and again where it was lost, whether
 * or not anything waits for it: what has a problem is not ready, and a replica that is not ready is given nothing to send.
 */
export interface TopicProducer {
  /**
   * Sends in the order of the calls. `settle` is called once, later, in the same order, when it returns nothing.
   * @returns the outcome where the message is not taken
   */
  send(message: BusMessage, settle: (outcome: Settled) => void): Settled | undefined;
  /** Why it cannot publish now, where it has tried. */
  problem(): string | undefined;
  /** Waits for what is on its way, as long as a publish takes at most. */
  close(): Promise<void>;
}

interface Entry {
  readonly message: BusMessage;
  readonly settle: (outcome: Settled) => void;
  readonly deadline: number;
  /** Over which producer it was sent. */
  over: NativeProducer | undefined;
  outcome: Settled | undefined;
}

/**
 * What is not settled is sent again, in order, over the next producer when one is lost: it may be twice on the topic, and
 * never out of order. When the first has waited for `SETTLE_TIMEOUT_MS` all are given up at once, so that no message of
 * a key overtakes an earlier one that failed.
 */
export const topicProducer = ({ client, runtime, topic, schema }: TopicProducerOptions): TopicProducer => {
  /** What is not settled, in order, from `first` on. */
  let entries: Entry[] = [];
  let first = 0;
  let producer: NativeProducer | undefined;
  let stopWatching: Cancel | undefined;
  let isOpening = false;
  let failures = 0;
  let problem: string | undefined;
  let expiry: Cancel | undefined;
  let isClosed = false;
  let whenIdle: (() => void) | undefined;

  const head = (): Entry | undefined => entries[first];

  /** The broker answers in order, but promises of the native client settle in any: what was sent first is settled first. */
  const settleInOrder = (): void => {
    for (let entry = head(); entry?.outcome; entry = head()) {
      first++;
      entry.settle(entry.outcome);
    }
    if (first === entries.length || first > 1024) {
      entries = entries.slice(first);
      first = 0;
    }
    if (entries.length === 0) whenIdle?.();
  };

  const giveUp = (reason: string): void => {
    for (let place = first; place < entries.length; place++) {
      (entries[place] as Entry).outcome ??= { status: 'retryable', reason };
    }
    settleInOrder();
  };

  /** Looks at the first that waits when it may wait no longer. */
  const awaitExpiry = (): void => {
    const waiting = head();
    if (expiry || !waiting) return;
    expiry = runtime.after(Math.max(0, waiting.deadline - runtime.now()), () => {
      expiry = undefined;
      const late = head();
      if (late && late.deadline <= runtime.now()) {
        const reason = problem ?? `the broker has not answered within ${SETTLE_TIMEOUT_MS} ms`;
        drop(reason);
        giveUp(reason);
        reopen();
      }
      awaitExpiry();
    });
  };

  /** Another producer is opened for what is left. */
  const drop = (reason: string): void => {
    problem = reason;
    stopWatching?.();
    const dropped = producer;
    producer = undefined;
    dropped?.close().catch(() => undefined); // it is lost already
  };

  const reopen = (): void => {
    if (!producer && !isOpening && !isClosed) void open();
  };

  const open = async (): Promise<void> => {
    isOpening = true;
    try {
      if (failures > 0) await new Promise<void>((resolve) => runtime.after(pauseMs(failures), resolve));
      failures++;
      const opened = await client.createProducer({
        topic,
        sendTimeoutMs: SEND_TIMEOUT_MS,
        // with true, a full queue or a broker that is away stops Node's event loop
        blockIfQueueFull: false,
        maxPendingMessages: MAX_PENDING,
        maxPendingMessagesAcrossPartitions: MAX_PENDING * 64,
        // A batch holds one key only (Key_Shared), and of most keys one message is on its way at a time: batches would
        // hold little, wait for more, and count as one message in the broker's backlog.
        batchingEnabled: false,
        messageRoutingMode: 'RoundRobinDistribution',
        // the default of Pulsar's Java client, and so of the WebSocket API: one key is on one partition, whoever publishes
        hashingScheme: 'JavaStringHash',
        ...(schema && { schema }),
      });
      if (isClosed && !head()) return void opened.close().catch(() => undefined); // the client's end is its end
      problem = undefined;
      producer = opened;
      stopWatching = watchConnection(opened, runtime, () => lost(opened, `${topic} is not connected`));
      for (let place = first; place < entries.length; place++) transmit(entries[place] as Entry, opened);
    } catch (error) {
      problem = messageOf(error);
      if (!TRANSIENT.test(problem)) giveUp(problem);
    } finally {
      isOpening = false;
      reopen();
    }
  };

  const lost = (over: NativeProducer, reason: string): void => {
    if (producer !== over) return;
    drop(reason);
    reopen();
  };

  const transmit = (entry: Entry, over: NativeProducer): void => {
    if (entry.outcome) return;
    entry.over = over;
    const { key, properties, payload } = entry.message;
    const data = Buffer.isBuffer(payload)
      ? payload
      : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    over.send({ data, properties, partitionKey: key }).then(
      () => {
        entry.outcome ??= DURABLE;
        failures = 0;
        if (entry === head()) settleInOrder();
      },
      (error) => {
        const reason = messageOf(error);
        // the broker may take less than we do
        if (/too ?big/i.test(reason)) {
          entry.outcome ??= { status: 'refused', reason };
          settleInOrder();
        } else if (entry.over === over) lost(over, reason);
      },
    );
  };

  return {
    send(message, settle) {
      if (isClosed) return CLOSED;
      if (entries.length - first >= WINDOW) return FULL;
      const deadline = runtime.now() + SETTLE_TIMEOUT_MS;
      const entry: Entry = { message, settle, deadline, over: undefined, outcome: undefined };
      entries.push(entry);
      awaitExpiry();
      if (producer) transmit(entry, producer);
      else reopen();
      return undefined;
    },

    problem: () => problem,

    async close() {
      isClosed = true;
      if (!producer) giveUp('the bus is closed');
      if (head()) {
        await new Promise<void>((resolve) => {
          whenIdle = resolve;
        });
      }
      expiry?.();
      stopWatching?.();
      await producer?.close().catch(() => undefined); // closing the client ends it too
    },
  };
};
