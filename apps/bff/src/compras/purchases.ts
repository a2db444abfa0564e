import { HttpError } from '@cordada/infra/http/errors.ts';
import type { RequestOrigin } from '@cordada/infra/http/service-client.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import { contracts } from '@cordada/schemas';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { isInstant } from '../instants.ts';
import type { Intake } from '../intake.ts';
import type { Outcomes } from '../outcomes.ts';
import type { BffParts } from '../parts.ts';
import type { compra, pedido } from './documents.ts';

export type Pedido = Static<typeof pedido>;
export type Compra = Static<typeof compra>;

/** Buying, however it is asked for: REST and GraphQL are two spellings of this. */
export interface Purchases {
  /**
   * Begins the purchase saga; resolves with its id, the purchase's too, once the command is durable.
   * @param route what the aliases of a route have in common: an `Idempotency-Key` counts within it
   * @throws HttpError as `Intake.take`
   */
  begin(request: FastifyRequest, reply: FastifyReply, route: string, pedido: Pedido): Promise<string>;
  /** As it stands; undefined where there is none of that id. @throws HttpError 503 when its owner is away */
  find(id: string, origin: RequestOrigin): Promise<Compra | undefined>;
  /** A user's, from the oldest to the newest; all of them where `limit` is absent. */
  ofUser(idUsuario: string, limit: number | undefined, origin: RequestOrigin): Promise<Compra[]>;
  /** Begun by `begin` and waited for as the request prefers; undefined when it has not ended by then. */
  ended(id: string, request: FastifyRequest, wait: ReturnType<Outcomes['wait']>): Promise<Compra | undefined>;
}

export const createPurchases = (parts: BffParts, intake: Intake, outcomes: Outcomes): Purchases => {
  const owner = parts['gestor-compra'];
  const find: Purchases['find'] = async (id, origin) =>
    isUuid(id) ? owner.find<Compra>({ method: 'GET', path: ['compras', id], origin }) : undefined;
  return {
    find,
    begin: (request, reply, route, { idUsuario, domicilio, productos, vence }) =>
      intake.take(request, reply, {
        route,
        owner,
        path: (saga) => ['idempotencia', saga],
        command: (saga) => ({
          contract: contracts.IniciarCompra,
          body: {
            id_usuario: idUsuario,
            domicilio,
            lineas: productos,
            vence: vence === undefined ? null : instantOf(vence),
          },
          correlationId: saga,
          subject: saga,
          idempotencyKey: saga,
        }),
      }),
    ofUser: (usuario, limit, origin) =>
      owner.call<Compra[]>({ method: 'GET', path: ['compras'], query: { usuario, limit }, origin }),
    async ended(id, request, wait) {
      if (!wait || !(await outcomes.saga('compra', id, wait))) return undefined;
      try {
        return await find(id, request);
      } catch (error) {
        // Its owner went away meanwhile: what was accepted is so all the same, and can be read later.
        if (error instanceof HttpError) return undefined;
        throw error;
      }
    },
  };
};

/** @throws HttpError 400 for what only looks like an instant */
const instantOf = (text: string): Date => {
  if (isInstant(text)) return new Date(text);
  throw new HttpError({
    status: 400,
    code: 'VALOR_INVALIDO',
    detail: 'No es un instante',
    source: { pointer: '/vence' },
  });
};
