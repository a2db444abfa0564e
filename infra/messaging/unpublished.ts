import type { VerbOutcome } from './held-messages.ts';
import { recall, remember } from './keyed-requests.ts';
import type { KeyedRequest, MessagingStore } from './store.ts';

/** Who applies a verb to an unpublished message, and why. */
export interface UnpublishedVerb {
  readonly seq: number;
  readonly who: string;
  readonly reason: string;
  /** Present where it came under an `Idempotency-Key`. */
  readonly request?: KeyedRequest;
}

/** Has it published again; whoever publishes the outbox must be told. Audited in the same transaction. */
export const retryUnpublished = <Tx>(
  store: MessagingStore<Tx>,
  verb: UnpublishedVerb,
  now: Date,
): Promise<VerbOutcome> => onParked(store, verb, now, 'publicacion.reintentar', () => {});

/**
 * Drops it for good, and has the next of its key published; whoever publishes the outbox must be told. Audited in the
 * same transaction. Who has just begun to publish the outbox may have got it through all the same.
 */
export const skipUnpublished = <Tx>(
  store: MessagingStore<Tx>,
  verb: UnpublishedVerb,
  now: Date,
): Promise<VerbOutcome> =>
  onParked(store, verb, now, 'publicacion.omitir', (tx) => store.dropUnpublished(tx, verb.seq));

const onParked = <Tx>(
  store: MessagingStore<Tx>,
  { seq, who, reason, request }: UnpublishedVerb,
  now: Date,
  action: string,
  apply: (tx: Tx) => void,
): Promise<VerbOutcome> =>
  store.transaction(async (tx) => {
    const recalled = await recall(store, tx, request);
    if (recalled.status === 'answered') return { status: 'repeated' };
    if (recalled.status !== 'new') return recalled;
    const parked = await store.lockParked(tx, seq);
    if (!parked) return { status: 'unknown' };
    store.freeParked(tx, seq);
    apply(tx);
    store.insertAudit(tx, { at: now, who, action, target: `${parked.topic}#${seq}`, reason });
    remember(store, tx, request, null, now);
    return { status: 'done' };
  });
