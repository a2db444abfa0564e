import Type from 'typebox';
import type { SqlTransaction } from '../database/database.ts';
import { keyReused, stillUnderWay } from '../http/idempotency.ts';
import { recall, remember } from '../messaging/keyed-requests.ts';
import type { Outgoing } from '../messaging/message.ts';
import type { KeyedRequest } from '../messaging/store.ts';
import type { Runtime } from '../runtime.ts';
import type { Messaging } from './messaging.ts';

/** How the BFF names, in a verb's body, the request that it came by under an `Idempotency-Key`. */
export const peticion = Type.Optional(
  Type.Object(
    { id: Type.String({ format: 'uuid' }), huella: Type.String({ maxLength: 100 }) },
    { additionalProperties: false },
  ),
);

type Asked = { readonly id: string; readonly huella: string } | undefined;

/** That request, as the pipeline knows it. */
export const requestOf = (asked: Asked): { readonly request?: KeyedRequest } =>
  asked ? { request: { id: asked.id, hash: asked.huella } } : {};

/** What a service answers a verb with: what the client is to get, and whether it is given again. */
export interface VerbAnswered<Body> {
  readonly repetida: boolean;
  readonly respuesta: Body;
}

/**
 * Carries a request out in one transaction with what it publishes, once for each key. What `work` refuses by throwing
 * changed nothing and is not remembered.
 * @throws HttpError 409 while another transaction carries out the first of its key, 422 where the key was another's
 */
export const carryOut = <Body>(
  { store, unitOfWork }: Pick<Messaging, 'store' | 'unitOfWork'>,
  runtime: Pick<Runtime, 'now'>,
  asked: Asked,
  work: (
    tx: SqlTransaction,
    now: Date,
  ) => Promise<{ readonly respuesta: Body; readonly publish: readonly Outgoing[] }>,
): Promise<VerbAnswered<Body>> =>
  unitOfWork.transact<VerbAnswered<Body>>(async (tx) => {
    const { request } = requestOf(asked);
    const recalled = await recall(store, tx, request);
    if (recalled.status === 'under-way') throw stillUnderWay();
    if (recalled.status === 'reused') throw keyReused();
    if (recalled.status === 'answered')
      return { result: { repetida: true, respuesta: recalled.answer as Body }, publish: [] };
    const now = new Date(runtime.now());
    const { respuesta, publish } = await work(tx, now);
    remember(store, tx, request, respuesta, now);
    return { result: { repetida: false, respuesta }, publish };
  });
