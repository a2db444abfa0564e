import { messagingMigrations } from '@cordada/infra/service/messaging.ts';
import { buildParticipant } from '@cordada/infra/service/participant-service.ts';
import type { Service, ServiceDeps } from '@cordada/infra/service/service.ts';

/** Folders of the migrations that its database needs, in order. */
export const migrations = [messagingMigrations];

export const build = (deps: ServiceDeps): Promise<Service> =>
  buildParticipant(deps, {
    name: 'admin-productos',
    description: 'Keeps the products, and takes commands about the inventory. Called by the BFF only.',
    capability: { reactions: [], load: async () => ({}), write: () => {} },
    addRoutes: () => {},
    close: async () => {},
  });
