import { access } from '@cordada/infra/http/access.ts';
import { notFound } from '@cordada/infra/http/errors.ts';
import { money } from '@cordada/infra/http/money.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { ServiceClient } from '@cordada/infra/http/service-client.ts';
import Type, { type TObject } from 'typebox';
import { errors, tipoParticipante } from '../documents.ts';
import type { BffParts } from '../parts.ts';

const config = { access: access.demoOpen('ADMIN', 'OPERARIO', 'CLIENTE') };
/** More than any list holds: a limit above it is a mistake. */
const greatestLimit = 1_000_000;

const limit = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: greatestLimit, description: 'Como mucho tantos; todos si falta' }),
    ),
  },
  { additionalProperties: false },
);
const idParams = Type.Object({ id: Type.String() });

const registered = Type.Union([Type.Literal('REGISTRADO'), Type.Literal('CANCELADO')]);

const campaign = Type.Object(
  {
    id: Type.String(),
    nombre: Type.String(),
    presupuesto: money,
    divisa: Type.String(),
    marca_id: Type.String(),
    estado: Type.Union(
      (['PENDIENTE', 'APROBADA', 'CANCELANDO', 'CANCELADA'] as const).map((one) => Type.Literal(one)),
    ),
    detenida: Type.Optional(Type.Literal(true, { description: 'Su saga espera a un operario' })),
    participantes: Type.Array(
      Type.Object({
        id: Type.String(),
        tipo: tipoParticipante,
        nombre: Type.String(),
        informacion_perfil: Type.String(),
      }),
    ),
  },
  {
    examples: [
      {
        id: '0190c7a2-5b1e-5c3d-8e4f-6a7b8c9d0e1f',
        nombre: 'Otoño',
        presupuesto: 1500.5,
        divisa: 'COP',
        marca_id: 'marca-1',
        estado: 'APROBADA',
        participantes: [{ id: 'p-1', tipo: 'influencer', nombre: 'Ana', informacion_perfil: 'viajes' }],
      },
    ],
  },
);

const partner = Type.Object(
  {
    id: Type.String(),
    id_campaign: Type.String(),
    nombre: Type.String(),
    tipo: tipoParticipante,
    informacion_perfil: Type.String(),
    estado: registered,
  },
  {
    examples: [
      {
        id: '0190c7a2-5b1e-5a11-9d2e-1f2a3b4c5d6e',
        id_campaign: '0190c7a2-5b1e-5c3d-8e4f-6a7b8c9d0e1f',
        nombre: 'Ana',
        tipo: 'influencer',
        informacion_perfil: 'viajes',
        estado: 'REGISTRADO',
      },
    ],
  },
);

const evento = Type.Object(
  {
    id: Type.String(),
    id_partner: Type.String(),
    id_campana: Type.String(),
    fecha: Type.String({ format: 'date-time' }),
    estado: registered,
  },
  {
    examples: [
      {
        id: '0190c7a2-5b1e-5e77-8a3b-2c3d4e5f6a7b',
        id_partner: '0190c7a2-5b1e-5a11-9d2e-1f2a3b4c5d6e',
        id_campana: '0190c7a2-5b1e-5c3d-8e4f-6a7b8c9d0e1f',
        fecha: '2026-03-01T12:00:00.000Z',
        estado: 'REGISTRADO',
      },
    ],
  },
);

/** One kind of resource, whose owner keeps it under `collection`. */
interface Resource {
  readonly owner: ServiceClient;
  readonly collection: string;
  readonly schema: TObject;
  readonly one: string;
  readonly many: string;
  /** What a client is told where there is none of that id. */
  missing(id: string): string;
}

/** The lists and resources of systems.md §1: plain arrays, whole unless `limit` is given. */
export const addReadRoutes = (app: Server, parts: BffParts): void => {
  const campaigns: Resource = {
    owner: parts.campaign,
    collection: 'campaigns',
    schema: campaign,
    one: 'Una campaña',
    many: 'Las campañas, de la más antigua a la más reciente',
    missing: (id) => `No existe la campaña ${id}`,
  };
  addReads(app, '/campaña-query', campaigns);
  // Clients whose keyboard writes ñ as n and a tilde: another path to a router, the same to a person.
  addReads(app, '/campaña-query'.normalize('NFD'), campaigns, { hidden: true });
  addReads(app, '/obtener-campaigns', campaigns);
  addReads(app, '/obtener-partners', {
    owner: parts.partner,
    collection: 'partners',
    schema: partner,
    one: 'Un partner',
    many: 'Los partners, del más antiguo al más reciente',
    missing: (id) => `No existe el partner ${id}`,
  });
  addReads(app, '/obtener-eventos', {
    owner: parts.tracking,
    collection: 'eventos',
    schema: evento,
    one: 'Un evento',
    many: 'Los eventos, del más antiguo al más reciente',
    missing: (id) => `No existe el evento ${id}`,
  });
};

const addReads = (
  app: Server,
  path: string,
  { owner, collection, schema, one, many, missing }: Resource,
  { hidden = false } = {},
): void => {
  const shown = shownBy(schema);
  app.get(
    path,
    {
      config,
      schema: {
        hide: hidden,
        tags: ['consultas'],
        summary: many,
        description: 'Una lista sin envoltura, entera si no se da `limit`.',
        querystring: limit,
        response: { 200: Type.Array(schema), '4xx': errors, '5xx': errors },
      },
    },
    async (request) => {
      const found = await owner.call<Record<string, unknown>[]>({
        method: 'GET',
        path: [collection],
        query: request.query,
        origin: request,
      });
      return found.map(shown);
    },
  );
  app.get(
    `${path}/:id`,
    {
      config,
      schema: {
        hide: hidden,
        tags: ['consultas'],
        summary: one,
        description: 'Los identificadores son opacos: lo que no existe es un 404, nunca un 400.',
        params: idParams,
        response: { 200: schema, '4xx': errors, '5xx': errors },
      },
    },
    async (request) => {
      const { params } = request;
      const found = await owner.find<Record<string, unknown>>({
        method: 'GET',
        path: [collection, params.id],
        origin: request,
      });
      if (found === undefined) throw notFound(missing(params.id));
      return shown(found);
    },
  );
};

/** Keeps what the schema names: what a service adds for the BFF alone (the saga) goes no further. */
const shownBy = ({ properties }: TObject) => {
  const names = Object.keys(properties);
  return (resource: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
    Object.fromEntries(names.map((name) => [name, resource[name]]));
};
