/** A message as the bus carries it: an opaque payload with CloudEvents properties (see messaging/message.ts). */
export interface BusMessage {
  /** `<owner>/<Contract>.v<major>`, declared in the manifest. */
  readonly topic: string;
  /** What orders: messages of one topic and key are delivered in the order they were published. */
  readonly key: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
}

/** One attempt to deliver a message to one subscription. The same message may be delivered more than once. */
export interface Delivery extends BusMessage {
  /** When the bus took the message (epoch milliseconds). */
  readonly publishedAt: number;
}

/**
 * How the publishing of one message ended.
 * - `durable`: it survives a crash of any one process and will reach every declared subscription.
 * - `retryable`: not known to be durable; publishing it again may duplicate it.
 * - `refused`: it can never be published as it is (too large, a topic that is not declared).
 */
export type Settled =
  | { readonly status: 'durable' }
  | { readonly status: 'retryable' | 'refused'; readonly reason: string };

export interface SubscribeOptions {
  readonly topics: readonly string[];
  readonly subscription: string;
  /**
   * `shared-by-key`: durable, declared in the manifest; its replicas share the work, each key at one replica at a time.
   * `each-replica`: exclusive and non-durable; every subscriber sees every message from now on. No guarantee rests on it.
   */
  readonly mode: 'shared-by-key' | 'each-replica';
  /** The most messages handed to the handler at once. */
  readonly maxBatch: number;
}

export interface Subscription {
  /** Stops taking messages, waits for the batches under way, gives back what was not acknowledged. */
  close(): Promise<void>;
}

/**
 * The transport port. Guarantees, each checked by `testing/conformance.ts` on every transport:
 * - at least once: a durable message reaches every declared subscription, until its handler resolves;
 * - order per key and topic, redeliveries included: a message is not handed out while an earlier one of its key on
 *   that subscription is unacknowledged in another batch; within a batch messages stand in order;
 * - a handler that rejects gets the same messages again, in order, after a backoff; other keys flow meanwhile;
 * - at most two batches of one subscription are under way at once, and they share no key.
 */
export interface Bus {
  /**
   * Publishes in the order given, per topic and key. It fails stop per key: after a message of a key that is not
   * durable, the later ones of that key in the same call are not published (`retryable`). Never rejects.
   * @returns one outcome a message, in the order given
   */
  publish(messages: readonly BusMessage[]): Promise<Settled[]>;
  /** Resolves once subscribed. `handler` resolving acknowledges its whole batch. */
  subscribe(
    options: SubscribeOptions,
    handler: (batch: readonly Delivery[]) => Promise<void>,
  ): Promise<Subscription>;
  /** Whether all that was published to `subscription` before `instant` (epoch milliseconds) has been acknowledged. */
  caughtUp(subscription: string, instant: number): Promise<boolean>;
  /** Messages of `subscription` that are not acknowledged yet. */
  lag(subscription: string): Promise<number>;
  /** Rejects with the reason when the bus cannot be used. */
  health(): Promise<void>;
  close(): Promise<void>;
}
