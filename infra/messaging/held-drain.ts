import type { Runtime } from '../runtime.ts';
import { readTraceparent, traceIdOf } from '../telemetry/trace-context.ts';
import { backoffMs } from './backoff.ts';
import type { ConsumerSettings } from './consumer-settings.ts';
import { causeOf, deliveryOf, isTooOld, TOO_OLD } from './held-messages.ts';
import type { Received } from './message.ts';
import type { Log, MessagingMetrics } from './metrics.ts';
import { type BatchHandler, faultClassOf, MessageFault, type UnitOfWork } from './pipeline.ts';
import type { HeldMessage, MessagingStore } from './store.ts';
import { type AnyContract, decode } from './wire.ts';

interface DrainOptions<Tx> {
  readonly store: MessagingStore<Tx>;
  readonly unitOfWork: UnitOfWork<Tx>;
  readonly runtime: Runtime;
  readonly subscription: string;
  readonly contracts: ReadonlyMap<string, AnyContract>;
  readonly handler: BatchHandler<Tx>;
  readonly log: Log;
  readonly metrics: MessagingMetrics;
  readonly settings: ConsumerSettings;
}

/** Keys looked at in one turn. */
const KEYS_A_TURN = 100;

/** The message itself is at fault; `transient` faults leave it as it is. */
class HeldFault extends Error {
  readonly held: HeldMessage;
  readonly park: boolean;

  constructor(held: HeldMessage, cause: unknown, park: boolean) {
    super(causeOf(cause), { cause });
    this.held = held;
    this.park = park;
  }
}

/**
 * Tries the held messages of a subscription again, in order per key, one a transaction, with the key's row locked: a
 * consumer that meets the key waits and then sees what is left of it. A key goes on once its oldest message is through.
 */
export function drainHeldMessages<Tx>(options: DrainOptions<Tx>): { close(): Promise<void> } {
  const { store, unitOfWork, runtime, subscription, contracts, handler, log, metrics, settings } = options;
  let closing = false;
  /** Keys that ended a turn with a transient fault: they come last, and in turns, so that none holds up the others. */
  const tardy = new Set<string>();
  let turn: Promise<void> = Promise.resolve();
  let cancel = runtime.after(settings.heldPollMs, poll);

  function poll(): void {
    turn = drainDue()
      .catch((error: unknown) => log.warn({ subscription, err: error }, 'held messages could not be tried'))
      .then(() => {
        if (!closing) cancel = runtime.after(settings.heldPollMs, poll);
      });
  }

  async function drainDue(): Promise<void> {
    const due = await store.dueHeldKeys(subscription, new Date(runtime.now()), KEYS_A_TURN, [...tardy]);
    for (const key of [...due, ...tardy]) {
      tardy.delete(key); // what is added anew stands last
      tardy.add(key);
      await drainKey(key);
      tardy.delete(key);
    }
  }

  async function drainKey(key: string): Promise<void> {
    let fault: HeldFault | undefined;
    while (!closing) {
      const outcome = await tryHead(key, fault);
      if (outcome === 'waits') return;
      fault = outcome === 'handled' ? undefined : outcome;
    }
  }

  /**
   * One attempt at the oldest message of a key.
   * @param fault what the attempt before ended with, where the message's contract answers for that
   * @returns `waits` where there is nothing more to do now, or the fault to answer for
   */
  async function tryHead(
    key: string,
    fault: HeldFault | undefined,
  ): Promise<'handled' | 'waits' | HeldFault> {
    for (let conflicts = 0; ; ) {
      try {
        return await attempt(key, fault);
      } catch (error) {
        if (!(error instanceof HeldFault)) throw error;
        const kind = faultClassOf(store, error.cause);
        if (kind === 'transient') throw error.cause;
        if (kind === 'conflict' && conflicts++ < settings.conflictRetries) continue;
        const answers = handler.answersFaults.has(contracts.get(error.held.topic)?.name ?? '');
        if (answers && !fault && !error.park) return error;
        await reschedule(error);
        return 'waits';
      }
    }
  }

  async function attempt(key: string, fault: HeldFault | undefined): Promise<'handled' | 'waits'> {
    let head: HeldMessage | undefined;
    try {
      return await unitOfWork.transact(async (tx) => {
        const now = new Date(runtime.now());
        const locked = await store.lockHeldKeys(tx, subscription, [key]);
        head = locked.has(key) ? await store.heldHead(tx, subscription, key) : undefined;
        if (!head || head.state === 'PARKED' || head.nextAt > now) return { result: 'waits', publish: [] };
        const received = receivedOf(head, fault);
        const outcome = await handler.handle(tx, [received], now);
        store.releaseHeld(tx, head);
        const committed = (): void => {
          log.info(fieldsOf(head as HeldMessage), 'held message handled');
          outcome.committed?.();
        };
        return { result: 'handled', publish: outcome.publish, committed };
      });
    } catch (error) {
      if (error instanceof HeldFault || !head) throw error;
      throw new HeldFault(head, error instanceof MessageFault ? error.cause : error, false);
    }
  }

  /** Reads the message anew, with its writer's schema: this release may read what an earlier one could not. */
  function receivedOf(head: HeldMessage, fault: HeldFault | undefined): Received {
    const contract = contracts.get(head.topic);
    const delivery = deliveryOf(head);
    const decoded = decode(delivery, contract);
    if (!decoded.readable) throw new HeldFault(head, decoded.cause, false);
    const { received } = decoded;
    if (head.state !== 'RELEASED' && isTooOld(delivery, received, runtime.now(), settings.retentionMs))
      throw new HeldFault(head, TOO_OLD, true);
    if (received.fault && !handler.answersFaults.has(contract?.name ?? ''))
      throw new HeldFault(head, received.fault.cause, false);
    return fault?.held.id === head.id && !received.fault
      ? { ...received, fault: { kind: 'failed', cause: fault.message } }
      : received;
  }

  async function reschedule({ held, message: cause, park }: HeldFault): Promise<void> {
    const attempts = held.attempts + 1;
    const parked = park || attempts >= settings.heldAttempts;
    const changed = await store.transaction(async (tx) => {
      await store.lockHeldKeys(tx, subscription, [held.key]);
      const head = await store.heldHead(tx, subscription, held.key);
      if (head?.id !== held.id || head.state !== held.state || head.attempts !== held.attempts) return false;
      const nextAt = new Date(runtime.now() + backoffMs(settings.held, attempts, runtime));
      store.updateHeld(tx, { ...head, cause, attempts, nextAt, state: parked ? 'PARKED' : 'RETRYING' });
      return true;
    });
    if (!changed) return;
    const fields = { ...fieldsOf(held), attempts, cause };
    if (!parked) return log.warn(fields, 'held message failed again');
    metrics.parked('held', contracts.get(held.topic)?.name ?? held.topic);
    log.error(fields, 'message parked');
  }

  const fieldsOf = ({ id, key, topic, properties }: HeldMessage) => ({
    saga: properties.correlationid ?? key,
    message: properties['ce-id'],
    contract: contracts.get(topic)?.name ?? topic,
    subscription,
    held: id,
    trace_id: traceIdOf(readTraceparent(properties.traceparent) ?? ''),
  });

  return {
    async close() {
      closing = true;
      cancel();
      await turn;
    },
  };
}
