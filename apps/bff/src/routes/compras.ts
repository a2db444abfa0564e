import { access } from '@cordada/infra/http/access.ts';
import { conflict, notFound } from '@cordada/infra/http/errors.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { RequestOrigin } from '@cordada/infra/http/service-client.ts';
import Type from 'typebox';
import { acceptedCompra, compra, pedido } from '../compras/documents.ts';
import type { Compra, Purchases } from '../compras/purchases.ts';
import { acceptedSaga, errors, postHeaders, waitHeader } from '../documents.ts';
import type { Outcomes } from '../outcomes.ts';
import type { BffParts } from '../parts.ts';
import { reasonOf } from './deletions.ts';
import { sagaView } from './sagas.ts';

const config = { access: access.demoOpen('ADMIN', 'OPERARIO', 'CLIENTE') };
const route = '/api/compras';
const idParams = Type.Object({ id: Type.String() });
/** More than any list holds: a limit above it is a mistake. */
const greatestLimit = 1_000_000;

/** How an order that is on its way says that it is not undone any more. */
const onItsWay: Readonly<Record<string, string>> = {
  IN_TRANSIT: 'ORDEN_EN_CAMINO',
  DELIVERED: 'ORDEN_ENTREGADA',
};

/** Buying, and undoing it: the saga of systems.md §2. */
export const addCompraRoutes = (
  app: Server,
  parts: BffParts,
  purchases: Purchases,
  outcomes: Outcomes,
): void => {
  const { ordenes, 'gestor-compra': gestor } = parts;

  /** @throws HttpError 404, with `Retry-After`: its owner may be behind */
  const find = async (id: string, origin: RequestOrigin): Promise<Compra> => {
    const found = await purchases.find(id, origin);
    if (!found) throw notFound(`No existe la compra ${id}`, { 'retry-after': '1' });
    return found;
  };

  app.post(
    route,
    {
      config,
      schema: {
        tags: ['compras'],
        summary: 'Compra productos: todos, o ninguno',
        description:
          'Inicia la saga que valida y reserva el inventario, crea la orden y la confirma, o lo deshace. Responde 202 ' +
          'cuando la petición ya no se puede perder; con `Prefer: wait=n`, 200 con la compra cuando acaba, como acabe.',
        headers: postHeaders,
        body: pedido,
        response: { 200: compra, 202: acceptedCompra, '4xx': errors, '5xx': errors },
      },
    },
    async (request, reply) => {
      const wait = outcomes.wait(request, reply);
      const id = await purchases.begin(request, reply, route, request.body);
      const enlace = `${route}/${id}`;
      reply.header('location', enlace);
      const ended = await purchases.ended(id, request, wait);
      if (ended) return reply.code(200).send(ended);
      return reply.code(202).send({ id, estado: 'COMPRA_CREADA', enlace, saga: `/api/sagas/compra/${id}` });
    },
  );

  app.get(
    `${route}/:id`,
    {
      config,
      schema: {
        tags: ['compras'],
        summary: 'Una compra, como la deja su saga',
        description:
          'Los identificadores son opacos: lo que no existe es un 404, nunca un 400. Rechazada dice por qué, y qué falta.',
        params: idParams,
        response: { 200: compra, '4xx': errors, '5xx': errors },
      },
    },
    (request) => find(request.params.id, request),
  );

  app.get(
    '/usuarios/:id/compras',
    {
      config,
      schema: {
        tags: ['compras'],
        summary: 'Las compras de un usuario, de la más antigua a la más reciente',
        description: 'Una lista sin envoltura, entera si no se da `limit`; vacía para quien no ha comprado.',
        params: idParams,
        querystring: Type.Object(
          {
            limit: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: greatestLimit,
                description: 'Como mucho tantas; todas si falta',
              }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 200: Type.Array(compra), '4xx': errors, '5xx': errors },
      },
    },
    (request) => purchases.ofUser(request.params.id, request.query.limit, request),
  );

  app.delete(
    `${route}/:id`,
    {
      config,
      schema: {
        tags: ['compras'],
        summary: 'Deshace una compra',
        description:
          'Mientras no hay orden, su saga se compensa; una vez CONFIRMADA, otra saga anula la orden y devuelve el ' +
          'inventario. Lo ya rechazado, lo que ya no se puede parar y aún no ha acabado, y una orden en camino, 409. ' +
          'Con `Prefer: wait=n`, 200 cuando se sabe cómo acabó. Repetido mientras se deshace es lo mismo: no usa `Idempotency-Key`.',
        headers: Type.Object(waitHeader),
        params: idParams,
        response: { 200: sagaView, 202: acceptedSaga, '4xx': errors, '5xx': errors },
      },
    },
    async (request, reply) => {
      const wait = outcomes.wait(request, reply);
      const found = await find(request.params.id, request);
      if (found.estado === 'RECHAZADA')
        throw conflict('YA_RECHAZADA', `La compra ${found.id} está RECHAZADA`);
      if (found.estado === 'CONFIRMADA') await refuseOnItsWay(found, request);
      const { saga } = await gestor.call<{ saga: { id: string; tipo: string } }>({
        method: 'POST',
        path: ['compras', found.id, 'deshacer'],
        body: reasonOf(request),
        origin: request,
      });
      const enlace = `/api/sagas/${saga.tipo}/${saga.id}`;
      reply.header('location', enlace);
      const ended = wait && (await outcomes.saga(saga.tipo, saga.id, wait));
      if (!ended) return reply.code(202).send({ ...saga, enlace });
      // It left for the customer after it was looked at: the undo saga's pivot had the last word.
      if (ended.deshace !== undefined && ended.estado === 'COMPENSATED')
        throw conflict(
          ended.motivo?.codigo ?? 'NO_SE_PUEDE_DESHACER',
          ended.motivo?.motivo ?? 'La compra no se puede deshacer',
        );
      return reply.code(200).send(ended as never);
    },
  );

  /** @throws HttpError 409 when the order of a confirmed purchase has left */
  const refuseOnItsWay = async ({ idOrden }: Compra, origin: RequestOrigin): Promise<void> => {
    const orden = await ordenes.find<{ status: string }>({
      method: 'GET',
      path: ['ordenes', idOrden],
      origin,
    });
    const code = onItsWay[orden?.status ?? ''];
    if (code !== undefined) throw conflict(code, `La orden ${idOrden} está ${orden?.status}`);
  };
};
