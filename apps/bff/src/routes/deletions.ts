import { access } from '@cordada/infra/http/access.ts';
import { conflict, notFound } from '@cordada/infra/http/errors.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { RequestOrigin, ServiceClient } from '@cordada/infra/http/service-client.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { acceptedOperation, acceptedSaga, errors, operation, waitHeader } from '../documents.ts';
import type { Outcomes } from '../outcomes.ts';
import type { BffParts } from '../parts.ts';
import { sagaView } from './sagas.ts';

const config = { access: access.demoOpen('ADMIN', 'OPERARIO', 'CLIENTE') };
const params = Type.Object({ id: Type.String() });
/** When the old paths were deprecated (RFC 9745): with the first release. */
const DEPRECATED = `@${Date.UTC(2026, 0, 1) / 1000}`;
const OLD_PATH = /^\/eliminar-(?:campaign|partner|evento)(?:[/?]|$)/;

/** What undoes a resource: a saga, or an operation at the service that owns what was registered alone. */
type Undoing =
  | { readonly saga: { readonly id: string; readonly tipo: string } }
  | { readonly operationId: string; readonly owner: ServiceClient };

/** One kind of resource that can be deleted. */
interface Deletable {
  readonly one: 'campaign' | 'partner' | 'evento';
  readonly summary: string;
  readonly description: string;
  /** @throws HttpError 404 where there is none, 409 where it cannot be undone as it stands */
  undo(id: string, request: FastifyRequest): Promise<Undoing>;
}

/** What is to be deleted, as its owner tells it. */
interface Found {
  readonly id: string;
  readonly estado: string;
  /** The saga that registered it; null where it was registered alone. */
  readonly saga_id: string | null;
}

type Params = FastifyRequest<{ Params: { id: string } }>;

/** Undoing what was registered: a 202 promises it. The old collection did it by GET, under paths of its own. */
export const addDeletionRoutes = (app: Server, parts: BffParts, outcomes: Outcomes): void => {
  const { campaign, partner, tracking } = parts;

  /** Cancelled is final, so it needs no lock to be refused by; what else forbids it is the owner's to say. */
  const find = async (
    owner: ServiceClient,
    collection: string,
    id: string,
    origin: RequestOrigin,
  ): Promise<Found> => {
    const found = await owner.find<Found>({ method: 'GET', path: [collection, id], origin });
    if (!found) throw notFound(`No existe nada que borrar con el id ${id}`);
    if (found.estado === 'CANCELADA' || found.estado === 'CANCELADO')
      throw conflict('YA_CANCELADO', `${id} ya está ${found.estado}`);
    return found;
  };

  const undoCampaign = async (id: string, request: FastifyRequest): Promise<Undoing> => {
    const found = await find(campaign, 'campaigns', id, request);
    return campaign.call({
      method: 'POST',
      path: ['campaigns', found.id, 'deshacer'],
      body: reasonOf(request),
      origin: request,
    });
  };

  const undoPart =
    (owner: ServiceClient, collection: string) =>
    async (id: string, request: FastifyRequest): Promise<Undoing> => {
      const found = await find(owner, collection, id, request);
      if (found.saga_id !== null)
        return campaign.call({
          method: 'POST',
          path: ['sagas', 'campaign', found.saga_id, 'deshacer'],
          body: { entidad: found.id, ...reasonOf(request) },
          origin: request,
        });
      const { operationId } = await owner.call<{ operationId: string }>({
        method: 'DELETE',
        path: [collection, found.id],
        origin: request,
      });
      return { operationId, owner };
    };

  const deletables: readonly Deletable[] = [
    {
      one: 'campaign',
      summary: 'Deshace una campaña entera',
      description:
        'Mientras su saga no llega a la aprobación se compensa; una vez COMPLETED, otra saga la deshace entera; lo ya cancelado y lo que no se puede deshacer, 409.',
      undo: undoCampaign,
    },
    {
      one: 'partner',
      summary: 'Deshace un partner con sus eventos',
      description:
        'El de una saga, cuando esta está COMPLETED (409 mientras corre); el que se registró solo se deshace solo.',
      undo: undoPart(partner, 'partners'),
    },
    {
      one: 'evento',
      summary: 'Deshace un evento',
      description:
        'El de una saga, cuando esta está COMPLETED (409 mientras corre); el que se registró solo se deshace solo.',
      undo: undoPart(tracking, 'eventos'),
    },
  ];

  const answer = async (request: Params, reply: FastifyReply, { undo }: Deletable) => {
    const wait = outcomes.wait(request, reply);
    const undoing = await undo(request.params.id, request);
    if ('saga' in undoing) {
      const { id, tipo } = undoing.saga;
      const enlace = `/api/sagas/${tipo}/${id}`;
      reply.header('location', enlace);
      const ended = wait && (await outcomes.saga(tipo, id, wait));
      return ended ? reply.code(200).send(ended) : reply.code(202).send({ id, tipo, enlace });
    }
    const { operationId, owner } = undoing;
    const enlace = `/api/operations/${operationId}`;
    reply.header('location', enlace);
    const ended = wait && (await outcomes.operation(owner, operationId, wait));
    return ended
      ? reply.code(200).send(ended)
      : reply.code(202).send({ operationId, estado: 'PENDING', enlace });
  };

  // Here and not in the routes: refusals of who calls, of how often and by which method come before any route.
  app.addHook('onSend', async (request, reply) => {
    if (OLD_PATH.test(request.url)) reply.header('deprecation', DEPRECATED);
  });

  for (const deletable of deletables) {
    const { one, summary, description } = deletable;
    const schema = {
      tags: ['escrituras'],
      headers: Type.Object(waitHeader),
      params,
      response: {
        200: one === 'campaign' ? sagaView : Type.Union([sagaView, operation]),
        202: one === 'campaign' ? acceptedSaga : Type.Union([acceptedSaga, acceptedOperation]),
        '4xx': errors,
        '5xx': errors,
      },
    };
    app.delete(
      `/api/${one}s/:id`,
      {
        config,
        schema: {
          ...schema,
          summary,
          description: `${description} Un 202 promete que se deshará; con \`Prefer: wait=n\`, 200 cuando se sabe cómo acabó. Repetido mientras se deshace es lo mismo, y después un 409: no usa \`Idempotency-Key\`.`,
        },
      },
      (request, reply) => answer(request, reply, deletable) as never,
    );
    const old = `/eliminar-${one}/:id`;
    app.get(
      old,
      {
        config,
        // A HEAD that Fastify derives from this GET would delete, too.
        exposeHeadRoute: false,
        schema: {
          ...schema,
          deprecated: true,
          summary: `${summary}, como la colección antigua`,
          description: `Lo mismo que \`DELETE /api/${one}s/:id\`, que la sustituye. HEAD no hace nada.`,
        },
      },
      (request, reply) => {
        reply.header(
          'link',
          `</api/${one}s/${encodeURIComponent(request.params.id)}>; rel="successor-version"`,
        );
        return answer(request, reply, deletable) as never;
      },
    );
    app.head(
      old,
      {
        config,
        schema: { hide: true, tags: ['escrituras'], summary: 'No hace nada', params },
      },
      async (_request, reply) => reply.code(204).send(),
    );
  }
};

/** Why what somebody deletes is undone, and who that is. */
export const reasonOf = ({ caller }: FastifyRequest): { motivo: string; quien: string } => ({
  motivo: `se canceló a petición de ${caller.name}`,
  quien: caller.name,
});
