import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import { access } from '@cordada/infra/http/access.ts';
import { notFound } from '@cordada/infra/http/errors.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import { cancelDirect } from '@cordada/infra/service/direct-cancellation.ts';
import type { Messaging } from '@cordada/infra/service/messaging.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import Type from 'typebox';
import type { PrismaClient, Partner as StoredPartner } from './generated/prisma/client.ts';
import { cancellationOf } from './store.ts';
import { readSuspension, writeSuspension } from './suspension.ts';

const config = { access: access.service };
const idParams = Type.Object({ id: Type.String() });

const view = (partner: StoredPartner) => ({
  id: partner.id,
  id_campaign: partner.idCampaign,
  nombre: partner.nombre,
  tipo: partner.tipo,
  informacion_perfil: partner.informacionPerfil,
  estado: partner.estado,
  saga_id: partner.sagaId,
});

export interface RouteParts {
  readonly messaging: Messaging;
  readonly database: ServiceDatabase;
  readonly prisma: PrismaClient;
  readonly runtime: Runtime;
}

/** What the BFF reads, sets and undoes at `partner`. */
export const addPartnerRoutes = (app: Server, { messaging, database, prisma, runtime }: RouteParts): void => {
  app.get(
    '/partners',
    {
      config,
      schema: {
        querystring: Type.Object(
          {
            limit: Type.Optional(Type.Integer({ minimum: 1 })),
            id_campaign: Type.Optional(Type.String()),
          },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query }) => {
      const partners = await prisma.partner.findMany({
        orderBy: [{ creado: 'asc' }, { id: 'asc' }],
        ...(query.limit === undefined ? {} : { take: query.limit }),
        ...(query.id_campaign === undefined ? {} : { where: { idCampaign: query.id_campaign } }),
      });
      return partners.map(view);
    },
  );

  app.get('/partners/:id', { config, schema: { params: idParams } }, async ({ params: { id } }) => {
    const partner = isUuid(id) ? await prisma.partner.findUnique({ where: { id } }) : null;
    if (!partner) throw notFound(`No existe el partner ${id}`);
    return view(partner);
  });

  app.delete(
    '/partners/:id',
    { config, schema: { params: idParams } },
    async ({ params: { id }, traceparent }, reply) => {
      reply.code(202);
      return cancelDirect(messaging, runtime, cancellationOf(id), traceparent);
    },
  );

  app.get('/participantes/:id/suspension', { config, schema: { params: idParams } }, ({ params: { id } }) =>
    readSuspension(database, id),
  );

  app.put(
    '/participantes/:id/suspension',
    {
      config,
      schema: {
        params: idParams,
        body: Type.Object(
          {
            suspendido: Type.Boolean(),
            motivo: Type.Optional(Type.String({ maxLength: 1000 })),
            quien: Type.String(),
          },
          { additionalProperties: false },
        ),
      },
    },
    async ({ params: { id }, body }) => {
      const rule = { suspendido: body.suspendido, motivo: body.motivo ?? null };
      await writeSuspension(messaging, id, rule, body.quien, new Date(runtime.now()));
      return rule;
    },
  );
};
