import { createHash } from 'node:crypto';
import type { Delivery } from '../bus/bus.ts';
import type { Runtime } from '../runtime.ts';
import { recall, remember } from './keyed-requests.ts';
import type { Received } from './message.ts';
import type { HeldMessage, HeldState, KeyedRequest, MessagingStore } from './store.ts';
import { wellFormed } from './well-formed.ts';

const MAX_KEY_BYTES = 500;
const MAX_CAUSE_CHARS = 2000;

/**
 * The key under which a bus key is held: itself, or its hash where Postgres could not store or index it. A message
 * without a key blocks nobody and gets one of its own.
 */
export function heldKeyOf(busKey: string, runtime: Pick<Runtime, 'uuid'>): string {
  if (busKey === '') return `unkeyed:${runtime.uuid()}`;
  const storable =
    !busKey.includes('\0') && busKey.isWellFormed() && Buffer.byteLength(busKey) <= MAX_KEY_BYTES;
  return storable ? busKey : `sha256:${createHash('sha256').update(JSON.stringify(busKey)).digest('hex')}`;
}

/** An error as the cause of a hold, in text that Postgres can store. */
export const causeOf = (error: unknown): string =>
  wellFormed((error instanceof Error ? error.message : String(error)).slice(0, MAX_CAUSE_CHARS)).replaceAll(
    '\0',
    '',
  );

export const TOO_OLD = 'older than the inbox remembers: it may have been handled before';

/** Whether a message was sent, or taken by the bus, so long ago that its claim may have been forgotten. */
export const isTooOld = (
  delivery: Delivery,
  received: Received | undefined,
  now: number,
  retentionMs: number,
): boolean =>
  now - Math.min(delivery.publishedAt, received?.envelope.time.getTime() ?? delivery.publishedAt) >
  retentionMs;

/** The bus delivery that a held message was. `busKey` may be the hash of what it was. */
export const deliveryOf = ({ topic, key, properties, payload, publishedAt }: HeldMessage): Delivery => ({
  topic,
  key,
  properties,
  payload,
  publishedAt,
});

/** Who applies a verb to a held message, and why. */
export interface Verb {
  readonly id: number;
  readonly who: string;
  readonly reason: string;
  /** Present where it came under an `Idempotency-Key`. */
  readonly request?: KeyedRequest;
}

/**
 * How a verb ended. `repeated`: the same request had done it before; `under-way`, `reused`: see `Recalled`; `behind`: an
 * older message of its key must go first; `unknown`: no such message is held (any more).
 */
export type VerbOutcome =
  | { readonly status: 'done' | 'repeated' | 'under-way' | 'reused' | 'unknown' }
  | { readonly status: 'behind'; readonly head: number };

/** Held messages, oldest first, after the id `after`. */
export const listHeldMessages = <Tx>(
  store: MessagingStore<Tx>,
  page: { readonly after: number; readonly limit: number; readonly state?: HeldState },
): Promise<HeldMessage[]> => store.listHeld(page);

/** Has a held message tried again at once, with its attempts counted anew. Audited in the same transaction. */
export const retryHeldMessage = <Tx>(
  store: MessagingStore<Tx>,
  verb: Verb,
  now: Date,
): Promise<VerbOutcome> =>
  onHead(store, verb, now, 'mensaje.reintentar', (tx, head) =>
    store.updateHeld(tx, { ...head, state: 'RELEASED', attempts: 0, nextAt: now }),
  );

/** Drops a held message; the next of its key is tried. Audited in the same transaction. */
export const skipHeldMessage = <Tx>(store: MessagingStore<Tx>, verb: Verb, now: Date): Promise<VerbOutcome> =>
  onHead(store, verb, now, 'mensaje.omitir', (tx, head) => store.releaseHeld(tx, head));

const onHead = <Tx>(
  store: MessagingStore<Tx>,
  { id, who, reason, request }: Verb,
  now: Date,
  action: string,
  apply: (tx: Tx, head: HeldMessage) => void,
): Promise<VerbOutcome> =>
  store.transaction(async (tx) => {
    const recalled = await recall(store, tx, request);
    if (recalled.status === 'answered') return { status: 'repeated' };
    if (recalled.status !== 'new') return recalled;
    const message = await store.heldById(tx, id);
    if (!message) return { status: 'unknown' };
    await store.lockHeldKeys(tx, message.subscription, [message.key]);
    const head = await store.heldHead(tx, message.subscription, message.key);
    // Read again under the lock: the drain may have handled it meanwhile.
    if (!head || head.id > id) return { status: 'unknown' };
    if (head.id < id) return { status: 'behind', head: head.id };
    apply(tx, head);
    store.insertAudit(tx, { at: now, who, action, target: `${head.topic}#${id}`, reason });
    remember(store, tx, request, null, now);
    return { status: 'done' };
  });
