import { access } from '@cordada/infra/http/access.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import Type, { type Static } from 'typebox';
import { errors } from '../documents.ts';
import type { BffParts } from '../parts.ts';

const config = { access: access.demoOpen('ADMIN', 'OPERARIO') };
const greatestPage = 1_000;
const instant = Type.String({ format: 'date-time' });

const estado = Type.Union(
  (['VIGENTE', 'LIBERADA', 'CONFIRMADA', 'DEVUELTA', 'VENCIDA'] as const).map((one) => Type.Literal(one)),
);

const reserva = Type.Object(
  {
    id: Type.String(),
    dueno: Type.Union([Type.Object({ compra: Type.String() }), Type.Object({ operacion: Type.String() })], {
      description: 'La compra que la tiene, o la operación con la que alguien la hizo a mano',
    }),
    estado,
    creada: instant,
    vence: instant,
    edad_s: Type.Integer({ description: 'Segundos desde que se hizo' }),
    vencida: Type.Boolean({ description: 'Retiene sus unidades aunque venció: solo su compra la libera' }),
    lineas: Type.Array(Type.Object({ item: Type.String(), bodega: Type.String(), cantidad: Type.Integer() })),
  },
  {
    examples: [
      {
        id: '2f0c7d31-9b1e-5c52-8d0a-7e6f5a4b3c2d',
        dueno: { compra: '0199a1f0-7c3e-7000-8000-3f8a4f1f7d52' },
        estado: 'VIGENTE',
        creada: '2026-03-01T12:00:00.000Z',
        vence: '2026-03-01T12:15:00.000Z',
        edad_s: 42,
        vencida: false,
        lineas: [{ item: '0190c7a2-5b1e-5a11-9d2e-1f2a3b4c5d6e', bodega: 'principal', cantidad: 2 }],
      },
    ],
  },
);

const page = Type.Object(
  {
    reservas: Type.Array(reserva),
    siguiente: Type.Optional(Type.String({ description: 'El `cursor` de la página que sigue' })),
  },
  { examples: [{ reservas: [] }] },
);

/** What of the stock is spoken for, by whom and since when: for operators. */
export const addReservaRoutes = (app: Server, { consolidador }: BffParts): void => {
  app.get(
    '/api/reservas',
    {
      config,
      schema: {
        tags: ['operación'],
        summary: 'Las reservas, con su dueño y su edad',
        description:
          'Primero las vigentes, la más antigua primero; después las terminadas, la más reciente primero. Por páginas, de 100 ' +
          'si no se da `limit`: `siguiente` es el `cursor` de la que sigue, con los mismos filtros.',
        querystring: Type.Object(
          {
            compra: Type.Optional(Type.String({ description: 'Las de una compra' })),
            item: Type.Optional(Type.String({ description: 'Las de un item: id, número, SKU o nombre' })),
            estado: Type.Optional(estado),
            cursor: Type.Optional(Type.String()),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: greatestPage })),
          },
          { additionalProperties: false },
        ),
        response: { 200: page, '4xx': errors, '5xx': errors },
      },
    },
    (request) =>
      consolidador.call<Static<typeof page>>({
        method: 'GET',
        path: ['reservas'],
        query: request.query,
        origin: request,
      }),
  );
};
