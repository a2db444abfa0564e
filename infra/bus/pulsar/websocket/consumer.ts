import { batchQueue } from '../../batching.ts';
import type { Delivery } from '../../bus.ts';
import { recentIds } from '../recent-ids.ts';
import { acknowledgeFrame, permitFrame, readDelivery } from './frames.ts';
import { type Link, openLink } from './link.ts';
import { type Consumer, type ConsumerOptions, openTopicLinks, type TopicAddress } from './topic-links.ts';

/** What a topic has here unacknowledged or on its way, at most: in messages, and in bytes as far as they are foreseen. */
const WINDOW_MESSAGES = 1_000;
const WINDOW_BYTES = 8 * 1024 * 1024;

/** Unacknowledged bytes of a topic at which its connection is not read any more, whatever is on its way. */
const MOST_BYTES = 2 * WINDOW_BYTES;

/** How large a message is believed to be before one has come. */
const FIRST_ESTIMATE_BYTES = 512 * 1024;

/** Ids of a topic that are remembered as handled: more than can be acknowledged and lost with one broker. */
const REMEMBERED_IDS = 20_000;

/** How many messages of a partition the broker reads ahead for a consumer, of whatever size: in its memory until we ask. */
export const READ_AHEAD = 32;

interface Held {
  readonly key: string;
  readonly id: string;
  readonly delivery: Delivery;
  readonly source: TopicConsumer;
  /** Its connection is lost, and it has not come again: the broker may have given it to another replica. */
  isStale: boolean;
}

interface TopicConsumer {
  readonly link: Link;
  done(held: Held): void;
  /** Lets the broker send more, where there is room. */
  permit(): void;
}

/**
 * Consumes a durable subscription, one connection a topic, and makes batches of all of it. It acknowledges a message once its
 * batch has been handled, and never refuses one: a negative acknowledgement would break the order of its key.
 *
 * When a connection is lost, the broker sends again, in order, what it has no acknowledgement of, to this replica or
 * to another one. So what waits here is dropped; what is in a batch under way is finished, and acknowledged over
 * the next connection. What then comes again, though it is under way or handled, is acknowledged and not handled twice.
 */
export const openConsumer = (options: ConsumerOptions): Consumer => {
  let isClosing = false;

  const queue = batchQueue<Held>({
    ...options.queue,
    acknowledged(batch) {
      for (const held of batch) held.source.done(held);
      for (const topic of topics.all) topic.permit();
    },
  });

  const openTopic = ({ topic, url }: TopicAddress, opened: () => void): TopicConsumer => {
    const held = new Map<string, Held>();
    const handled = recentIds(REMEMBERED_IDS);
    /** Ids that were handled while there was no connection. */
    let owed: string[] = [];
    let heldBytes = 0;
    let permitted = 0;
    let estimate = FIRST_ESTIMATE_BYTES;

    const received = (frame: string): void => {
      permitted--;
      const { messageId, key, properties, payload, publishedAt } = readDelivery(frame);
      const known = held.get(messageId);
      if (isClosing) return;
      if (known) known.isStale = false;
      else if (handled.has(messageId)) link.send(acknowledgeFrame(messageId));
      else {
        const delivery: Delivery = { topic, key, properties, payload, publishedAt };
        const taken: Held = { key, id: messageId, delivery, source: consumer, isStale: false };
        held.set(messageId, taken);
        heldBytes += payload.byteLength;
        estimate = Math.max(frame.length, estimate * 0.95);
        queue.push(taken);
        if (heldBytes > MOST_BYTES) link.pause();
      }
      permit();
    };

    const link = openLink(options.link, {
      url: () => url,
      opened() {
        permitted = 0;
        for (const id of owed) link.send(acknowledgeFrame(id));
        owed = [];
        permit();
        opened();
      },
      received(frame) {
        try {
          received(frame);
        } catch (error) {
          link.drop(error instanceof Error ? error.message : String(error));
        }
      },
      lost(reason) {
        for (const message of held.values()) message.isStale = true;
        for (const message of queue.discard(({ source, isStale }) => isStale && source === consumer)) {
          forget(message);
        }
        options.lost(topic, reason);
      },
    });

    const forget = ({ id, delivery }: Held): void => {
      held.delete(id);
      heldBytes -= delivery.payload.byteLength;
      if (heldBytes <= WINDOW_BYTES) link.resume();
    };

    const permit = (): void => {
      if (isClosing || !link.isOpen) return;
      const window = Math.max(1, Math.min(WINDOW_MESSAGES, Math.floor(WINDOW_BYTES / estimate)));
      const fitting = Math.floor(Math.max(0, WINDOW_BYTES - heldBytes) / estimate);
      let room = Math.min(window - held.size, fitting) - permitted;
      if (held.size + permitted === 0) room = Math.max(1, room);
      if (room < 1 || room < window / 4) return;
      permitted += room;
      link.send(permitFrame(room));
    };

    const consumer: TopicConsumer = {
      link,
      permit,
      done(message) {
        forget(message);
        handled.add(message.id);
        if (link.isOpen) link.send(acknowledgeFrame(message.id));
        else owed.push(message.id);
      },
    };
    return consumer;
  };

  const topics = openTopicLinks<TopicConsumer, Held>({
    ...options,
    batches: queue,
    open: openTopic,
    closing() {
      isClosing = true;
    },
  });
  return topics;
};
