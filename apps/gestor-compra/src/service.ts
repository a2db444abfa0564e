import { fileURLToPath } from 'node:url';
import { prismaAdapter } from '@cordada/infra/database/prisma-adapter.ts';
import { messagingMigrations } from '@cordada/infra/service/messaging.ts';
import type { Service, ServiceDeps } from '@cordada/infra/service/service.ts';
import { compraSaga } from '@cordada/sagas/compra.saga.ts';
import { sagaMigrations } from '@cordada/sagas/service/coordination.ts';
import { buildCoordinator } from '@cordada/sagas/service/coordinator-service.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import { projectCompras } from './projection.ts';
import { addCompraRoutes } from './routes.ts';

/** Folders of the migrations that its database needs, in order. */
export const migrations = [
  messagingMigrations,
  sagaMigrations,
  fileURLToPath(new URL('../prisma/migrations', import.meta.url)),
];

/** The service that owns the purchase saga, and shows each purchase as its saga leaves it. */
export const build = (deps: ServiceDeps): Promise<Service> => {
  const prisma = new PrismaClient({ adapter: prismaAdapter(deps.database) });
  return buildCoordinator(deps, {
    name: 'gestor-compra',
    description: 'Coordinates purchases. Called by the BFF only.',
    definitions: [compraSaga],
    // Every step of a purchase is done by another service.
    local: { reactions: [], load: async () => ({}), write: () => {} },
    project: projectCompras,
    addRoutes: (app, { coordinator }) => addCompraRoutes(app, { prisma, coordinator }),
    close: () => prisma.$disconnect(),
  });
};
