import { access } from '@cordada/infra/http/access.ts';
import { HttpError } from '@cordada/infra/http/errors.ts';
import { money } from '@cordada/infra/http/money.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import { entityId } from '@cordada/sagas/engine/turn.ts';
import { contracts, type IniciarCampaign } from '@cordada/schemas';
import Type from 'typebox';
import {
  acceptedSaga,
  errors,
  LONG_TEXT,
  postHeaders,
  SHORT_TEXT,
  text,
  tipoParticipante,
} from '../documents.ts';
import type { Intake } from '../intake.ts';
import type { Outcomes } from '../outcomes.ts';
import type { BffParts } from '../parts.ts';
import { sagaView } from './sagas.ts';

const config = { access: access.demoOpen('ADMIN', 'OPERARIO', 'CLIENTE') };
const route = '/campaña-commando';
const MOST_PARTICIPANTS = 500;

const body = Type.Object(
  {
    nombre: text(1, SHORT_TEXT, { description: 'Una marca tiene una sola campaña viva de cada nombre' }),
    presupuesto: money,
    divisa: text(1, SHORT_TEXT, { description: 'ISO 4217; otra se rechaza en la saga' }),
    marca_id: text(1, SHORT_TEXT),
    participantes: Type.Array(
      Type.Object(
        {
          id: text(1, SHORT_TEXT),
          tipo: tipoParticipante,
          nombre: text(1, SHORT_TEXT),
          informacion_perfil: text(0, LONG_TEXT),
        },
        { additionalProperties: false },
      ),
      { maxItems: MOST_PARTICIPANTS, description: 'Cada participante una vez' },
    ),
  },
  {
    additionalProperties: false,
    examples: [
      {
        nombre: 'Verano 2026',
        presupuesto: 1250000.5,
        divisa: 'COP',
        marca_id: 'marca-7',
        participantes: [
          { id: 'p-1', tipo: 'influencer', nombre: 'Ana Muñoz', informacion_perfil: 'Viajes' },
          { id: 'p-2', tipo: 'afiliado', nombre: 'Radio Ñuñoa', informacion_perfil: '' },
        ],
      },
    ],
  },
);

/** Registering a campaign: begins the saga of systems.md §1. */
export const addCampaignRoutes = (
  app: Server,
  { campaign }: BffParts,
  intake: Intake,
  outcomes: Outcomes,
): void => {
  const add = (url: string, { hidden = false } = {}): void => {
    app.post(
      url,
      {
        config,
        schema: {
          hide: hidden,
          tags: ['escrituras'],
          summary: 'Registra una campaña con sus partners y sus eventos',
          description:
            'Inicia la saga que la registra entera o no deja nada. Responde 202 cuando la petición ya no se puede perder; ' +
            'con `Prefer: wait=n`, 200 con la saga cuando acaba. `/campaña-commando` y `/registrar-campaign` son la misma ruta.',
          headers: postHeaders,
          body,
          response: { 200: sagaView, 202: acceptedSaga, '4xx': errors, '5xx': errors },
        },
      },
      async (request, reply) => {
        refuseRepeated(request.body.participantes);
        const wait = outcomes.wait(request, reply);
        const id = await intake.take(request, reply, {
          route,
          owner: campaign,
          path: (saga) => ['idempotencia', saga],
          command: (saga) => ({
            contract: contracts.IniciarCampaign,
            body: request.body satisfies IniciarCampaign,
            correlationId: saga,
            subject: saga,
            idempotencyKey: saga,
          }),
        });
        const enlace = `/api/sagas/campaign/${id}`;
        reply.header('location', enlace);
        const ended = wait && (await outcomes.saga('campaign', id, wait));
        if (ended) return reply.code(200).send(ended as never);
        // A repeat gets the same body: how the saga stands by now is not in it.
        return reply.code(202).send({
          id,
          tipo: 'campaign',
          estado: 'RUNNING',
          enlace,
          id_campaign: entityId(id, 'campaign', 0),
        });
      },
    );
  };
  add(route.normalize('NFC'));
  // Written with `n` and a combining tilde: another path to a router, the same to a person.
  add(route.normalize('NFD'), { hidden: true });
  add('/registrar-campaign');
};

/** @throws HttpError 400 naming each participant that stands there a second time */
const refuseRepeated = (participants: IniciarCampaign['participantes']): void => {
  const seen = new Set<string>();
  const repeated = participants.flatMap(({ id }, index) => {
    if (!seen.has(id)) {
      seen.add(id);
      return [];
    }
    return [
      {
        status: 400,
        code: 'PARTICIPANTE_REPETIDO',
        detail: `El participante ${id} está más de una vez`,
        source: { pointer: `/participantes/${index}/id` },
      },
    ];
  });
  if (repeated.length > 0) throw new HttpError(repeated.slice(0, MOST_PROBLEMS));
};

/** The most problems that one answer lists. */
const MOST_PROBLEMS = 20;
