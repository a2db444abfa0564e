import { access } from '@cordada/infra/http/access.ts';
import { HttpError } from '@cordada/infra/http/errors.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { RequestOrigin, ServiceClient } from '@cordada/infra/http/service-client.ts';
import type { Outgoing } from '@cordada/infra/messaging/message.ts';
import { entityId } from '@cordada/sagas/engine/turn.ts';
import { contracts } from '@cordada/schemas';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import {
  acceptedOperation,
  errors,
  LONG_TEXT,
  operation,
  postHeaders,
  SHORT_TEXT,
  text,
  tipoParticipante,
} from '../documents.ts';
import type { Intake } from '../intake.ts';
import type { Outcomes } from '../outcomes.ts';
import type { BffParts } from '../parts.ts';

const config = { access: access.demoOpen('ADMIN', 'OPERARIO', 'CLIENTE') };

const registrarPartner = Type.Object(
  {
    id: Type.Optional(text(1, SHORT_TEXT, { description: 'El participante, si se conoce' })),
    id_campaign: text(1, SHORT_TEXT),
    nombre: text(1, SHORT_TEXT),
    tipo: tipoParticipante,
    informacion_perfil: text(0, LONG_TEXT),
  },
  {
    additionalProperties: false,
    examples: [
      {
        id_campaign: 'b0b9a2f8-6f54-5a1b-9f0e-1d2c3b4a5968',
        nombre: 'Radio Ñuñoa',
        tipo: 'afiliado',
        informacion_perfil: 'Emisora local',
      },
    ],
  },
);

const registrarEvento = Type.Object(
  { id_partner: text(1, SHORT_TEXT), id_campana: text(1, SHORT_TEXT) },
  {
    additionalProperties: false,
    examples: [
      {
        id_partner: '2f0c7d31-9b1e-5c52-8d0a-7e6f5a4b3c2d',
        id_campana: 'b0b9a2f8-6f54-5a1b-9f0e-1d2c3b4a5968',
      },
    ],
  },
);

interface FoundCampaign {
  readonly id: string;
  readonly marca_id: string;
  readonly estado: 'PENDIENTE' | 'APROBADA' | 'CANCELANDO' | 'CANCELADA';
}

interface FoundPartner {
  readonly id: string;
  readonly id_campaign: string;
  readonly estado: 'REGISTRADO' | 'CANCELADO';
}

/** A single write: which service does it, and what of. */
interface Registration {
  readonly route: string;
  readonly owner: ServiceClient;
  readonly entity: 'partner' | 'evento';
  /** @throws HttpError to refuse it */
  command(ids: { readonly operation: string; readonly entity: string }): Promise<Outgoing>;
}

/** Partners and eventos outside any saga, and the operations by which their outcome is read. */
export const addRegistrationRoutes = (
  app: Server,
  parts: BffParts,
  intake: Intake,
  outcomes: Outcomes,
): void => {
  const { campaign, partner, tracking } = parts;

  const register = async (
    request: FastifyRequest,
    reply: FastifyReply,
    { route, owner, entity, command }: Registration,
  ) => {
    const wait = outcomes.wait(request, reply);
    const idOf = (id: string): string => entityId(id, entity, 0);
    const operationId = await intake.take(request, reply, {
      route,
      owner,
      path: (id) => ['operations', id],
      command: (id) => command({ operation: id, entity: idOf(id) }),
    });
    const enlace = `/api/operations/${operationId}`;
    reply.header('location', enlace);
    const ended = wait && (await outcomes.operation(owner, operationId, wait));
    if (ended) return reply.code(200).send(ended);
    return reply
      .code(202)
      .send({ operationId, estado: 'PENDING', enlace, [`id_${entity}`]: idOf(operationId) });
  };

  app.post(
    '/registrar-partner',
    {
      config,
      schema: {
        tags: ['escrituras'],
        summary: 'Registra un partner fuera de toda saga',
        description:
          'Su campaña tiene que existir (404) y no estar cancelada ni cancelándose (409). Responde 202 con la operación ' +
          'en la que se lee el resultado; con `Prefer: wait=n`, 200 con ella cuando acaba.',
        headers: postHeaders,
        body: registrarPartner,
        response: { 200: operation, 202: acceptedOperation, '4xx': errors, '5xx': errors },
      },
    },
    (request, reply) =>
      register(request, reply, {
        route: '/registrar-partner',
        owner: partner,
        entity: 'partner',
        async command(ids) {
          const { id: participant, id_campaign, nombre, tipo, informacion_perfil } = request.body;
          const { id } = await liveCampaign(campaign, id_campaign, '/id_campaign', request);
          return direct(contracts.RegistrarPartner, ids, {
            id_partner: ids.entity,
            id_campaign: id,
            id_participante: participant ?? null,
            nombre,
            tipo,
            informacion_perfil,
          });
        },
      }),
  );

  app.post(
    '/registrar-evento',
    {
      config,
      schema: {
        tags: ['escrituras'],
        summary: 'Registra un evento fuera de toda saga',
        description:
          'Su partner y su campaña tienen que existir (404), no estar cancelados y ser el uno de la otra (409); la marca es ' +
          'la de la campaña. Responde como `/registrar-partner`.',
        headers: postHeaders,
        body: registrarEvento,
        response: { 200: operation, 202: acceptedOperation, '4xx': errors, '5xx': errors },
      },
    },
    (request, reply) =>
      register(request, reply, {
        route: '/registrar-evento',
        owner: tracking,
        entity: 'evento',
        async command(ids) {
          const { id_partner, id_campana } = request.body;
          const [found, owned] = await Promise.all([
            liveCampaign(campaign, id_campana, '/id_campana', request),
            livePartner(partner, id_partner, request),
          ]);
          // An evento goes with its partner, and that with its own campaign: under another one it would be left behind.
          if (owned.id_campaign !== found.id)
            throw refused(
              409,
              'PARTNER_DE_OTRA_CAMPAIGN',
              `El partner ${owned.id} es de otra campaña`,
              '/id_partner',
            );
          return direct(contracts.RegistrarEvento, ids, {
            id_evento: ids.entity,
            id_partner: owned.id,
            id_campana: found.id,
            marca_id: found.marca_id,
          });
        },
      }),
  );
};

/** A command of no saga: its outcome is the operation of that id. */
const direct = <Body>(
  contract: Outgoing<Body>['contract'],
  { operation, entity }: { readonly operation: string; readonly entity: string },
  body: Body,
): Outgoing<Body> => ({
  contract,
  body,
  correlationId: operation,
  subject: entity,
  idempotencyKey: operation,
});

/** @throws HttpError 404 where there is none, 409 where it is being cancelled or is */
const liveCampaign = async (
  owner: ServiceClient,
  id: string,
  pointer: string,
  origin: RequestOrigin,
): Promise<FoundCampaign> => {
  const found = await owner.find<FoundCampaign>({ method: 'GET', path: ['campaigns', id], origin });
  if (!found) throw refused(404, 'NO_ENCONTRADO', `No existe la campaña ${id}`, pointer);
  if (found.estado === 'CANCELANDO' || found.estado === 'CANCELADA')
    throw refused(409, `CAMPAIGN_${found.estado}`, `La campaña ${id} está ${found.estado}`, pointer);
  return found;
};

/** @throws HttpError 404 where there is none, 409 where it is cancelled */
const livePartner = async (
  owner: ServiceClient,
  id: string,
  origin: RequestOrigin,
): Promise<FoundPartner> => {
  const found = await owner.find<FoundPartner>({ method: 'GET', path: ['partners', id], origin });
  if (!found) throw refused(404, 'NO_ENCONTRADO', `No existe el partner ${id}`, '/id_partner');
  if (found.estado === 'CANCELADO')
    throw refused(409, 'PARTNER_CANCELADO', `El partner ${id} está cancelado`, '/id_partner');
  return found;
};

const refused = (status: number, code: string, detail: string, pointer: string): HttpError =>
  new HttpError({ status, code, detail, source: { pointer } });
