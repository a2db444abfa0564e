import { access } from '@cordada/infra/http/access.ts';
import { money } from '@cordada/infra/http/money.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { errors, LONG_TEXT, operation, SHORT_TEXT, text } from '../documents.ts';
import {
  ITEMS as base,
  item,
  itemRequestKey,
  itemWriteHeaders,
  MOST_UNITS,
  type StockItem,
  sendCommand,
} from '../inventory.ts';
import type { Outcomes } from '../outcomes.ts';
import type { BffParts } from '../parts.ts';
import type { Verb, Verbs } from '../verbs.ts';

const config = { access: access.demoOpen('ADMIN', 'OPERARIO', 'CLIENTE') };
const params = Type.Object({ id: Type.String() });

const acceptedCommand = Type.Object(
  {
    operationId: Type.String(),
    estado: Type.Literal('PENDING', { description: 'Como estaba al aceptarse' }),
    enlace: Type.String({ description: 'Dónde leer cómo acabó' }),
    id: Type.String({ description: 'El item' }),
    numero: Type.Integer({ description: 'Su número' }),
  },
  {
    description: 'Aceptada: en `Location` se lee cómo acabó',
    examples: [
      {
        operationId: '0199a1f0-7c3e-7000-8000-3f8a4f1f7d52',
        estado: 'PENDING',
        enlace: '/api/v1/operations/0199a1f0-7c3e-7000-8000-3f8a4f1f7d52',
        id: '2f0c7d31-9b1e-7c52-8d0a-7e6f5a4b3c2d',
        numero: 19,
      },
    ],
  },
);

const description = Type.Optional(Type.Union([text(0, LONG_TEXT), Type.Null()]));
const create = Type.Object(
  {
    sku: text(1, SHORT_TEXT, { description: 'De un solo item a la vez' }),
    name: text(1, SHORT_TEXT),
    description,
    quantity: Type.Integer({ minimum: 0, maximum: MOST_UNITS }),
    price: Type.Optional(money),
  },
  {
    additionalProperties: false,
    examples: [
      {
        sku: 'PROD-001',
        name: 'Producto de Prueba',
        description: 'Descripción del producto',
        quantity: 100,
        price: 1999.99,
      },
    ],
  },
);
const describe = Type.Object(
  { name: text(1, SHORT_TEXT), description, price: Type.Optional(money) },
  {
    additionalProperties: false,
    examples: [{ name: 'Otro nombre', description: 'Otra descripción', price: 1899.99 }],
  },
);
const units = Type.Object(
  { quantity: Type.Integer({ minimum: 1, maximum: MOST_UNITS }) },
  { additionalProperties: false, examples: [{ quantity: 10 }] },
);
const delta = Type.Object(
  {
    quantity: Type.Union(
      [
        Type.Integer({ minimum: -MOST_UNITS, maximum: -1 }),
        Type.Integer({ minimum: 1, maximum: MOST_UNITS }),
      ],
      { description: 'Cuántas entran o, con signo menos, salen; no 0' },
    ),
  },
  { additionalProperties: false, examples: [{ quantity: -5 }] },
);

/** What is the same of every command's route. */
const command = (summary: string, description: string) => ({
  tags: ['inventario'],
  summary,
  description: `${description} Responde 202 con la operación en la que se lee el resultado; con \`Prefer: wait=n\`, el item o el rechazo cuando se sabe.`,
  headers: itemWriteHeaders,
});

/** The commands of systems.md §3: each an operation of admin-productos that consolidador carries out. */
export const addInventoryRoutes = (app: Server, parts: BffParts, verbs: Verbs, outcomes: Outcomes): void => {
  /** @param done the status of a command whose outcome is known */
  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    send: Pick<Verb, 'path' | 'method'>,
    done: 200 | 201,
  ) => {
    const key = itemRequestKey(request);
    const { accepted, wait, ended } = await sendCommand(
      { parts, verbs, outcomes },
      request,
      reply,
      { ...send, ...(key !== undefined && { key }) },
      outcomes.wait(request, reply),
    );
    const enlace = `/api/v1/operations/${accepted.operationId}`;
    reply.header('location', enlace);
    if (ended && wait) {
      const path = ['items', accepted.id];
      const found = await parts.consolidador.find<StockItem>({ method: 'GET', path, origin: request });
      if (done === 201) reply.header('content-location', `${base}/${accepted.id}`);
      // Deleted, by this very command or another: what is left to tell is the operation.
      return reply.code(found ? done : 200).send((found ? shown(found) : ended) as never);
    }
    return reply.code(202).send({ estado: 'PENDING', enlace, ...accepted } as never);
  };

  app.post(
    base,
    {
      config,
      schema: {
        ...command('Crea un item', 'Su SKU tiene que estar libre. Sin `price` no se puede comprar.'),
        body: create,
        response: { 201: item, 202: acceptedCommand, '4xx': errors, '5xx': errors },
      },
    },
    (request, reply) => answer(request, reply, { path: ['items'] }, 201),
  );

  app.put(
    `${base}/:id`,
    {
      config,
      schema: {
        ...command(
          'Cambia el nombre y la descripción de un item, y su precio si viene',
          'El item puede nombrarse por su id, su número, su SKU o su nombre.',
        ),
        params,
        body: describe,
        response: { 200: item, 202: acceptedCommand, '4xx': errors, '5xx': errors },
      },
    },
    (request, reply) => answer(request, reply, { method: 'PUT', path: ['items', request.params.id] }, 200),
  );

  app.delete(
    `${base}/:id`,
    {
      config,
      schema: {
        ...command(
          'Elimina un item',
          'No mientras algo de él esté reservado. Su SKU y su nombre quedan libres.',
        ),
        params,
        response: { 200: operation, 202: acceptedCommand, '4xx': errors, '5xx': errors },
      },
    },
    (request, reply) => answer(request, reply, { method: 'DELETE', path: ['items', request.params.id] }, 200),
  );

  for (const [verb, body, summary, rule] of [
    ['reserve', units, 'Reserva unidades a mano', 'De 1 a las que haya disponibles. Vence sola.'],
    [
      'release',
      units,
      'Libera unidades reservadas a mano',
      'De 1 a las reservadas a mano: nunca las de una compra.',
    ],
    [
      'adjust',
      delta,
      'Añade o quita unidades',
      'Ni la cantidad ni lo disponible pueden quedar por debajo de 0.',
    ],
  ] as const)
    app.post(
      `${base}/:id/${verb}`,
      {
        config,
        schema: {
          ...command(summary, rule),
          params,
          body,
          response: { 200: item, 202: acceptedCommand, '4xx': errors, '5xx': errors },
        },
      },
      (request, reply) => answer(request, reply, { path: ['items', request.params.id, verb] }, 200),
    );
};

/** An item without what §3 does not know. */
const shown = ({ precio: _price, ...item }: StockItem) => item;
