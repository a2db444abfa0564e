import { access } from '@cordada/infra/http/access.ts';
import { HttpError, notFound } from '@cordada/infra/http/errors.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { ServiceClient } from '@cordada/infra/http/service-client.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import Type, { type Static } from 'typebox';
import { errors } from '../documents.ts';
import { isInstant } from '../instants.ts';
import type { BffParts } from '../parts.ts';
import { sagaOwners } from '../saga-owners.ts';
import { motivo, type Verbs, verbHeaders } from '../verbs.ts';

const readers = { access: access.demoOpen('ADMIN', 'OPERARIO', 'CLIENTE') };
const operators = { access: access.demoOpen('ADMIN', 'OPERARIO') };
const pageSize = 50;
const greatestPage = 500;
/** A saga has at most 500 items a step. */
const lastItem = 499;

const estado = Type.Union(
  (['RUNNING', 'COMPENSATING', 'COMPLETED', 'COMPENSATED', 'PARKED'] as const).map((one) =>
    Type.Literal(one),
  ),
);
const instant = Type.String({ format: 'date-time' });
const paso = Type.Object({
  nombre: Type.String(),
  item: Type.Optional(Type.Integer()),
  estado: Type.String({
    description: 'ENVIADO, HECHO, RECHAZADO, COMPENSANDO, COMPENSADO, OMITIDO o DETENIDO',
  }),
  comando: Type.String(),
  evento: Type.Optional(Type.String()),
  compensacion: Type.Optional(Type.String()),
  intentos: Type.Integer(),
  desde: instant,
  hasta: Type.Union([instant, Type.Null()]),
  motivo: Type.Optional(Type.String()),
});

const summaryFields = {
  id: Type.String(),
  tipo: Type.String(),
  estado,
  definicion: Type.String({ description: 'Hash de la definición con la que corre' }),
  iniciada: instant,
  actualizada: instant,
  clave: Type.String({
    description: 'Clave de negocio: marca y nombre de la campaña; productos y usuario de la compra',
  }),
  deshace: Type.Optional(Type.String({ description: 'La saga que esta deshace' })),
};
const exampleSummary = {
  id: '7b0e4c1d-0f7a-5b5e-9f55-3c8f6a1d2e3f',
  tipo: 'campaign',
  estado: 'COMPLETED',
  definicion: '4f1c2d3e5a6b7c8d',
  iniciada: '2026-03-01T12:00:00.000Z',
  actualizada: '2026-03-01T12:00:00.120Z',
  clave: 'marca-1 Otoño',
};
const summary = Type.Object(summaryFields, { examples: [exampleSummary] });
type Summary = Static<typeof summary>;

const page = Type.Object(
  {
    sagas: Type.Array(summary),
    siguiente: Type.Optional(
      Type.String({ description: '`cursor` de la página siguiente; falta en la última' }),
    ),
  },
  {
    examples: [
      { sagas: [exampleSummary], siguiente: '2026-03-01T12:00:00.000Z_7b0e4c1d-0f7a-5b5e-9f55-3c8f6a1d2e3f' },
    ],
  },
);

export const sagaView = Type.Object(
  {
    ...summaryFields,
    vence: Type.Union([instant, Type.Null()], { description: 'Hasta cuándo espera lo que está pendiente' }),
    motivo: Type.Optional(Type.Object({ codigo: Type.String(), motivo: Type.String() })),
    deshechaPor: Type.Optional(
      Type.Array(
        Type.Object({
          saga: Type.String(),
          paso: Type.Optional(Type.String()),
          item: Type.Optional(Type.Integer()),
        }),
      ),
    ),
    traza: Type.Optional(
      Type.String({
        description: 'La traza W3C de todos sus mensajes: el `traceparent` de la petición que la inició',
      }),
    ),
    pasos: Type.Array(paso),
    restantes: Type.Array(Type.Object({ nombre: Type.String(), comando: Type.String() })),
    mensajes: Type.Array(
      Type.Object({
        id: Type.String(),
        contrato: Type.String(),
        direccion: Type.Union([Type.Literal('enviado'), Type.Literal('recibido')]),
        fecha: instant,
        causa: Type.String(),
      }),
    ),
  },
  {
    examples: [
      {
        ...exampleSummary,
        estado: 'RUNNING',
        vence: '2026-03-01T12:01:00.000Z',
        traza: '0af7651916cd43dd8448eb211c80319c',
        pasos: [
          {
            nombre: 'campaign',
            estado: 'HECHO',
            comando: 'RegistrarCampaign',
            evento: 'CampaignRegistrada',
            intentos: 1,
            desde: '2026-03-01T12:00:00.000Z',
            hasta: '2026-03-01T12:00:00.000Z',
          },
        ],
        restantes: [{ nombre: 'aprobacion', comando: 'AprobarReserva' }],
        mensajes: [
          {
            id: '0195510e-7c00-7000-8000-000000000001',
            contrato: 'IniciarCampaign',
            direccion: 'recibido',
            fecha: '2026-03-01T12:00:00.000Z',
            causa: '0195510e-7c00-7000-8000-000000000001',
          },
        ],
      },
    ],
  },
);

const summaries = {
  reintentar: 'Envía otra vez lo que está detenido',
  omitir: 'Sigue sin lo que está detenido',
  completar: 'Da por hecho lo que está detenido',
} as const;

/** Sagas as operators and integrators see them, and the verbs on parked ones. */
export const addSagaViewRoutes = (app: Server, parts: BffParts, verbs: Verbs): void => {
  const owners = sagaOwners(parts);
  const ownerOf = (tipo: string): ServiceClient => {
    const owner = owners.get(tipo);
    if (owner === undefined) throw notFound(`No hay sagas de tipo ${tipo}`);
    return owner;
  };

  app.get(
    '/api/sagas',
    {
      config: readers,
      schema: {
        tags: ['sagas'],
        summary: 'Busca sagas, de la más reciente a la más antigua',
        description: 'Por páginas: `siguiente` es el `cursor` de la que sigue.',
        querystring: Type.Object(
          {
            tipo: Type.Optional(Type.String()),
            estado: Type.Optional(estado),
            clave: Type.Optional(
              Type.String({ description: 'Marca o nombre de la campaña, sin distinguir mayúsculas' }),
            ),
            desde: Type.Optional(
              Type.String({ format: 'date-time', description: 'Iniciadas entonces o después' }),
            ),
            hasta: Type.Optional(Type.String({ format: 'date-time', description: 'Iniciadas antes' })),
            cursor: Type.Optional(Type.String()),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: greatestPage })),
          },
          { additionalProperties: false },
        ),
        response: { 200: page, '4xx': errors, '5xx': errors },
      },
    },
    async (request) => {
      const { query } = request;
      refuseUnreadable(query);
      const asked =
        query.tipo === undefined
          ? new Set(owners.values())
          : [owners.get(query.tipo)].filter((one) => one !== undefined);
      const limit = query.limit ?? pageSize;
      const pages = await Promise.all(
        [...asked].map((owner) =>
          owner.call<Static<typeof page>>({
            method: 'GET',
            path: ['sagas'],
            query: { ...query, limit },
            origin: request,
          }),
        ),
      );
      return merged(pages, limit);
    },
  );

  app.get(
    '/api/sagas/:tipo/:id',
    {
      config: readers,
      schema: {
        tags: ['sagas'],
        summary: 'Una saga, con sus pasos, lo que falta y sus mensajes',
        description:
          'Lo que señala el `Location` de un 202. Un 404 con `Retry-After` dice que nadie la tiene, o aún no.',
        params: Type.Object({ tipo: Type.String(), id: Type.String() }),
        response: { 200: sagaView, '4xx': errors, '5xx': errors },
      },
    },
    async (request, reply) => {
      const { tipo, id } = request.params;
      const view = await ownerOf(tipo).find<Static<typeof sagaView>>({
        method: 'GET',
        path: ['sagas', tipo, id],
        origin: request,
      });
      if (view === undefined) throw notFound(`No existe la saga ${tipo} ${id}`, { 'retry-after': '1' });
      return reply.send(view);
    },
  );

  for (const [verbo, resumen] of Object.entries(summaries))
    app.post(
      `/api/sagas/:tipo/:id/pasos/:paso/${verbo}`,
      {
        config: operators,
        schema: {
          tags: ['operación'],
          summary: `${resumen} en una saga PARKED`,
          description:
            'Deja una fila en la auditoría. Responde con la saga como quedó. Solo hace algo mientras el paso está detenido: repetido sin `Idempotency-Key` es un 409 y no cambia nada.',
          headers: verbHeaders,
          params: Type.Object({ tipo: Type.String(), id: Type.String(), paso: Type.String() }),
          body: Type.Object(
            {
              motivo,
              item: Type.Optional(
                Type.Integer({ minimum: 0, maximum: lastItem, description: 'Uno solo; todos si falta' }),
              ),
            },
            { additionalProperties: false, examples: [{ motivo: 'El proveedor ya responde', item: 0 }] },
          ),
          response: { 200: sagaView, '4xx': errors, '5xx': errors },
        },
      },
      async (request, reply) => {
        const { tipo, id, paso } = request.params;
        const view = await verbs.apply<Static<typeof sagaView>>(request, reply, {
          owner: () => ownerOf(tipo),
          path: ['sagas', tipo, id, 'pasos', paso, verbo],
        });
        return reply.send(view);
      },
    );
};

/** @throws HttpError 400 for an instant that is none (a leap second, the year 0), or a cursor that is none of ours */
const refuseUnreadable = ({ desde, hasta, cursor }: Readonly<Record<string, unknown>>): void => {
  for (const [parameter, value] of Object.entries({ desde, hasta }))
    if (typeof value === 'string' && !isInstant(value))
      throw new HttpError({
        status: 400,
        code: 'VALOR_INVALIDO',
        detail: 'No es un instante',
        source: { parameter },
      });
  if (typeof cursor !== 'string') return;
  const [began = '', id = '', ...rest] = cursor.split('_');
  if (!isInstant(began) || !isUuid(id) || rest.length > 0)
    throw new HttpError({
      status: 400,
      code: 'POSICION_DESCONOCIDA',
      detail: 'No es el cursor de ninguna página',
      source: { parameter: 'cursor' },
    });
};

/**
 * One page of the pages of every owner. A cursor is a place in the one order that all owners list by, when a saga
 * began and then its id, so that of any owner is good for all.
 */
const merged = (pages: readonly Static<typeof page>[], limit: number): Static<typeof page> => {
  const all = pages.flatMap(({ sagas }) => sagas).sort(newestFirst);
  const sagas = all.slice(0, limit);
  const last = sagas.at(-1);
  const more = all.length > limit || pages.some(({ siguiente }) => siguiente !== undefined);
  return { sagas, ...(more && last !== undefined && { siguiente: `${last.iniciada}_${last.id}` }) };
};

const newestFirst = (a: Summary, b: Summary): number =>
  a.iniciada !== b.iniciada ? (a.iniciada < b.iniciada ? 1 : -1) : a.id < b.id ? 1 : -1;
