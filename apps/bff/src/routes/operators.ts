import { neighbourNames } from '@cordada/infra/config/services.ts';
import { access } from '@cordada/infra/http/access.ts';
import { HttpError, notFound } from '@cordada/infra/http/errors.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { RequestOrigin, ServiceClient } from '@cordada/infra/http/service-client.ts';
import Type, { type Static } from 'typebox';
import { errors } from '../documents.ts';
import type { BffParts } from '../parts.ts';
import { motivo, type Verbs, verbHeaders } from '../verbs.ts';

const config = { access: access.demoOpen('ADMIN', 'OPERARIO') };
/** The largest page that a service gives. */
const pageSize = 500;
const greatestLimit = 1_000_000;

const query = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: greatestLimit, description: 'Como mucho tantos; todos si falta' }),
    ),
  },
  { additionalProperties: false },
);
const instant = Type.String({ format: 'date-time' });
const publicId = Type.String({ description: 'El servicio y su número: `partner-7`' });

const held = Type.Object(
  {
    id: publicId,
    servicio: Type.String(),
    suscripcion: Type.String(),
    clave: Type.String({ description: 'Los mensajes de la misma clave esperan detrás, en orden' }),
    contrato: Type.String(),
    mensaje: Type.Union([Type.String(), Type.Null()]),
    asunto: Type.Union([Type.String(), Type.Null()]),
    estado: Type.String(),
    causa: Type.String(),
    intentos: Type.Integer(),
    retenido: instant,
    proximo: instant,
  },
  {
    examples: [
      {
        id: 'partner-7',
        servicio: 'partner',
        suscripcion: 'partner',
        clave: '7b0e4c1d-0f7a-5b5e-9f55-3c8f6a1d2e3f',
        contrato: 'persistent://cordada/campaign/CampaignCancelada.v1',
        mensaje: '0195510e-7c00-7000-8000-000000000001',
        asunto: '0190c7a2-5b1e-5c3d-8e4f-6a7b8c9d0e1f',
        estado: 'PARKED',
        causa: 'TypeError: no se pudo leer',
        intentos: 10,
        retenido: '2026-03-01T12:00:00.000Z',
        proximo: '2026-03-01T12:05:00.000Z',
      },
    ],
  },
);
type Held = Static<typeof held>;

const verbDone = Type.Object(
  { id: publicId, servicio: Type.String(), verbo: Type.String() },
  { examples: [{ id: 'partner-7', servicio: 'partner', verbo: 'reintentar' }] },
);

const auditRow = Type.Object(
  {
    id: publicId,
    servicio: Type.String(),
    cuando: instant,
    quien: Type.String({ description: '`demo` en la demo abierta' }),
    que: Type.String(),
    sobre: Type.String(),
    motivo: Type.String(),
  },
  {
    examples: [
      {
        id: 'partner-3',
        servicio: 'partner',
        cuando: '2026-03-01T12:00:00.000Z',
        quien: 'demo',
        que: 'participante.suspender',
        sobre: 'p-1',
        motivo: 'Incumplió el contrato',
      },
    ],
  },
);
type AuditRow = Static<typeof auditRow>;

const unpublished = Type.Object(
  {
    id: publicId,
    servicio: Type.String(),
    clave: Type.String({ description: 'Los mensajes de la misma clave esperan detrás, en orden' }),
    contrato: Type.String(),
    mensaje: Type.String({ description: 'Su `ce-id`' }),
    causa: Type.String({ description: 'Por qué lo rechaza el bus' }),
    detenido: instant,
  },
  {
    examples: [
      {
        id: 'partner-41',
        servicio: 'partner',
        clave: '7b0e4c1d-0f7a-5b5e-9f55-3c8f6a1d2e3f',
        contrato: 'partner/PartnerRegistrado.v1',
        mensaje: '0195510e-7c00-7000-8000-000000000001',
        causa: 'the message has 6000000 bytes, more than 5242880',
        detenido: '2026-03-01T12:00:00.000Z',
      },
    ],
  },
);
type Unpublished = Static<typeof unpublished>;

/** Two collections of messages that wait for an operator, each with its verbs. */
const waiting = {
  'mensajes-retenidos': {
    missing: 'No hay un mensaje retenido',
    reintentar: ['Entrega otra vez un mensaje retenido', 'Es el más antiguo de su clave, o un 409.'],
    omitir: ['Descarta un mensaje retenido', 'Los de su clave siguen, en orden.'],
  },
  'mensajes-sin-publicar': {
    missing: 'No hay un mensaje sin publicar',
    reintentar: ['Publica otra vez un mensaje que el bus rechazó', 'Los de su clave siguen, en orden.'],
    omitir: [
      'Renuncia a publicar un mensaje que el bus rechazó',
      'Se borra; los de su clave siguen, en orden.',
    ],
  },
} as const;

/** The services that consume messages: those whose held and unpublished ones are seen and repaired here. */
const pipelines = neighbourNames.filter((name) => name !== 'consultas');

/** What operators see and do across the services: messages that wait for them and the audit. Each service numbers its own. */
export const addOperatorRoutes = (app: Server, parts: BffParts, verbs: Verbs): void => {
  const services = new Map(pipelines.map((name) => [name as string, parts[name]]));

  app.get(
    '/api/mensajes-retenidos',
    {
      config,
      schema: {
        tags: ['operación'],
        summary: 'Los mensajes que nadie pudo tratar, del más antiguo al más reciente',
        description: 'De todos los servicios. En un sistema sano la lista está vacía.',
        querystring: query,
        response: { 200: Type.Array(held), '4xx': errors, '5xx': errors },
      },
    },
    async (request) => {
      const { limit = Number.POSITIVE_INFINITY } = request.query;
      const all = await ofEach<Held>(services, limit, request, {
        path: 'mensajes-retenidos',
        field: 'mensajes',
        after: 'despues',
      });
      return all.sort((a, b) => compare(a.retenido, b.retenido)).slice(0, limit);
    },
  );

  app.get(
    '/api/mensajes-sin-publicar',
    {
      config,
      schema: {
        tags: ['operación'],
        summary: 'Los mensajes que el bus rechaza, del más antiguo al más reciente',
        description:
          'De todos los servicios: están confirmados y nadie los recibe. En un sistema sano la lista está vacía.',
        querystring: query,
        response: { 200: Type.Array(unpublished), '4xx': errors, '5xx': errors },
      },
    },
    async (request) => {
      const { limit = Number.POSITIVE_INFINITY } = request.query;
      const all = await ofEach<Unpublished>(services, limit, request, {
        path: 'mensajes-sin-publicar',
        field: 'mensajes',
        after: 'despues',
      });
      return all.sort((a, b) => compare(a.detenido, b.detenido)).slice(0, limit);
    },
  );

  for (const [collection, { missing, ...summaries }] of Object.entries(waiting))
    for (const [verbo, [summary, more]] of Object.entries(summaries))
      app.post(
        `/api/${collection}/:id/${verbo}`,
        {
          config,
          schema: {
            tags: ['operación'],
            summary,
            description: `${more} Deja una fila en la auditoría. Repetido sin Idempotency-Key, cuando ya no está, es un 404 y no cambia nada.`,
            headers: verbHeaders,
            params: Type.Object({ id: publicId }),
            body: Type.Object(
              { motivo },
              { additionalProperties: false, examples: [{ motivo: 'El fallo está corregido' }] },
            ),
            response: { 200: verbDone, '4xx': errors, '5xx': errors },
          },
        },
        async (request, reply) => {
          const { id } = request.params;
          const [, name = '', number = ''] = /^([a-z-]+)-(\d{1,15})$/.exec(id) ?? [];
          const owner = (): ServiceClient => {
            const service = services.get(name);
            if (service === undefined) throw notFound(`${missing} ${id}`);
            return service;
          };
          await inPublic(name, `${missing} ${id}`, () =>
            verbs.apply(request, reply, { owner, path: [collection, number, verbo] }),
          );
          return { id, servicio: name, verbo };
        },
      );

  app.get(
    '/api/auditoria',
    {
      config,
      schema: {
        tags: ['operación'],
        summary: 'Quién hizo qué, cuándo, sobre qué y por qué, de lo más reciente a lo más antiguo',
        description: 'Los verbos y las reglas de todos los servicios.',
        querystring: query,
        response: { 200: Type.Array(auditRow), '4xx': errors, '5xx': errors },
      },
    },
    async (request) => {
      const { limit = Number.POSITIVE_INFINITY } = request.query;
      const all = await ofEach<AuditRow>(services, limit, request, {
        path: 'auditoria',
        field: 'auditoria',
        after: 'antes',
      });
      return all.sort((a, b) => compare(b.cuando, a.cuando)).slice(0, limit);
    },
  );
};

interface Listing {
  readonly path: string;
  /** Where in the answer the rows are. */
  readonly field: string;
  /** The parameter that names the last row of the page before. */
  readonly after: string;
}

/** The rows of every service, of each as many as are asked for, under ids that no two services share. */
const ofEach = async <Row>(
  services: ReadonlyMap<string, ServiceClient>,
  limit: number,
  origin: RequestOrigin,
  { path, field, after }: Listing,
): Promise<Row[]> => {
  const lists = await Promise.all(
    [...services].map(async ([servicio, service]) => {
      const rows: Row[] = [];
      let last: number | undefined;
      for (;;) {
        const size = Math.min(pageSize, limit - rows.length);
        const answer = await service.call<Record<string, readonly { readonly id: number }[]>>({
          method: 'GET',
          path: [path],
          query: { limit: size, [after]: last },
          origin,
        });
        const page = answer[field] ?? [];
        rows.push(...page.map((row) => ({ ...row, id: `${servicio}-${row.id}`, servicio }) as Row));
        last = page.at(-1)?.id;
        if (page.length < size || rows.length >= limit) return rows;
      }
    }),
  );
  return lists.flat();
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Refusals of a service as the client is to read them: by the ids that it knows. */
const inPublic = async <R>(service: string, missing: string, call: () => Promise<R>): Promise<R> => {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    if (error.statusCode === 404) throw notFound(missing);
    if (error.statusCode !== 409) throw error;
    throw new HttpError(
      error.problems.map((problem) => ({
        ...problem,
        detail: problem.detail.replace(/\d+/, (number) => `${service}-${number}`),
      })),
      error.headers,
    );
  }
};
