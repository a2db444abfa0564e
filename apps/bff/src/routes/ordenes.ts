import { access } from '@cordada/infra/http/access.ts';
import { notFound } from '@cordada/infra/http/errors.ts';
import { money } from '@cordada/infra/http/money.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import Type, { type Static } from 'typebox';
import { cliente, orden } from '../compras/documents.ts';
import { errors } from '../documents.ts';
import type { BffParts } from '../parts.ts';

const readers = { access: access.demoOpen('ADMIN', 'OPERARIO', 'CLIENTE') };
const operators = { access: access.demoOpen('ADMIN', 'OPERARIO') };
const idParams = Type.Object({ id: Type.String() });
const responses = { '4xx': errors, '5xx': errors };

/** Orders and the customers that they are for: both are `ordenes`' to say, answered after its commit. */
export const addOrdenRoutes = (app: Server, { ordenes }: BffParts): void => {
  app.get(
    '/api/ordenes/:id',
    {
      config: readers,
      schema: {
        tags: ['compras'],
        summary: 'La orden de una compra',
        description: 'También la de una compra rechazada, aunque no llegara a hacerse.',
        params: idParams,
        response: { 200: orden, ...responses },
      },
    },
    async (request) => {
      const { id } = request.params;
      const found = await ordenes.find<Static<typeof orden>>({
        method: 'GET',
        path: ['ordenes', id],
        origin: request,
      });
      if (!found) throw notFound(`No existe la orden ${id}`, { 'retry-after': '1' });
      return found;
    },
  );

  app.put(
    '/api/ordenes/:id/estado',
    {
      config: operators,
      schema: {
        tags: ['compras'],
        summary: 'Una orden confirmada sale, y llega',
        description:
          'CONFIRMED pasa a IN_TRANSIT, y esta a DELIVERED; otra cosa es un 409. Repetido deja lo mismo: no usa `Idempotency-Key`.',
        params: idParams,
        body: Type.Object(
          { status: Type.Union([Type.Literal('IN_TRANSIT'), Type.Literal('DELIVERED')]) },
          { additionalProperties: false, examples: [{ status: 'IN_TRANSIT' }] },
        ),
        response: { 200: orden, ...responses },
      },
    },
    (request) =>
      ordenes.call<Static<typeof orden>>({
        method: 'PUT',
        path: ['ordenes', request.params.id, 'estado'],
        body: { ...request.body, quien: request.caller.name },
        origin: request,
      }),
  );

  app.get(
    '/api/clientes/:id',
    {
      config: operators,
      schema: {
        tags: ['reglas'],
        summary: 'Las reglas de un cliente',
        description: 'Quien aún no ha comprado está activo y tiene el límite de todos.',
        params: idParams,
        response: { 200: cliente, ...responses },
      },
    },
    (origin) =>
      ordenes.call<Static<typeof cliente>>({ method: 'GET', path: ['clientes', origin.params.id], origin }),
  );

  app.put(
    '/api/clientes/:id',
    {
      config: operators,
      schema: {
        tags: ['reglas'],
        summary: 'Activa o desactiva a un cliente, y fija su límite',
        description:
          'De un cliente inactivo, o por encima del límite, no se crea ninguna orden: la saga se compensa. Repetido deja lo mismo: no usa `Idempotency-Key`.',
        params: idParams,
        body: Type.Object(
          { activo: Type.Boolean(), limite: money },
          { additionalProperties: false, examples: [{ activo: true, limite: 250000.5 }] },
        ),
        response: { 200: cliente, ...responses },
      },
    },
    (request) =>
      ordenes.call<Static<typeof cliente>>({
        method: 'PUT',
        path: ['clientes', request.params.id],
        body: { ...request.body, quien: request.caller.name },
        origin: request,
      }),
  );
};
