import { access } from '@cordada/infra/http/access.ts';
import { notFound } from '@cordada/infra/http/errors.ts';
import { Digits } from '@cordada/infra/http/json-text.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import type { Coordinator } from '@cordada/sagas/engine/coordinator.ts';
import { addUndoRoute } from '@cordada/sagas/service/saga-routes.ts';
import Type from 'typebox';
import type { PrismaClient, Campaign as StoredCampaign } from './generated/prisma/client.ts';

const config = { access: access.service };
const idParams = Type.Object({ id: Type.String() });

const view = (campaign: StoredCampaign) => ({
  id: campaign.id,
  nombre: campaign.nombre,
  presupuesto: new Digits(campaign.presupuesto.toFixed(2)),
  divisa: campaign.divisa,
  marca_id: campaign.marcaId,
  estado: campaign.estado,
  ...(campaign.detenida && { detenida: true }),
  participantes: campaign.participantes,
  saga_id: campaign.sagaId,
});

export interface RouteParts {
  readonly prisma: PrismaClient;
  // biome-ignore lint/suspicious/noExplicitAny: the transaction type is the coordinator's own affair
  readonly coordinator: Coordinator<any>;
}

/** What the BFF reads and undoes at `campaign`, besides its sagas. */
export const addCampaignRoutes = (app: Server, { prisma, coordinator }: RouteParts): void => {
  const find = async (id: string): Promise<StoredCampaign> => {
    const campaign = isUuid(id) ? await prisma.campaign.findUnique({ where: { id } }) : null;
    if (!campaign) throw notFound(`No existe la campaña ${id}`);
    return campaign;
  };

  app.get(
    '/campaigns',
    {
      config,
      schema: {
        querystring: Type.Object(
          { limit: Type.Optional(Type.Integer({ minimum: 1 })) },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query }) => {
      const campaigns = await prisma.campaign.findMany({
        orderBy: [{ creada: 'asc' }, { id: 'asc' }],
        ...(query.limit === undefined ? {} : { take: query.limit }),
      });
      return campaigns.map(view);
    },
  );

  app.get('/campaigns/:id', { config, schema: { params: idParams } }, async ({ params }) =>
    view(await find(params.id)),
  );

  addUndoRoute(app, '/campaigns', coordinator, async (id) => (await find(id)).sagaId);
};
