import type { BatchQueue, BatchQueueOptions } from '../../batching.ts';
import type { Delivery, SubscribeOptions } from '../../bus.ts';
import type { Link, LinkSettings } from './link.ts';

/** A topic, and where the WebSocket API serves it to this subscription. */
export interface TopicAddress {
  readonly topic: string;
  readonly url: string;
}

/** What a subscription of either mode is opened with. */
export interface ConsumerOptions {
  readonly link: LinkSettings;
  readonly queue: Pick<BatchQueueOptions<unknown>, 'runtime' | 'schedule' | 'rejected'>;
  readonly topics: readonly TopicAddress[];
  readonly maxBatch: SubscribeOptions['maxBatch'];
  readonly handler: (batch: readonly Delivery[]) => Promise<void>;
  /** Told of each connection that is lost or cannot be made. */
  lost(topic: string, reason: string): void;
}

/** Consumes the topics of one subscription. */
export interface Consumer {
  /** Resolves once each topic has been connected to; rejects when it is closed before. */
  readonly subscribed: Promise<void>;
  /** Why some topic is not connected, or undefined. */
  readonly problem: string | undefined;
  /** Waits for the batches under way, acknowledges them, and leaves the rest to the broker. */
  close(): Promise<void>;
}

export interface TopicLinksOptions<T, Held> extends ConsumerOptions {
  readonly batches: BatchQueue<Held>;
  /** Opens the connection of a topic, and calls back each time that it is open. */
  open(address: TopicAddress, opened: () => void): T;
  /** Told that nothing more is to be taken. */
  closing(): void;
}

/** The connections of a subscription's topics, one each, whose messages are handled in batches of all of them. */
export const openTopicLinks = <
  T extends { readonly link: Link },
  Held extends { readonly delivery: Delivery },
>({
  topics,
  batches,
  maxBatch,
  handler,
  open,
  closing,
}: TopicLinksOptions<T, Held>): Consumer & { readonly all: readonly T[] } => {
  let fail = (_: Error): void => {};
  const closed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const openings: Promise<void>[] = [];
  const all = topics.map((address) => {
    let opened = (): void => {};
    openings.push(
      new Promise((resolve) => {
        opened = resolve;
      }),
    );
    return open(address, () => opened());
  });
  const subscribed = Promise.race([Promise.all(openings).then(() => undefined), closed]);
  subscribed.catch(() => undefined); // whoever subscribes is told
  const attachment = batches.attach(maxBatch, (batch) => handler(batch.map(({ delivery }) => delivery)));
  return {
    all,
    subscribed,
    get problem() {
      return all.find(({ link }) => link.problem)?.link.problem;
    },
    async close() {
      closing();
      await attachment.detach();
      fail(new Error('The bus is closed'));
      await Promise.all(all.map(({ link }) => link.close()));
    },
  };
};
