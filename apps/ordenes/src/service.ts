import { fileURLToPath } from 'node:url';
import { prismaAdapter } from '@cordada/infra/database/prisma-adapter.ts';
import { messagingMigrations } from '@cordada/infra/service/messaging.ts';
import { buildParticipant } from '@cordada/infra/service/participant-service.ts';
import type { Service, ServiceDeps } from '@cordada/infra/service/service.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import { addOrdenRoutes } from './routes.ts';
import { ordenCapability } from './store.ts';

/** Folders of the migrations that its database needs, in order. */
export const migrations = [
  messagingMigrations,
  fileURLToPath(new URL('../prisma/migrations', import.meta.url)),
];

export const build = (deps: ServiceDeps): Promise<Service> => {
  const { database, runtime } = deps;
  const prisma = new PrismaClient({ adapter: prismaAdapter(database) });
  return buildParticipant(deps, {
    name: 'ordenes',
    description: 'Keeps customers and their orders. Called by the BFF only.',
    capability: ordenCapability,
    addRoutes: (app, messaging) => addOrdenRoutes(app, { messaging, database, prisma, runtime }),
    close: () => prisma.$disconnect(),
  });
};
