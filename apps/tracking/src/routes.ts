import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import { access } from '@cordada/infra/http/access.ts';
import { notFound } from '@cordada/infra/http/errors.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import { cancelDirect } from '@cordada/infra/service/direct-cancellation.ts';
import type { Messaging } from '@cordada/infra/service/messaging.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import Type from 'typebox';
import { readTracking, writeTracking } from './brand-tracking.ts';
import type { PrismaClient, Evento as StoredEvento } from './generated/prisma/client.ts';
import { cancellationOf } from './store.ts';

const config = { access: access.service };
const idParams = Type.Object({ id: Type.String() });

const view = (evento: StoredEvento) => ({
  id: evento.id,
  id_partner: evento.idPartner,
  id_campana: evento.idCampana,
  fecha: evento.fecha.toISOString(),
  estado: evento.estado,
  saga_id: evento.sagaId,
});

export interface RouteParts {
  readonly messaging: Messaging;
  readonly database: ServiceDatabase;
  readonly prisma: PrismaClient;
  readonly runtime: Runtime;
}

/** What the BFF reads, sets and undoes at `tracking`. */
export const addEventoRoutes = (app: Server, { messaging, database, prisma, runtime }: RouteParts): void => {
  app.get(
    '/eventos',
    {
      config,
      schema: {
        querystring: Type.Object(
          {
            limit: Type.Optional(Type.Integer({ minimum: 1 })),
            id_partner: Type.Optional(Type.String()),
          },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query }) => {
      const eventos = await prisma.evento.findMany({
        orderBy: [{ fecha: 'asc' }, { id: 'asc' }],
        ...(query.limit === undefined ? {} : { take: query.limit }),
        ...(query.id_partner === undefined ? {} : { where: { idPartner: query.id_partner } }),
      });
      return eventos.map(view);
    },
  );

  app.get('/eventos/:id', { config, schema: { params: idParams } }, async ({ params: { id } }) => {
    const evento = isUuid(id) ? await prisma.evento.findUnique({ where: { id } }) : null;
    if (!evento) throw notFound(`No existe el evento ${id}`);
    return view(evento);
  });

  app.delete(
    '/eventos/:id',
    { config, schema: { params: idParams } },
    async ({ params: { id }, traceparent }, reply) => {
      reply.code(202);
      return cancelDirect(messaging, runtime, cancellationOf(id), traceparent);
    },
  );

  app.get('/marcas/:id/tracking', { config, schema: { params: idParams } }, ({ params: { id } }) =>
    readTracking(database, id),
  );

  app.put(
    '/marcas/:id/tracking',
    {
      config,
      schema: {
        params: idParams,
        body: Type.Object({ activo: Type.Boolean(), quien: Type.String() }, { additionalProperties: false }),
      },
    },
    async ({ params: { id }, body }) => {
      await writeTracking(messaging, id, body.activo, body.quien, new Date(runtime.now()));
      return { activo: body.activo };
    },
  );
};
