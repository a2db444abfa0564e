import { access } from '@cordada/infra/http/access.ts';
import { type HttpError, notFound, unavailable } from '@cordada/infra/http/errors.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { ServiceRequest } from '@cordada/infra/http/service-client.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { errors } from '../documents.ts';
import { ITEMS, item } from '../inventory.ts';
import type { BffParts } from '../parts.ts';

const config = { access: access.demoOpen('ADMIN', 'OPERARIO', 'CLIENTE') };
const LARGEST_PAGE = 100;

const stock = Type.Object(
  {
    id: Type.String(),
    sku: Type.String(),
    quantity: Type.Integer(),
    reserved: Type.Integer(),
    available: Type.Integer(),
    updated_at: Type.String({ format: 'date-time' }),
  },
  {
    examples: [
      {
        id: '0199a1f0-7c3e-7000-8000-3f8a4f1f7d52',
        sku: 'PROD-001',
        quantity: 100,
        reserved: 10,
        available: 90,
        updated_at: '2026-03-01T12:05:00.000Z',
      },
    ],
  },
);

const page = Type.Object(
  {
    items: Type.Array(item),
    total: Type.Integer(),
    page: Type.Integer(),
    page_size: Type.Integer(),
    total_pages: Type.Integer(),
  },
  { examples: [{ items: [], total: 0, page: 1, page_size: 10, total_pages: 0 }] },
);

/** The queries of systems.md §3, answered by consultas. */
export const addInventoryQueryRoutes = (app: Server, { consultas }: BffParts): void => {
  const ask = async (
    origin: FastifyRequest,
    reply: FastifyReply,
    request: Pick<ServiceRequest, 'path' | 'query'>,
    called: string,
  ): Promise<unknown> => {
    const answer = await consultas.send({ method: 'GET', origin, ...request });
    if (answer.status === 404) throw notFound(`No existe el item ${called}`);
    if (answer.status !== 200) throw unexpected(answer.status);
    reply.header('x-cache', answer.header('x-cache') ?? 'MISS');
    return answer.body;
  };

  app.get(
    ITEMS,
    {
      config,
      schema: {
        tags: ['inventario'],
        summary: 'Los items, por páginas',
        description:
          'Por el orden de su número. `X-Cache` dice si la respuesta estaba guardada: entonces tiene como mucho cinco minutos.',
        querystring: Type.Object(
          {
            page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description: '1 si falta' })),
            page_size: Type.Optional(
              Type.Integer({ minimum: 1, description: '10 si falta; más de 100 son 100' }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 200: page, '4xx': errors, '5xx': errors },
      },
    },
    (request, reply) => {
      const { page = 1, page_size = 10 } = request.query;
      const query = { page, page_size: Math.min(page_size, LARGEST_PAGE) };
      return ask(request, reply, { path: ['items'], query }, '') as never;
    },
  );

  for (const [suffix, schema, summary] of [
    ['', item, 'Un item'],
    ['/stock', stock, 'Lo que hay de un item'],
  ] as const) {
    const shared = (by: string) => ({
      tags: ['inventario'],
      summary: `${summary}, por ${by}`,
      description: 'Un identificador desconocido es un 404, nunca un 400. `X-Cache` dice si estaba guardado.',
      response: { 200: schema, '4xx': errors, '5xx': errors },
    });
    app.get(
      `${ITEMS}/:id${suffix}`,
      {
        config,
        schema: {
          ...shared('su id, su número, su SKU o su nombre'),
          params: Type.Object({ id: Type.String() }),
        },
      },
      (request, reply) => {
        const { id } = request.params;
        return ask(request, reply, { path: ['items', id, ...suffix.split('/').slice(1)] }, id) as never;
      },
    );
    app.get(
      `${ITEMS}/sku/:sku${suffix}`,
      { config, schema: { ...shared('su SKU'), params: Type.Object({ sku: Type.String() }) } },
      (request, reply) => {
        const { sku } = request.params;
        return ask(
          request,
          reply,
          { path: ['items', 'sku', sku, ...suffix.split('/').slice(1)] },
          sku,
        ) as never;
      },
    );
  }
};

/** consultas refuses nothing that came this far: what it says is ours to mend. */
const unexpected = (status: number): HttpError => unavailable(`El servicio consultas respondió ${status}`);
