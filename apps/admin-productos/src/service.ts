import { fileURLToPath } from 'node:url';
import { prismaAdapter } from '@cordada/infra/database/prisma-adapter.ts';
import { messagingMigrations } from '@cordada/infra/service/messaging.ts';
import { buildParticipant } from '@cordada/infra/service/participant-service.ts';
import type { Service, ServiceDeps } from '@cordada/infra/service/service.ts';
import { createCommands } from './commands.ts';
import { sowDemoProducts } from './demo-products.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import { addProductRoutes } from './routes.ts';
import { productCapability } from './store.ts';

/** Folders of the migrations that its database needs, in order. */
export const migrations = [
  messagingMigrations,
  fileURLToPath(new URL('../prisma/migrations', import.meta.url)),
];

/** The command side of the inventory, and the owner of what a product is. */
export const build = (deps: ServiceDeps): Promise<Service> => {
  const { database, runtime, settings } = deps;
  const prisma = new PrismaClient({ adapter: prismaAdapter(database) });
  return buildParticipant(deps, {
    name: 'admin-productos',
    description: 'Keeps the products, and takes commands about the inventory. Called by the BFF only.',
    capability: productCapability,
    addRoutes: (app, messaging) =>
      addProductRoutes(app, { commands: createCommands(messaging, runtime), database, prisma, runtime }),
    async started(messaging) {
      if (settings.AUTH === 'demo') await sowDemoProducts(messaging, database, runtime);
    },
    close: () => prisma.$disconnect(),
  });
};
