import { idempotencyKey, requestHash } from '@cordada/infra/http/idempotency.ts';
import type { ServiceClient } from '@cordada/infra/http/service-client.ts';
import type { VerbAnswered } from '@cordada/infra/service/keyed-verbs.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { idOf, UnderWay } from './keyed-requests.ts';

/** Why an operator does it: what the audit keeps. Not blank, at most 1,000 code points. */
export const motivo = Type.String({
  description: 'Por qué: queda en la auditoría',
  minLength: 1,
  pattern: '^(?=[\\s\\S]*\\S)[\\s\\S]{1,1000}$',
});

/** What a verb is sent with besides its body. */
export const verbHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      description:
        'De 1 a 255 caracteres ASCII visibles, de este verbo sobre este recurso. Durante 14 días la repetición de lo que tuvo efecto recibe la misma respuesta, con `Idempotent-Replayed: true`; con otro cuerpo, 422; mientras la primera está en curso, 409 con `Retry-After`. Lo rechazado no cambió nada y no se recuerda: puede enviarse otra vez',
      examples: ['turno-2026-03-01-7'],
    }),
  ),
});

/** What one verb asks of the service that owns what it changes. */
export interface Verb {
  /** @throws HttpError 404 where nobody owns it */
  owner(): ServiceClient;
  readonly path: readonly string[];
  /** POST where absent. */
  readonly method?: 'POST' | 'PUT' | 'DELETE';
  /** What is sent besides who asks; the request's body where absent. */
  readonly body?: object;
  /** The key that its request came under, where that is not the `Idempotency-Key` alone. */
  readonly key?: string;
}

/** Sends operators' verbs to their owners, each `Idempotency-Key` once: all memory of it is at the owners. */
export interface Verbs {
  /**
   * Sends the request's body, which was checked: what the verb takes, such as a reason.
   * @returns what the owner answers, once it has committed. A repeat is marked as replayed.
   * @throws HttpError 409 while the first of a key is under way, 422 for a key with another body, or the owner's refusal
   */
  apply<Body>(request: FastifyRequest, reply: FastifyReply, verb: Verb): Promise<Body>;
}

export const createVerbs = (): Verbs => {
  const underWay = new UnderWay();

  const send = async <Body>(
    request: FastifyRequest,
    reply: FastifyReply,
    { owner, path, method = 'POST', body = request.body as object | undefined }: Verb,
    peticion?: { readonly id: string; readonly huella: string },
  ): Promise<Body> => {
    const answered = await owner().call<VerbAnswered<Body>>({
      method,
      path,
      body: {
        ...body,
        quien: request.caller.name,
        ...(peticion && { peticion }),
      },
      origin: request,
    });
    if (answered.repetida) reply.header('idempotent-replayed', 'true');
    return answered.respuesta;
  };

  return {
    async apply(request, reply, verb) {
      const key = verb.key ?? idempotencyKey(request);
      if (key === undefined) return send(request, reply, verb);
      const resource = verb.path.map(encodeURIComponent).join('/');
      const { method = 'POST' } = verb;
      const route = method === 'POST' ? resource : `${method} ${resource}`;
      const id = idOf(request.caller, `${verb.owner().target}/${route}`, key);
      const huella = requestHash(route, request.body);
      return underWay.alone(id, () => send(request, reply, verb, { id, huella }));
    },
  };
};
