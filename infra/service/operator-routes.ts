import Type from 'typebox';
import { access } from '../http/access.ts';
import { conflict, notFound } from '../http/errors.ts';
import { keyReused, stillUnderWay } from '../http/idempotency.ts';
import type { Server } from '../http/server.ts';
import {
  listHeldMessages,
  retryHeldMessage,
  skipHeldMessage,
  type VerbOutcome,
} from '../messaging/held-messages.ts';
import type { HeldMessage } from '../messaging/store.ts';
import { retryUnpublished, skipUnpublished } from '../messaging/unpublished.ts';
import type { Runtime } from '../runtime.ts';
import { isUuid } from '../uuid-text.ts';
import { peticion, requestOf, type VerbAnswered } from './keyed-verbs.ts';
import type { Messaging } from './messaging.ts';

const config = { access: access.service };
const page = { limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })) };

/** How a held message is shown to an operator: its envelope and why it is held, not its bytes. */
const heldView = (message: HeldMessage) => ({
  id: message.id,
  suscripcion: message.subscription,
  clave: message.key,
  contrato: message.topic,
  mensaje: message.properties['ce-id'] ?? null,
  asunto: message.properties['ce-subject'] ?? null,
  estado: message.state,
  causa: message.cause,
  intentos: message.attempts,
  retenido: message.heldAt.toISOString(),
  proximo: message.nextAt.toISOString(),
});

const listSchema = {
  querystring: Type.Object(
    { ...page, despues: Type.Optional(Type.Integer({ minimum: 0 })) },
    { additionalProperties: false },
  ),
};
const verbSchema = {
  params: Type.Object({
    id: Type.String(),
    verbo: Type.Union([Type.Literal('reintentar'), Type.Literal('omitir')]),
  }),
  body: Type.Object(
    { motivo: Type.String({ minLength: 1, maxLength: 1000 }), quien: Type.String(), peticion },
    { additionalProperties: false },
  ),
};

/**
 * What operators see and do at any service, the BFF before it: held and unpublished messages, operations, the audit.
 */
export const addOperatorRoutes = (app: Server, messaging: Messaging, runtime: Runtime): void => {
  const { store } = messaging;
  app.get(
    '/mensajes-retenidos',
    {
      config,
      schema: listSchema,
    },
    async ({ query }) => {
      const held = await listHeldMessages(store, { after: query.despues ?? 0, limit: query.limit ?? 100 });
      return { mensajes: held.map(heldView) };
    },
  );

  app.post(
    '/mensajes-retenidos/:id/:verbo',
    {
      config,
      schema: verbSchema,
    },
    async ({ params, body }): Promise<VerbAnswered<null>> => {
      const verb = {
        id: numberOf(params.id),
        who: body.quien,
        reason: body.motivo,
        ...requestOf(body.peticion),
      };
      const apply = params.verbo === 'reintentar' ? retryHeldMessage : skipHeldMessage;
      const outcome = await apply(store, verb, new Date(runtime.now()));
      refuse(params.id, outcome);
      return { repetida: outcome.status === 'repeated', respuesta: null };
    },
  );

  app.get('/mensajes-sin-publicar', { config, schema: listSchema }, async ({ query }) => {
    const parked = await store.listParked({ after: query.despues ?? 0, limit: query.limit ?? 100 });
    return {
      mensajes: parked.map(({ seq, key, topic, id, reason, at }) => ({
        id: seq,
        clave: key,
        contrato: topic,
        mensaje: id,
        causa: reason,
        detenido: at.toISOString(),
      })),
    };
  });

  app.post(
    '/mensajes-sin-publicar/:id/:verbo',
    { config, schema: verbSchema },
    async ({ params, body }): Promise<VerbAnswered<null>> => {
      const verb = {
        seq: numberOf(params.id),
        who: body.quien,
        reason: body.motivo,
        ...requestOf(body.peticion),
      };
      const apply = params.verbo === 'reintentar' ? retryUnpublished : skipUnpublished;
      const outcome = await apply(store, verb, new Date(runtime.now()));
      refuse(params.id, outcome);
      messaging.freed();
      return { repetida: outcome.status === 'repeated', respuesta: null };
    },
  );

  app.get(
    '/operations/:id',
    { config, schema: { params: Type.Object({ id: Type.String() }) } },
    async ({ params }) => {
      const operation = isUuid(params.id) ? await store.operation(params.id) : undefined;
      if (!operation) throw notFound(`No existe la operación ${params.id}`);
      return {
        operationId: operation.id,
        estado: operation.estado,
        recurso: operation.recurso,
        error: operation.error,
        huella: operation.requestHash,
        origen: operation.message,
      };
    },
  );

  app.get(
    '/auditoria',
    {
      config,
      schema: {
        querystring: Type.Object(
          { ...page, antes: Type.Optional(Type.Integer({ minimum: 0 })) },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query }) => {
      const entries = await store.listAudit({
        limit: query.limit ?? 100,
        ...(query.antes === undefined ? {} : { before: query.antes }),
      });
      return {
        auditoria: entries.map(({ id, at, who, action, target, reason }) => ({
          id,
          cuando: at.toISOString(),
          quien: who,
          que: action,
          sobre: target,
          motivo: reason,
        })),
      };
    },
  );
};

/** @throws HttpError 404 for what is no number of ours */
const numberOf = (id: string): number => {
  if (!/^\d{1,15}$/.test(id)) throw notFound(`No hay un mensaje ${id}`);
  return Number(id);
};

const refuse = (id: string, outcome: VerbOutcome): void => {
  if (outcome.status === 'under-way') throw stillUnderWay();
  if (outcome.status === 'reused') throw keyReused();
  if (outcome.status === 'unknown') throw notFound(`No hay un mensaje ${id}`);
  if (outcome.status === 'behind')
    throw conflict('HAY_UNO_ANTERIOR', `Antes va el mensaje ${outcome.head}, el más antiguo de su clave`);
};
