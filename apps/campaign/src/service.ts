import { fileURLToPath } from 'node:url';
import { prismaAdapter } from '@cordada/infra/database/prisma-adapter.ts';
import { messagingMigrations } from '@cordada/infra/service/messaging.ts';
import type { Service, ServiceDeps } from '@cordada/infra/service/service.ts';
import { campaignSaga } from '@cordada/sagas/campaign.saga.ts';
import { sagaMigrations } from '@cordada/sagas/service/coordination.ts';
import { buildCoordinator } from '@cordada/sagas/service/coordinator-service.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import { projectCampaigns } from './projection.ts';
import { addCampaignRoutes } from './routes.ts';
import { campaignSteps } from './store.ts';

/** Folders of the migrations that its database needs, in order. */
export const migrations = [
  messagingMigrations,
  sagaMigrations,
  fileURLToPath(new URL('../prisma/migrations', import.meta.url)),
];

/** The service that owns the campaign saga, and does the steps that register, cancel and approve campaigns. */
export const build = (deps: ServiceDeps): Promise<Service> => {
  const prisma = new PrismaClient({ adapter: prismaAdapter(deps.database) });
  return buildCoordinator(deps, {
    name: 'campaign',
    description: 'Registers campaigns and coordinates their sagas. Called by the BFF only.',
    definitions: [campaignSaga],
    local: campaignSteps,
    project: projectCampaigns,
    addRoutes: (app, { coordinator }) => addCampaignRoutes(app, { prisma, coordinator }),
    close: () => prisma.$disconnect(),
  });
};
