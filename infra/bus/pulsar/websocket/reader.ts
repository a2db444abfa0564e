import { batchQueue } from '../../batching.ts';
import type { Delivery } from '../../bus.ts';
import { acknowledgeFrame, readDelivery } from './frames.ts';
import { type Link, openLink } from './link.ts';
import { type Consumer, type ConsumerOptions, openTopicLinks, type TopicAddress } from './topic-links.ts';

/** What a topic has here and not handled, at most, in messages. */
export const READER_WINDOW = 200;

/** Bytes not handled at which a topic's connection is not read any more, and at which it is read again. */
const MOST_BYTES = 16 * 1024 * 1024;
const ENOUGH_BYTES = MOST_BYTES / 2;

/** Refusals in a row after which reading goes on from now, since the last message may not be there any more. */
const REFUSALS_BEFORE_LATEST = 5;

interface Read {
  readonly key: string;
  readonly id: string;
  readonly delivery: Delivery;
  readonly source: TopicReader;
  /** Which connection of its topic it came by. */
  readonly connection: number;
}

interface TopicReader {
  readonly link: Link;
  done(read: Read): void;
}

/**
 * Reads topics from now on (`each-replica`), one connection a topic. A lost connection goes on after the last message that came.
 * The broker waits for whoever is slow.
 */
export const openReader = (options: ConsumerOptions): Consumer => {
  let isClosing = false;

  const queue = batchQueue<Read>({
    ...options.queue,
    acknowledged(batch) {
      for (const read of batch) read.source.done(read);
    },
  });

  const openTopic = ({ topic, url }: TopicAddress, opened: () => void): TopicReader => {
    let connection = 0;
    let last = 'latest';
    let heldBytes = 0;
    let refusals = 0;

    const link = openLink(options.link, {
      url: () => `${url}&messageId=${encodeURIComponent(last)}`,
      opened() {
        connection++;
        refusals = 0;
        opened();
      },
      received(frame) {
        if (isClosing) return;
        try {
          const { messageId: id, key, properties, payload, publishedAt } = readDelivery(frame);
          const delivery: Delivery = { topic, key, properties, payload, publishedAt };
          last = id;
          heldBytes += payload.byteLength;
          if (heldBytes > MOST_BYTES) link.pause();
          queue.push({ key, id, delivery, source: reader, connection });
        } catch (error) {
          link.drop(error instanceof Error ? error.message : String(error));
        }
      },
      lost(reason, status) {
        if (status !== undefined && status < 1000 && ++refusals >= REFUSALS_BEFORE_LATEST) last = 'latest';
        options.lost(topic, reason);
      },
    });

    const reader: TopicReader = {
      link,
      done(read) {
        heldBytes -= read.delivery.payload.byteLength;
        if (heldBytes <= ENOUGH_BYTES) link.resume();
        // to a reader's connection an acknowledgement means that it may send one more
        if (read.connection === connection && link.isOpen) link.send(acknowledgeFrame(read.id));
      },
    };
    return reader;
  };

  return openTopicLinks<TopicReader, Read>({
    ...options,
    batches: queue,
    open: openTopic,
    closing() {
      isClosing = true;
    },
  });
};
