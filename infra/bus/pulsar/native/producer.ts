import type { Cancel, Runtime } from '../../../runtime.ts';
import type { BusMessage, Settled } from '../../bus.ts';
import type { NativeClient, NativeProducer, NativeSchema } from './client.ts';

/** A publish is settled within this time and a little, whatever the broker does, in milliseconds. */
export const SETTLE_TIMEOUT_MS = 10_000;

/** Messages of one topic that are on their way to the broker, at most. */
const WINDOW = 10_000;

/** The native client's own limit: never reached, since then it would refuse one message of a key and take the next. */
const MAX_PENDING = 2 * WINDOW;

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5_000;

const DURABLE: Settled = { status: 'durable' };
const CLOSED: Settled = { status: 'retryable', reason: 'the bus is closed' };
const FULL: Settled = { status: 'retryable', reason: `${WINDOW} messages of the topic are on their way` };

export interface TopicProducerOptions {
  readonly client: NativeClient;
  readonly runtime: Pick<Runtime, 'after'>;
  /** `persistent://…` */
  readonly topic: string;
  /** Of the topic's contract: with it the registry validates the producer, and readers find the message's schema. */
  readonly schema?: NativeSchema;
}

/** Publishes to one topic, over one native producer that is opened on first use, and again where it was lost. */
export interface TopicProducer {
  /**
   * Sends in the order of the calls. `settle` is called once, later, when it returns nothing.
   * @returns the outcome where the message is not taken
   */
  send(message: BusMessage, settle: (outcome: Settled) => void): Settled | undefined;
  /** Why it cannot publish now, where it has tried. */
  problem(): string | undefined;
  /** Waits for what is on its way, as long as a publish takes at most. */
  close(): Promise<void>;
}

interface Sent {
  readonly settle: (outcome: Settled) => void;
  outcome: Settled | undefined;
}

interface Waiting {
  readonly message: BusMessage;
  readonly settle: (outcome: Settled) => void;
}

/**
 * The native client sends on after a reconnection, in order. When the broker has not answered within
 * `SETTLE_TIMEOUT_MS` it gives up all that it holds at once, so no message of a key overtakes an earlier one that failed.
 */
export const topicProducer = ({ client, runtime, topic, schema }: TopicProducerOptions): TopicProducer => {
  let producer: NativeProducer | undefined;
  /** Messages that wait for the producer, in order. */
  let waiting: Waiting[] = [];
  let expiry: Cancel | undefined;
  /** What was sent and is not settled, from `first` on. */
  let inOrder: Sent[] = [];
  let first = 0;
  let underWay = 0;
  let isOpening = false;
  let failures = 0;
  let problem: string | undefined;
  let isClosed = false;
  let whenIdle: (() => void) | undefined;

  const settled = (settle: (outcome: Settled) => void, outcome: Settled): void => {
    underWay--;
    settle(outcome);
    if (underWay === 0) whenIdle?.();
  };

  /** The broker answers in order, but promises of the native client settle in any: what was sent first is settled first. */
  const answered = (sent: Sent, outcome: Settled): void => {
    sent.outcome = outcome;
    for (let head = inOrder[first]; head?.outcome; head = inOrder[first]) {
      first++;
      settled(head.settle, head.outcome);
    }
    if (first > 1024 && first * 2 > inOrder.length) {
      inOrder = inOrder.slice(first);
      first = 0;
    }
  };

  const giveUp = (reason: string): void => {
    const given = waiting;
    waiting = [];
    expiry?.();
    expiry = undefined;
    for (const { settle } of given) settled(settle, { status: 'retryable', reason });
  };

  const open = async (): Promise<void> => {
    isOpening = true;
    try {
      const opened = await client.createProducer({
        topic,
        sendTimeoutMs: SETTLE_TIMEOUT_MS,
        // with true, a full queue or a broker that is away stops Node's event loop
        blockIfQueueFull: false,
        maxPendingMessages: MAX_PENDING,
        maxPendingMessagesAcrossPartitions: MAX_PENDING * 64,
        // A relay never sends a second message of a key before the first is durable, and a batch holds one key only
        // (Key_Shared): batches would hold one message each, a millisecond longer.
        batchingEnabled: false,
        messageRoutingMode: 'RoundRobinDistribution',
        // the default of Pulsar's Java client, and so of the WebSocket API: one key is on one partition, whoever publishes
        hashingScheme: 'JavaStringHash',
        ...(schema && { schema }),
      });
      failures = 0;
      problem = undefined;
      if (isClosed) return void opened.close().catch(() => undefined); // the client is closed after it anyway
      producer = opened;
      const sent = waiting;
      waiting = [];
      expiry?.();
      expiry = undefined;
      for (const { message, settle } of sent) sendOver(opened, message, settle);
    } catch (error) {
      problem = messageOf(error);
      giveUp(problem);
      const ms = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures++);
      await new Promise<void>((resolve) => runtime.after(ms, resolve));
    } finally {
      isOpening = false;
      if (waiting.length > 0 && !producer && !isClosed) void open();
    }
  };

  const sendOver = (over: NativeProducer, message: BusMessage, settle: (outcome: Settled) => void): void => {
    const { key, properties, payload } = message;
    const data = Buffer.isBuffer(payload)
      ? payload
      : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const sent: Sent = { settle, outcome: undefined };
    inOrder.push(sent);
    over.send({ data, properties, partitionKey: key }).then(
      () => answered(sent, DURABLE),
      (error) => {
        const reason = messageOf(error);
        // after a time-out it goes on; after anything else it may be dead for good (the topic was deleted)
        if (producer === over && !/time-?out/i.test(reason)) {
          producer = undefined;
          problem = reason;
          over.close().catch(() => undefined); // it is gone already
        }
        answered(sent, { status: 'retryable', reason });
      },
    );
  };

  return {
    send(message, settle) {
      if (isClosed) return CLOSED;
      if (underWay === WINDOW) return FULL;
      underWay++;
      if (producer) {
        sendOver(producer, message, settle);
        return undefined;
      }
      waiting.push({ message, settle });
      expiry ??= runtime.after(SETTLE_TIMEOUT_MS, () => {
        giveUp(problem ?? `no producer of ${topic} within ${SETTLE_TIMEOUT_MS} ms`);
      });
      if (!isOpening) void open();
      return undefined;
    },

    problem: () => problem,

    async close() {
      isClosed = true;
      giveUp('the bus is closed');
      if (underWay > 0) {
        await new Promise<void>((resolve) => {
          whenIdle = resolve;
        });
      }
      await producer?.close().catch(() => undefined); // closing the client ends it too
    },
  };
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
