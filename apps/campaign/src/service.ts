import { fileURLToPath } from 'node:url';
import { prismaAdapter } from '@cordada/infra/database/prisma-adapter.ts';
import { createMessaging, messagingMigrations } from '@cordada/infra/service/messaging.ts';
import { addOperatorRoutes } from '@cordada/infra/service/operator-routes.ts';
import type { Service, ServiceDeps } from '@cordada/infra/service/service.ts';
import { createServiceServer } from '@cordada/infra/service/service-server.ts';
import { campaignSaga } from '@cordada/sagas/campaign.saga.ts';
import { coordinate, sagaMigrations } from '@cordada/sagas/service/coordination.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import { projectCampaigns } from './projection.ts';
import { addCampaignRoutes } from './routes.ts';
import { campaignSteps } from './store.ts';

const name = 'campaign';

/** Folders of the migrations that its database needs, in order. */
export const migrations = [
  messagingMigrations,
  sagaMigrations,
  fileURLToPath(new URL('../prisma/migrations', import.meta.url)),
];

/** The service that owns the campaign saga, and does the steps that register, cancel and approve campaigns. */
export const build = async (deps: ServiceDeps): Promise<Service> => {
  const { database, runtime } = deps;
  const messaging = createMessaging(deps, name, 'campaign.coordinator');
  const { coordinator, addRoutes } = coordinate(deps, {
    service: name,
    subscription: 'campaign.coordinator',
    definitions: [campaignSaga],
    local: campaignSteps,
    messaging,
    project: projectCampaigns,
  });
  const prisma = new PrismaClient({ adapter: prismaAdapter(database) });
  const app = await createServiceServer(
    deps,
    name,
    'Registers campaigns and coordinates their sagas. Called by the BFF only.',
  );
  addOperatorRoutes(app, messaging, runtime);
  addRoutes(app);
  addCampaignRoutes(app, { prisma, coordinator });
  return {
    name,
    app,
    async start() {
      await coordinator.start();
      await messaging.start(coordinator);
    },
    async drain() {
      await app.close();
      await messaging.drain();
    },
    async stop() {
      await coordinator.close();
      await messaging.stop();
      await prisma.$disconnect();
    },
  };
};
