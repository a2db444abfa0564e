import type { FrontDeps } from '@cordada/infra/service/lone-service.ts';
import type { Service } from '@cordada/infra/service/service.ts';
import { createServiceServer } from '@cordada/infra/service/service-server.ts';

const name = 'consultas';

/** The query side of the inventory: reads cache first, and keeps nothing that it cannot read again. */
export const build = async (deps: FrontDeps): Promise<Service> => {
  const app = await createServiceServer(
    deps,
    name,
    'Answers what there is of each item. Called by the BFF only.',
  );
  return { name, app, start: async () => {}, drain: () => app.close(), stop: async () => {} };
};
