import { fileURLToPath } from 'node:url';
import { messagingMigrations } from '@cordada/infra/service/messaging.ts';
import { buildParticipant } from '@cordada/infra/service/participant-service.ts';
import type { Service, ServiceDeps } from '@cordada/infra/service/service.ts';
import { stockReads } from './reads.ts';
import { addStockRoutes } from './routes.ts';
import { stockCapability } from './store.ts';

/** Folders of the migrations that its database needs, in order. */
export const migrations = [
  messagingMigrations,
  fileURLToPath(new URL('../prisma/migrations', import.meta.url)),
];

export const build = (deps: ServiceDeps): Promise<Service> =>
  buildParticipant(deps, {
    name: 'consolidador',
    description: 'Keeps the stock: the single writer of the inventory. Called by the BFF only.',
    capability: stockCapability(deps.settings.RESERVA_TTL_MS),
    addRoutes: (app) => addStockRoutes(app, stockReads(deps.database), deps.runtime),
    close: async () => {},
  });
