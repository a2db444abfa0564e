import type { Runtime } from '../../../runtime.ts';
import type { BusMessage, Settled } from '../../bus.ts';
import { frameBytes, PAYLOAD_ENCODING_ERROR, publishFrame, readPublishAnswer } from './frames.ts';
import { type LinkSettings, openLink } from './link.ts';

/** What is sent and not answered, at most: in messages, and in bytes unless one message alone has more. */
const WINDOW_MESSAGES = 1_000;
const WINDOW_BYTES = 8 * 1024 * 1024;

/** A message that is not answered within this is given up with all that was sent, in milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;

/** How long closing waits for what is not answered, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000;

/** RFC 6455, 7.4.1: a frame was larger than the broker reads (`webSocketMaxTextFrameSize`). */
const TOO_BIG = 1009;

export interface ProducerOptions {
  readonly link: LinkSettings & { readonly runtime: Pick<Runtime, 'now'> };
  readonly url: string;
  /** Told of each connection that is lost or cannot be made. */
  lost(reason: string): void;
}

/** Publishes to one topic. */
export interface Producer {
  /** Why nothing can be published now, or undefined. */
  readonly problem: string | undefined;
  /**
   * Sends after what was sent before.
   * @param settle called once, later, when nothing is returned
   * @returns the outcome where the message is not taken
   */
  send(message: BusMessage, bytes: number, settle: (outcome: Settled) => void): Settled | undefined;
  /** Takes no more, waits for the answers as long as there is hope, and settles what is left as `retryable`. */
  close(): Promise<void>;
}

interface Send {
  readonly message: BusMessage;
  readonly bytes: number;
  settle(outcome: Settled): void;
  /** Set when it is sent. */
  sentAt: number;
  frameLength: number;
}

/**
 * Sends in order, several at a time, and keeps that order where something fails: with `sendTimeoutMillis=0` Pulsar's
 * own producer gives up nothing by itself, so a message fails alone only where it can never be published, and otherwise
 * with all that was sent after it. When the connection is lost, all that is not answered settles `retryable`, what
 * waits included, and until it is back everything does so at once: nothing waits longer than `ANSWER_TIMEOUT_MS`.
 */
export const openProducer = ({ link: settings, url, lost }: ProducerOptions): Producer => {
  const { runtime } = settings;
  const sent = new Map<number, Send>();
  const waiting = new Set<Send>();
  let sentBytes = 0;
  let nextContext = 0;
  let limit = Number.POSITIVE_INFINITY;
  let closed = false;
  let whenSettled: (() => void) | undefined;
  let isWatching = false;

  const link = openLink(settings, {
    url: () => url,
    opened() {
      limit = Number.POSITIVE_INFINITY; // a broker that was started anew may read more
      pump();
    },
    received(frame) {
      try {
        answered(frame);
      } catch (error) {
        link.drop(error instanceof Error ? error.message : String(error));
      }
    },
    lost(reason, status) {
      lost(reason);
      if (status === TOO_BIG) refuseTooBig(reason);
      failAll(reason);
    },
  });

  const isSettled = (): boolean => sent.size === 0 && waiting.size === 0;

  const answered = (frame: string): void => {
    const { context, error, reason } = readPublishAnswer(frame);
    if (context === undefined) throw new Error(`the broker could not read what was sent: ${reason}`);
    const answeredSend = sent.get(context);
    if (!answeredSend) return;
    sent.delete(context);
    sentBytes -= answeredSend.bytes;
    if (error === 0) answeredSend.settle({ status: 'durable' });
    else if (isRefusal(error, reason)) answeredSend.settle({ status: 'refused', reason });
    else {
      answeredSend.settle({ status: 'retryable', reason });
      throw new Error(reason); // what was sent after it must not be published before it
    }
    pump();
    if (isSettled()) whenSettled?.();
  };

  const pump = (): void => {
    for (const send of waiting) {
      const isFull = sent.size >= WINDOW_MESSAGES || sentBytes + send.bytes > WINDOW_BYTES;
      if (!link.isOpen || (isFull && sent.size > 0)) return;
      waiting.delete(send);
      transmit(send);
    }
  };

  const transmit = (send: Send): void => {
    const frame = publishFrame(send.message, nextContext);
    if (frame.length > limit) {
      const outcome = tooBig(frame.length, limit);
      queueMicrotask(() => send.settle(outcome)); // never before `send` has returned
      return;
    }
    send.frameLength = frame.length;
    send.sentAt = runtime.now();
    sent.set(nextContext++, send);
    sentBytes += send.bytes;
    link.send(frame);
    watch();
  };

  /** Gives up a connection on which nothing is answered any more, though it lives: its topic cannot be written to. */
  const watch = (): void => {
    if (isWatching) return;
    const [oldest] = sent.values();
    if (!oldest) return;
    isWatching = true;
    runtime.after(oldest.sentAt + ANSWER_TIMEOUT_MS - runtime.now(), () => {
      isWatching = false;
      const [first] = sent.values();
      if (first && runtime.now() - first.sentAt >= ANSWER_TIMEOUT_MS) {
        link.drop(`the broker has not taken a message for ${ANSWER_TIMEOUT_MS / 1000} s`);
      } else watch();
    });
  };

  /** Settles for good what can never pass: it would be sent again for ever. */
  const refuseTooBig = (reason: string): void => {
    const told = Number(reason.match(/max[^[]*\[(\d+)\]/)?.[1] ?? Number.NaN);
    const bySize = [...sent].sort(([, a], [, b]) => b.frameLength - a.frameLength);
    for (const [place, [context, send]] of bySize.entries()) {
      if (place > 0 && !(send.frameLength > told)) break;
      sent.delete(context);
      send.settle(tooBig(send.frameLength, told));
    }
    if (told > 0) limit = told;
  };

  const failAll = (reason: string): void => {
    const failed = [...sent.values(), ...waiting];
    sent.clear();
    waiting.clear();
    sentBytes = 0;
    for (const send of failed) send.settle({ status: 'retryable', reason });
    whenSettled?.();
  };

  return {
    get problem() {
      return link.problem;
    },
    send(message, bytes, settle) {
      if (closed) return { status: 'retryable', reason: 'the bus is closed' };
      if (link.problem) return { status: 'retryable', reason: link.problem };
      waiting.add({ message, bytes: frameBytes(bytes), settle, sentAt: 0, frameLength: 0 });
      pump();
      return undefined;
    },
    async close() {
      closed = true;
      if (!isSettled() && link.isOpen) {
        await new Promise<void>((resolve) => {
          const cancel = runtime.after(CLOSE_TIMEOUT_MS, resolve);
          whenSettled = () => {
            cancel();
            resolve();
          };
        });
      }
      await link.close();
      failAll('the bus is closed');
    },
  };
};

/** Whether it can never be published as it is. The second is how Pulsar's producer words what is too large for it. */
const isRefusal = (error: number, reason: string): boolean =>
  error === PAYLOAD_ENCODING_ERROR || /exceeds \d+ bytes/.test(reason);

const tooBig = (length: number, limit: number): Settled => {
  const most = limit > 0 ? `${limit}, ` : '';
  return {
    status: 'refused',
    reason: `the message takes a frame of ${length} characters, more than ${most}the broker's webSocketMaxTextFrameSize`,
  };
};
