import type { SqlTransaction } from '@cordada/infra/database/database.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import { createMessaging, daysMs, type Messaging } from '@cordada/infra/service/messaging.ts';
import { addOperatorRoutes } from '@cordada/infra/service/operator-routes.ts';
import type { Service, ServiceDeps } from '@cordada/infra/service/service.ts';
import { createServiceServer } from '@cordada/infra/service/service-server.ts';
import type { Coordinator } from '../engine/coordinator.ts';
import { retainedSagas } from '../engine/retention.ts';
import { type CoordinationOptions, coordinate } from './coordination.ts';

export interface CoordinatorServiceOptions
  extends Pick<CoordinationOptions, 'definitions' | 'local' | 'project'> {
  /** The service; its subscription in the manifest is `<name>.coordinator`. */
  readonly name: string;
  /** One sentence for the head of `/docs`. */
  readonly description: string;
  addRoutes(
    app: Server,
    parts: { readonly messaging: Messaging; readonly coordinator: Coordinator<SqlTransaction> },
  ): void;
  /** Closes what the service itself has opened. */
  close(): Promise<void>;
}

/** A service that owns sagas: a coordinator behind one subscription, with its reads, verbs and routes. */
export const buildCoordinator = async (
  deps: ServiceDeps,
  { name, description, addRoutes, close, ...options }: CoordinatorServiceOptions,
): Promise<Service> => {
  const subscription = `${name}.coordinator`;
  const retained = [retainedSagas(daysMs(deps.settings.RETAIN_SAGAS_DAYS))];
  const messaging = createMessaging(deps, name, subscription, retained);
  const { coordinator, addRoutes: addSagaRoutes } = coordinate(deps, {
    ...options,
    service: name,
    subscription,
    messaging,
  });
  const app = await createServiceServer(deps, name, description);
  addOperatorRoutes(app, messaging, deps.runtime);
  addSagaRoutes(app);
  addRoutes(app, { messaging, coordinator });
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
      await close();
    },
  };
};
