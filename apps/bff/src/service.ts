import { forNeighbours, type Neighbour } from '@cordada/infra/config/services.ts';
import { networkResilience, type Resilience } from '@cordada/infra/http/resilience.ts';
import { createServer } from '@cordada/infra/http/server.ts';
import type { Fetch } from '@cordada/infra/http/service-client.ts';
import { createServiceClient, type ServiceClient } from '@cordada/infra/http/service-client.ts';
import { countedBus } from '@cordada/infra/service/counted-bus.ts';
import type { Service, ServiceDeps } from '@cordada/infra/service/service.ts';
import { createPurchases } from './compras/purchases.ts';
import { createIntake } from './intake.ts';
import { createProducts } from './jsonapi/products.ts';
import { addJsonApiRoutes } from './jsonapi/scope.ts';
import { createOutcomes } from './outcomes.ts';
import type { BffParts } from './parts.ts';
import { addCampaignRoutes } from './routes/campaigns.ts';
import { addCompraRoutes } from './routes/compras.ts';
import { addDeletionRoutes } from './routes/deletions.ts';
import { addGraphqlRoutes } from './routes/graphql.ts';
import { addInventoryRoutes } from './routes/inventory.ts';
import { addInventoryQueryRoutes } from './routes/inventory-queries.ts';
import { addProductRoutes } from './routes/jsonapi-products.ts';
import { addPurchaseRoutes } from './routes/jsonapi-purchases.ts';
import { addOperationRoutes } from './routes/operations.ts';
import { addOperatorRoutes } from './routes/operators.ts';
import { addOrdenRoutes } from './routes/ordenes.ts';
import { addReadRoutes } from './routes/reads.ts';
import { addRegistrationRoutes } from './routes/registrations.ts';
import { addReservaRoutes } from './routes/reservas.ts';
import { addRuleRoutes } from './routes/rules.ts';
import { addSagaViewRoutes } from './routes/sagas.ts';
import { addStreamRoutes } from './routes/stream.ts';
import { createVerbs } from './verbs.ts';

const name = 'bff';

/** All that the BFF takes from outside: it has no database. */
export interface BffDeps extends Omit<ServiceDeps, 'database'> {
  readonly fetch: Fetch;
  /** Base addresses of the replicas of each service behind it. */
  readonly urls: Readonly<Record<Neighbour, readonly string[]>>;
  /** How calls to a service are carried out; for a network where absent. */
  resilience?(target: Neighbour, addresses: readonly string[]): Resilience;
}

/** The one service that clients speak to: it publishes commands, reads and sets rules at their owners, keeps nothing. */
export const build = async (deps: BffDeps): Promise<Service> => {
  const { runtime, bus, log, registry, security, settings, urls } = deps;
  const client = (target: Neighbour): ServiceClient =>
    createServiceClient({
      caller: name,
      target,
      fetch: deps.fetch,
      tokens: security.tokens,
      resilience:
        deps.resilience?.(target, urls[target]) ?? networkResilience(target, urls[target], log, runtime),
    });
  const parts: BffParts = {
    ...forNeighbours(client),
    bus: countedBus(bus, registry),
    runtime,
    log,
  };
  const app = await createServer({
    name,
    description:
      'Campañas con sus partners y sus eventos, y compras con sus reservas y sus órdenes: enteras, o nada de ellas.',
    runtime,
    log,
    registry,
    security,
    checks: { bus: () => bus.health() },
    ...(deps.ready && { ready: deps.ready }),
    rateLimit: settings.RATE_LIMIT,
    healthAliases: ['/api/v1/health'],
  });
  const intake = createIntake(parts);
  const outcomes = createOutcomes(app, parts);
  const verbs = createVerbs();
  addCampaignRoutes(app, parts, intake, outcomes);
  addRegistrationRoutes(app, parts, intake, outcomes);
  addOperationRoutes(app, parts);
  addInventoryRoutes(app, parts, verbs, outcomes);
  addInventoryQueryRoutes(app, parts);
  addDeletionRoutes(app, parts, outcomes);
  addReadRoutes(app, parts);
  addSagaViewRoutes(app, parts, verbs);
  addOperatorRoutes(app, parts, verbs);
  addRuleRoutes(app, parts);
  const purchases = createPurchases(parts, intake, outcomes);
  addCompraRoutes(app, parts, purchases, outcomes);
  addGraphqlRoutes(app, { purchases, log, runtime, auth: security.auth });
  addOrdenRoutes(app, parts);
  addReservaRoutes(app, parts);
  const products = createProducts(parts['admin-productos']);
  await addJsonApiRoutes(app, (scope) => {
    addProductRoutes(scope, parts, products, verbs, outcomes);
    addPurchaseRoutes(scope, parts, products, purchases, outcomes);
  });
  addStreamRoutes(app, parts);
  return {
    name,
    app,
    start: async () => {},
    drain: () => app.close(),
    stop: async () => {},
  };
};
