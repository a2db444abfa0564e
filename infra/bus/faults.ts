import type { BusMessage, Delivery } from './bus.ts';

/** What becomes of a message between the publisher and the bus. Both settle `retryable`. */
export type PublishFault = 'lost' | 'answer lost';

/** What becomes of a message between the bus and the queue of one subscription. */
export interface TransitFault {
  /** Later messages of the same topic and key wait behind it; all others overtake it. */
  readonly delayMs: number;
  /** A second copy arrives so long after the first, whatever has been handled meanwhile. */
  readonly duplicateAfterMs?: number;
}

/** What becomes of a batch between the queue and the handler; the bus hands it out again after its backoff. */
export type DeliveryFault = 'lost' | 'acknowledgement lost';

/**
 * Faults that any transport may show within the guarantees of the port: at least once, in order per topic and key.
 * The simulation answers these with its seed; the memory bus without faults never asks.
 */
export interface BusFaults {
  publish(message: BusMessage): PublishFault | undefined;
  transit(subscription: string, message: Delivery): TransitFault | undefined;
  deliver(subscription: string, batch: readonly Delivery[]): DeliveryFault | undefined;
  /** Which of `ready` keys of a subscription is handed out next, from 0. */
  choose(subscription: string, ready: number): number;
}
