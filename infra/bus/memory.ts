import type { Runtime } from '../runtime.ts';
import { checkSubscription, messageBytes, refusal } from './admission.ts';
import { type Arrival, Arrivals } from './arrivals.ts';
import { type Attachment, type BatchQueue, batchQueue } from './batching.ts';
import type { Bus, BusMessage, Delivery, Settled, SubscribeOptions, Subscription } from './bus.ts';
import type { BusFaults } from './faults.ts';
import type { DurableSubscription, Manifest } from './manifest.ts';
import { type Transit, transit } from './transit.ts';

/** What the bus holds at most for all subscriptions together; beyond it publishing is `retryable`. In bytes. */
const CAPACITY_BYTES = 256 * 1024 * 1024;

/** What one each-replica subscriber may be behind; newer messages pass it by. */
const REPLICA_BACKLOG = 10_000;

const DURABLE: Settled = { status: 'durable' };
const CLOSED: Settled = { status: 'retryable', reason: 'the bus is closed' };

export interface MemoryBusOptions {
  readonly runtime: Pick<Runtime, 'now' | 'after' | 'random'>;
  readonly manifest: Manifest;
  readonly faults?: BusFaults;
  /** Runs a task soon, in a turn of its own. By default Node's next turn (`setImmediate`). */
  readonly scheduler?: (task: () => void) => void;
  /** Told of every handler that rejects, and in how many milliseconds its batch is handed out again. */
  readonly rejected?: (subscription: string, cause: unknown, retryInMs: number) => void;
}

/** What one process sees of the bus. Closing it closes its own subscriptions and leaves the others'. */
export interface MemoryConnection extends Bus {
  /** The process is dead: what it had not acknowledged is handed out again, what it awaits never resolves. */
  sever(): void;
}

/** Closing it closes the bus for all its connections. */
export interface MemoryBus extends Bus {
  /** The bus for one of several processes that meet on it. */
  connect(): MemoryConnection;
}

/** One call of `publish` whose outcomes are not all known. */
interface Call {
  readonly publisher: Publisher;
  readonly outcomes: (Settled | undefined)[];
  open: number;
  done(outcomes: Settled[]): void;
}

/** Who publishes over one connection. */
interface Publisher {
  /** Its process is dead: it is told nothing. */
  severed: boolean;
}

/** A message that was taken and not yet acknowledged by all who have its topic. */
interface Held {
  readonly delivery: Delivery;
  readonly bytes: number;
  /** Subscriptions that have not acknowledged it. */
  awaiting: number;
  /** Where its outcome is awaited; a second copy's is not. */
  readonly call: Call | undefined;
  readonly place: number;
}

/** A message on its way to one subscription. */
interface Queued {
  readonly key: string;
  readonly arrival: Arrival<Held>;
}

interface DurableQueue {
  readonly declaration: DurableSubscription;
  readonly queue: BatchQueue<Queued>;
  readonly transit: Transit;
  /** In the order of publication. */
  readonly unacknowledged: Arrivals<Held>;
}

const settle = ({ call, place }: Held, outcome: Settled): void => {
  if (call) settleAt(call, place, outcome);
};

const settleAt = (call: Call, place: number, outcome: Settled): void => {
  if (call.outcomes[place]) return;
  call.outcomes[place] = outcome;
  if (--call.open === 0 && !call.publisher.severed) call.done(call.outcomes as Settled[]);
};

/**
 * The bus within one process. A message is `durable` once every declared subscription of its topic has acknowledged
 * it, at once where there is none: until then it is in memory only, and its publisher (the outbox) still has it.
 * A subscription without a handler keeps its messages. Keys are ordered across topics too, which the port does not
 * promise: with `faults` they are not.
 */
export const memoryBus = (options: MemoryBusOptions): MemoryBus => {
  const { runtime, manifest, faults } = options;
  const schedule = options.scheduler ?? ((task: () => void) => void setImmediate(task));
  const durable = new Map<string, DurableQueue>();
  const durableByTopic = new Map<string, DurableQueue[]>();
  const replicasByTopic = new Map<string, Set<(delivery: Delivery) => void>>();
  /** Ends the subscriptions of each connection. */
  const endings = new Set<() => Promise<void>>();
  let heldBytes = 0;
  let closed = false;

  for (const topic of manifest.topics.keys()) {
    durableByTopic.set(topic, []);
    replicasByTopic.set(topic, new Set());
  }
  for (const declaration of manifest.subscriptions.values()) {
    const opened = openQueue(declaration);
    durable.set(declaration.name, opened);
    for (const topic of declaration.topics) durableByTopic.get(topic)?.push(opened);
  }

  function openQueue(declaration: DurableSubscription): DurableQueue {
    const unacknowledged = new Arrivals<Held>();
    const queue = batchQueue<Queued>({
      runtime,
      schedule,
      acknowledged(batch) {
        for (const { arrival } of batch) {
          unacknowledged.remove(arrival);
          const held = arrival.value;
          if (--held.awaiting > 0) continue;
          heldBytes -= held.bytes;
          settle(held, DURABLE);
        }
      },
      rejected: (cause, ms) => options.rejected?.(declaration.name, cause, ms),
      ...(faults && { choose: (ready) => faults.choose(declaration.name, ready) }),
    });
    return { declaration, queue, transit: transit(runtime), unacknowledged };
  }

  const queueOf = (subscription: string): DurableQueue => {
    const found = durable.get(subscription);
    if (!found) throw new Error(`The subscription ${subscription} is not declared`);
    return found;
  };

  /** Why `message` is not taken now, or undefined. */
  const obstacle = (message: BusMessage, bytes: number): Settled | undefined => {
    const reason = refusal(manifest, message, bytes);
    if (reason) return { status: 'refused', reason };
    if (closed) return CLOSED;
    if (heldBytes + bytes > CAPACITY_BYTES) return { status: 'retryable', reason: 'the bus is full' };
    if (faults) {
      const fault = faults.publish(message);
      if (fault === 'answer lost') take(message, bytes);
      if (fault) return { status: 'retryable', reason: `injected: ${fault}` };
    }
    return undefined;
  };

  /** Gives a message to everyone who has its topic. */
  const take = (message: BusMessage, bytes: number, call?: Call, place = 0): void => {
    const { topic, key, properties, payload } = message;
    const delivery: Delivery = { topic, key, properties, payload, publishedAt: runtime.now() };
    for (const deliver of replicasByTopic.get(topic) ?? []) deliver(delivery);
    const queues = durableByTopic.get(topic) ?? [];
    if (queues.length === 0) {
      if (call) settleAt(call, place, DURABLE);
      return;
    }
    heldBytes += bytes;
    const held: Held = { delivery, bytes, awaiting: queues.length, call, place };
    for (const target of queues) {
      const queued: Queued = { key, arrival: target.unacknowledged.add(held) };
      if (faults) send(target, queued, faults);
      else target.queue.push(queued);
    }
  };

  const send = (
    { declaration, queue, transit, unacknowledged }: DurableQueue,
    queued: Queued,
    injected: BusFaults,
  ) => {
    const { key, arrival } = queued;
    const { delivery } = arrival.value;
    const { delayMs = 0, duplicateAfterMs } = injected.transit(declaration.name, delivery) ?? {};
    transit(`${delivery.topic}\n${key}`, delayMs, () => {
      queue.push(queued);
      if (duplicateAfterMs === undefined) return;
      const copy: Held = { delivery, bytes: 0, awaiting: 1, call: undefined, place: 0 };
      const again: Queued = { key, arrival: unacknowledged.add(copy) };
      runtime.after(duplicateAfterMs, () => queue.push(again));
    });
  };

  const publish = (publisher: Publisher, messages: readonly BusMessage[]): Promise<Settled[]> =>
    new Promise((done) => {
      if (messages.length === 0) return done([]);
      const call: Call = { publisher, outcomes: new Array(messages.length), open: messages.length, done };
      let stopped: Set<string> | undefined;
      for (let place = 0; place < messages.length; place++) {
        const message = messages[place] as BusMessage;
        const bytes = messageBytes(message);
        const outcome: Settled | undefined = stopped?.has(message.key)
          ? { status: 'retryable', reason: 'an earlier message of its key was not published' }
          : obstacle(message, bytes);
        if (outcome) {
          stopped ??= new Set();
          stopped.add(message.key);
          settleAt(call, place, outcome);
        } else take(message, bytes, call, place);
      }
    });

  const withFaults = (
    subscription: string,
    handler: (batch: readonly Delivery[]) => Promise<void>,
  ): ((batch: readonly Queued[]) => Promise<void>) => {
    const deliveriesOf = (batch: readonly Queued[]) => batch.map(({ arrival }) => arrival.value.delivery);
    if (!faults) return (batch) => handler(deliveriesOf(batch));
    return async (batch) => {
      const deliveries = deliveriesOf(batch);
      const fault = faults.deliver(subscription, deliveries);
      if (fault !== 'lost') await handler(deliveries);
      if (fault) throw new Error(`injected: ${fault}`);
    };
  };

  const attachDurable = (
    { subscription, maxBatch }: SubscribeOptions,
    handler: (batch: readonly Delivery[]) => Promise<void>,
  ): Attachment => queueOf(subscription).queue.attach(maxBatch, withFaults(subscription, handler));

  const attachReplica = (
    { subscription, topics, maxBatch }: SubscribeOptions,
    handler: (batch: readonly Delivery[]) => Promise<void>,
  ): Attachment => {
    let behind = 0;
    const queue = batchQueue<Delivery>({
      runtime,
      schedule,
      acknowledged(batch) {
        behind -= batch.length;
      },
      rejected: (cause, ms) => options.rejected?.(subscription, cause, ms),
    });
    const deliver = (delivery: Delivery): void => {
      if (behind === REPLICA_BACKLOG) return;
      behind++;
      queue.push(delivery);
    };
    for (const topic of topics) replicasByTopic.get(topic)?.add(deliver);
    const attachment = queue.attach(maxBatch, handler);
    const leave = (): void => {
      for (const topic of topics) replicasByTopic.get(topic)?.delete(deliver);
    };
    return {
      detach() {
        leave();
        return attachment.detach();
      },
      abandon() {
        leave();
        attachment.abandon();
      },
    };
  };

  const connect = (): MemoryConnection => {
    const publisher: Publisher = { severed: false };
    const attachments = new Set<Attachment>();
    let state: 'open' | 'closed' | 'severed' = 'open';

    const end = async (): Promise<void> => {
      await Promise.all([...attachments].map((attachment) => attachment.detach()));
    };

    /** Whether the process lives; throws when it has closed its connection. */
    const living = (): boolean => {
      if (state === 'closed' || closed) throw new Error('The bus is closed');
      return state !== 'severed';
    };

    const connection: MemoryConnection = {
      publish(messages) {
        if (state === 'severed') return never();
        if (state === 'closed') return Promise.resolve(messages.map(() => CLOSED));
        return publish(publisher, messages);
      },
      async subscribe(subscribeOptions, handler): Promise<Subscription> {
        if (!living()) return never();
        checkSubscription(manifest, subscribeOptions);
        const attach = subscribeOptions.mode === 'shared-by-key' ? attachDurable : attachReplica;
        const attachment = attach(subscribeOptions, handler);
        attachments.add(attachment);
        return {
          async close() {
            await attachment.detach();
            attachments.delete(attachment);
          },
        };
      },
      async caughtUp(subscription, instant) {
        if (!living()) return never();
        const { first } = queueOf(subscription).unacknowledged;
        return first === undefined || first.delivery.publishedAt >= instant;
      },
      async lag(subscription) {
        if (!living()) return never();
        return queueOf(subscription).unacknowledged.size;
      },
      async health() {
        if (!living()) return never();
      },
      async close() {
        if (state !== 'open') return;
        state = 'closed';
        const ended = end();
        for (const { unacknowledged } of durable.values())
          for (const held of unacknowledged) if (held.call?.publisher === publisher) settle(held, CLOSED);
        await ended;
        endings.delete(end);
      },
      sever() {
        state = 'severed';
        endings.delete(end);
        publisher.severed = true;
        for (const attachment of attachments) attachment.abandon();
      },
    };
    endings.add(end);
    return connection;
  };

  return {
    ...connect(),
    connect,
    async close() {
      closed = true;
      const ended = [...endings].map((end) => end());
      // what no handler holds can no longer be acknowledged; its publisher must not wait for the handlers that end
      for (const { queue, unacknowledged } of durable.values()) {
        const underWay = new Set([...queue.underWay()].map(({ arrival }) => arrival.value));
        for (const held of unacknowledged) if (!underWay.has(held)) settle(held, CLOSED);
      }
      await Promise.all(ended);
      for (const { unacknowledged } of durable.values())
        for (const held of unacknowledged) settle(held, CLOSED);
    },
  };
};

const never = <T>(): Promise<T> => new Promise(() => {});
