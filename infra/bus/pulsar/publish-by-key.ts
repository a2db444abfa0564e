import type { BusMessage, Settled } from '../bus.ts';

const BEHIND: Settled = { status: 'retryable', reason: 'an earlier message of its key was not published' };

/**
 * Sends one message.
 * @param settle called once, later, when `send` has returned nothing
 * @returns the outcome where the message is not taken
 */
export type Send = (message: BusMessage, settle: (outcome: Settled) => void) => Settled | undefined;

/** The messages of one key in one call. */
interface Stream {
  /** The topic of those under way. */
  topic: string;
  underWay: number;
  /** The place of the first that failed; infinite while none has. */
  failed: number;
  /** Places of messages that wait until those under way are durable. */
  readonly waiting: number[];
}

/**
 * Publishes messages so that it fails stop per key: after one that is not durable, the later ones of its key are not
 * published. Of one key and topic they follow each other at once, since a topic's connection fails as a whole; where the
 * topic changes, the earlier ones must be durable first.
 */
export const publishByKey = (messages: readonly BusMessage[], send: Send): Promise<Settled[]> =>
  new Promise((resolve) => {
    const outcomes: Settled[] = new Array(messages.length);
    let open = messages.length;
    if (open === 0) return resolve(outcomes);
    const streams = new Map<string, Stream>();

    const settle = (place: number, outcome: Settled): void => {
      outcomes[place] = outcome;
      if (--open === 0) resolve(outcomes);
    };

    const start = (stream: Stream, place: number): void => {
      const refused = send(messages[place] as BusMessage, (outcome) => {
        stream.underWay--;
        settle(place, place > stream.failed ? BEHIND : outcome);
        if (outcome.status !== 'durable') stream.failed = Math.min(stream.failed, place);
        if (stream.underWay === 0) goOn(stream);
      });
      if (refused) {
        stream.failed = Math.min(stream.failed, place);
        settle(place, refused);
      } else stream.underWay++;
    };

    const goOn = (stream: Stream): void => {
      for (let place = stream.waiting[0]; place !== undefined; place = stream.waiting[0]) {
        const { topic } = messages[place] as BusMessage;
        if (place > stream.failed) settle(place, BEHIND);
        else if (stream.underWay > 0 && topic !== stream.topic) return;
        else {
          stream.topic = topic;
          start(stream, place);
        }
        stream.waiting.shift();
      }
    };

    for (let place = 0; place < messages.length; place++) {
      const { key, topic } = messages[place] as BusMessage;
      let stream = streams.get(key);
      if (!stream) {
        stream = { topic, underWay: 0, failed: Number.POSITIVE_INFINITY, waiting: [] };
        streams.set(key, stream);
      }
      stream.waiting.push(place);
      goOn(stream);
    }
  });
