import type { Bus, Delivery } from '../bus/bus.ts';
import { type Cancel, type Runtime, sleep } from '../runtime.ts';
import { traceIdOf } from '../telemetry/trace-context.ts';
import { backoffMs } from './backoff.ts';
import { type ConsumerSettings, consumerDefaults } from './consumer-settings.ts';
import { drainHeldMessages } from './held-drain.ts';
import { causeOf, heldKeyOf, isTooOld, TOO_OLD } from './held-messages.ts';
import type { Received } from './message.ts';
import type { Log, MessagingMetrics } from './metrics.ts';
import { type BatchHandler, faultClassOf, MessageFault, type UnitOfWork } from './pipeline.ts';
import type { MessagingStore, NewHeld } from './store.ts';
import { type AnyContract, decode } from './wire.ts';

export interface ConsumeOptions<Tx> {
  readonly store: MessagingStore<Tx>;
  readonly unitOfWork: UnitOfWork<Tx>;
  readonly bus: Pick<Bus, 'subscribe'>;
  readonly runtime: Runtime;
  readonly subscription: string;
  /** What is read from the subscription, each from its own topic. */
  readonly contracts: readonly AnyContract[];
  readonly handler: BatchHandler<Tx>;
  readonly log: Log;
  readonly metrics: MessagingMetrics;
  readonly settings?: Partial<ConsumerSettings>;
}

export interface Consumer {
  /** Stops taking messages and waits for what is under way. A batch that waits for a fault to pass is given back. */
  close(): Promise<void>;
}

/** A message on its way through the consumer. */
interface Item {
  readonly delivery: Delivery;
  readonly key: string;
  readonly contract: string;
  /** What the handler gets; absent where not even the envelope can be read. */
  received: Received | undefined;
  /** Why it is held; set where it cannot be handled. */
  hold?: string;
  /** Nobody but an operator has it tried again. */
  readonly parked: boolean;
}

/** One message of the batch, named by the handler, cannot be handled. */
class ItemFault extends Error {
  readonly item: Item;

  constructor(item: Item, cause: unknown) {
    super(causeOf(cause), { cause });
    this.item = item;
  }
}

const BEHIND = 'waits behind an earlier message of its key';

/**
 * Handles a subscription's messages, each batch in one transaction with its outbox; a batch is acknowledged once that
 * is committed. What cannot be handled is answered, or held with the later messages of its key (see README.md).
 */
export async function consume<Tx>(options: ConsumeOptions<Tx>): Promise<Consumer> {
  const { store, unitOfWork, bus, runtime, subscription, handler, log, metrics } = options;
  const settings = { ...consumerDefaults, ...options.settings };
  const contracts = new Map(options.contracts.map((contract) => [contract.topic, contract]));
  let closing = false;
  let stopWaiting: Cancel = () => {};
  const closed = new Promise<void>((resolve) => {
    stopWaiting = resolve;
  });

  const toItem = (delivery: Delivery): Item => {
    const contract = contracts.get(delivery.topic);
    const decoded = decode(delivery, contract);
    const received = decoded.readable ? decoded.received : undefined;
    const parked = isTooOld(delivery, received, runtime.now(), settings.retentionMs);
    const item: Item = {
      delivery,
      key: heldKeyOf(delivery.key, runtime),
      contract: contract?.name ?? delivery.topic,
      parked,
      received,
    };
    if (!decoded.readable) item.hold = causeOf(decoded.cause);
    else if (parked) item.hold = TOO_OLD;
    else if (received?.fault && !handler.answersFaults.has(item.contract))
      item.hold = causeOf(received.fault.cause);
    return item;
  };

  const toHeld = (item: Item, cause: string, now: Date): NewHeld => ({
    subscription,
    key: item.key,
    topic: item.delivery.topic,
    properties: item.delivery.properties,
    payload: item.delivery.payload,
    publishedAt: item.delivery.publishedAt,
    cause,
    attempts: 0,
    state: item.parked ? 'PARKED' : 'RETRYING',
    // What waits behind another is due as soon as it is the oldest.
    nextAt: new Date(now.getTime() + (cause === BEHIND ? 0 : backoffMs(settings.held, 0, runtime))),
    heldAt: now,
  });

  /** @param look whether to wait for the look-up of held keys before anything is handled (a second round trip) */
  async function attempt(items: readonly Item[], look: boolean): Promise<void> {
    const held: { item: Item; message: NewHeld }[] = [];
    await unitOfWork.transact<void>(async (tx) => {
      const now = new Date(runtime.now());
      const keys = [...new Set(items.map((item) => item.key))].sort();
      const blocked = new Set(look ? await store.lockHeldKeys(tx, subscription, keys) : []);
      if (!look) store.refuseHeldKeys(tx, subscription, keys);
      const ready: (Item & { received: Received })[] = [];
      for (const item of items) {
        const cause = blocked.has(item.key) ? BEHIND : item.hold;
        if (cause !== undefined) {
          blocked.add(item.key);
          held.push({ item, message: toHeld(item, cause, now) });
        } else ready.push(item as Item & { received: Received });
      }
      if (held.length > 0)
        store.hold(
          tx,
          held.map(({ message }) => message),
        );
      const outcome = ready.length > 0 ? await handle(tx, ready, now) : { publish: [] };
      return { result: undefined, ...outcome };
    });
    for (const { item, message } of held) told(item, message);
  }

  const handle = async (tx: Tx, ready: readonly (Item & { received: Received })[], now: Date) => {
    try {
      return await handler.handle(
        tx,
        ready.map((item) => item.received),
        now,
      );
    } catch (error) {
      const item = error instanceof MessageFault ? ready[error.index] : undefined;
      throw item ? new ItemFault(item, (error as MessageFault).cause) : error;
    }
  };

  const told = (item: Item, message: NewHeld): void => {
    metrics.held(subscription, item.contract);
    const fields = { ...fieldsOf(item), cause: message.cause };
    if (message.state !== 'PARKED') return log.warn(fields, 'message held');
    metrics.parked('held', item.contract);
    log.error(fields, 'message parked');
  };

  const fieldsOf = ({ delivery, contract, received }: Item) => ({
    saga: received?.envelope.correlationId ?? delivery.key,
    message: received?.envelope.id ?? delivery.properties['ce-id'],
    contract,
    subscription,
    trace_id: traceIdOf(received?.envelope.traceparent ?? ''),
  });

  /** Has the message answered with its failure where its contract can, once; else held. */
  const setApart = (item: Item, error: unknown): void => {
    const cause = causeOf(error);
    const { received } = item;
    if (received && !received.fault && handler.answersFaults.has(item.contract)) {
      item.received = { ...received, fault: { kind: 'failed', cause } };
      log.error({ ...fieldsOf(item), err: error }, 'message could not be handled: answered with a failure');
    } else item.hold = cause;
  };

  async function wait(attempt: number, error: unknown): Promise<void> {
    metrics.retried(subscription, 'transient');
    if (attempt === 0) log.warn({ subscription, err: error }, 'batch waits for a fault to pass');
    await Promise.race([sleep(runtime, backoffMs(settings.transient, attempt, runtime)), closed]);
  }

  /** Resolves once every item is handled, answered or held, in a committed transaction. */
  async function process(items: readonly Item[]): Promise<void> {
    let look = items.some((item) => item.hold !== undefined);
    let conflicts = 0;
    let waits = 0;
    for (;;) {
      try {
        return await attempt(items, look);
      } catch (error) {
        if (closing) throw error;
        const fault = error instanceof ItemFault ? error.cause : error;
        const kind = faultClassOf(store, fault);
        const ready = items.filter((item) => item.hold === undefined);
        if (kind === 'held') look = true;
        else if (kind === 'transient') await wait(waits++, fault);
        else if (kind === 'conflict' && conflicts++ < settings.conflictRetries)
          metrics.retried(subscription, kind);
        else {
          metrics.retried(subscription, kind);
          look = true;
          if (error instanceof ItemFault) setApart(error.item, fault);
          else if (ready.length > 1) return bisect(items, ready[ready.length >> 1] as Item);
          else if (ready[0]) setApart(ready[0], fault);
          else await wait(waits++, fault); // what fails is the holding itself: nothing may be lost
        }
      }
    }
  }

  /** Both halves in order, each in a transaction of its own: the earlier messages of a key are settled first. */
  async function bisect(items: readonly Item[], middle: Item): Promise<void> {
    const at = items.indexOf(middle);
    await process(items.slice(0, at));
    await process(items.slice(at));
  }

  const subscribed = await bus.subscribe(
    { topics: [...contracts.keys()], subscription, mode: 'shared-by-key', maxBatch: settings.maxBatch },
    async (batch) => {
      const from = runtime.now();
      await process(batch.map(toItem));
      metrics.batch(subscription, batch.length, runtime.now() - from);
    },
  );
  const drain = drainHeldMessages({ ...options, settings, contracts });
  return {
    async close() {
      closing = true;
      stopWaiting();
      await Promise.all([subscribed.close(), drain.close()]);
    },
  };
}
