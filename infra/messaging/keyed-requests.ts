import type { KeyedRequest, MessagingStore } from './store.ts';

/**
 * What is known of a request before it takes effect. `under-way`: another transaction, here or at another replica,
 * carries out the first one of its key; `reused`: its key was used for something else.
 */
export type Recalled =
  | { readonly status: 'new' }
  | { readonly status: 'under-way' | 'reused' }
  | { readonly status: 'answered'; readonly answer: unknown };

/**
 * Looks a request up, and keeps its key to this transaction until that ends. Whoever gets `new` carries the request out
 * and calls `remember`, all in `tx`: so it takes effect at most once.
 */
export const recall = async <Tx>(
  store: Pick<MessagingStore<Tx>, 'lockRequest' | 'request'>,
  tx: Tx,
  request: KeyedRequest | undefined,
): Promise<Recalled> => {
  if (!request) return { status: 'new' };
  if (!(await store.lockRequest(tx, request.id))) return { status: 'under-way' };
  const before = await store.request(tx, request.id);
  if (!before) return { status: 'new' };
  if (before.hash !== request.hash) return { status: 'reused' };
  return { status: 'answered', answer: JSON.parse(before.answer) };
};

/** Keeps what a request is answered with, in the transaction of its effect. */
export const remember = <Tx>(
  store: Pick<MessagingStore<Tx>, 'insertRequest'>,
  tx: Tx,
  request: KeyedRequest | undefined,
  answer: unknown,
  at: Date,
): void => {
  if (request) store.insertRequest(tx, { ...request, answer: JSON.stringify(answer), at });
};
