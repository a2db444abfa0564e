import Type from 'typebox';
import type { KeyedRequest } from '../messaging/store.ts';

/** How the BFF names, in a verb's body, the request that it came by under an `Idempotency-Key`. */
export const peticion = Type.Optional(
  Type.Object(
    { id: Type.String({ format: 'uuid' }), huella: Type.String({ maxLength: 100 }) },
    { additionalProperties: false },
  ),
);

/** That request, as the pipeline knows it. */
export const requestOf = (
  asked: { readonly id: string; readonly huella: string } | undefined,
): { readonly request?: KeyedRequest } => (asked ? { request: { id: asked.id, hash: asked.huella } } : {});

/** What a service answers a verb with: what the client is to get, and whether it is given again. */
export interface VerbAnswered<Body> {
  readonly repetida: boolean;
  readonly respuesta: Body;
}
