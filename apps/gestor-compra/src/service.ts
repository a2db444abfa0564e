import { messagingMigrations } from '@cordada/infra/service/messaging.ts';
import type { Service, ServiceDeps } from '@cordada/infra/service/service.ts';
import { compraSaga } from '@cordada/sagas/compra.saga.ts';
import { sagaMigrations } from '@cordada/sagas/service/coordination.ts';
import { buildCoordinator } from '@cordada/sagas/service/coordinator-service.ts';

/** Folders of the migrations that its database needs, in order. */
export const migrations = [messagingMigrations, sagaMigrations];

/** The service that owns the purchase saga. */
export const build = (deps: ServiceDeps): Promise<Service> =>
  buildCoordinator(deps, {
    name: 'gestor-compra',
    description: 'Coordinates purchases. Called by the BFF only.',
    definitions: [compraSaga],
    local: { reactions: [], load: async () => ({}), write: () => {} },
    addRoutes: () => {},
    close: async () => {},
  });
