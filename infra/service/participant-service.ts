import { contracts } from '@cordada/schemas';
import type { SqlTransaction } from '../database/database.ts';
import type { Server } from '../http/server.ts';
import type { Capability } from '../messaging/capability.ts';
import { participant } from '../messaging/participant.ts';
import { createMessaging, type Messaging } from './messaging.ts';
import { addOperatorRoutes } from './operator-routes.ts';
import type { Service, ServiceDeps } from './service.ts';
import { createServiceServer } from './service-server.ts';

export interface ParticipantServiceOptions<Rows> {
  /** The service, and its subscription in the manifest. */
  readonly name: string;
  /** One sentence for the head of `/docs`. */
  readonly description: string;
  readonly capability: Capability<SqlTransaction, Rows>;
  addRoutes(app: Server, messaging: Messaging): void;
  /** Called once the service takes messages, before it takes requests. */
  started?(messaging: Messaging): Promise<void>;
  /** Closes what the service itself has opened. */
  close(): Promise<void>;
}

/** A service that does steps of others' sagas and reacts to events: one capability behind one subscription. */
export const buildParticipant = async <Rows>(
  deps: ServiceDeps,
  { name, description, capability, addRoutes, started, close }: ParticipantServiceOptions<Rows>,
): Promise<Service> => {
  const messaging = createMessaging(deps, name, name);
  const app = await createServiceServer(deps, name, description);
  addOperatorRoutes(app, messaging, deps.runtime);
  addRoutes(app, messaging);
  const handler = participant(capability, {
    store: messaging.store,
    subscription: name,
    contracts,
    log: deps.log,
  });
  return {
    name,
    app,
    async start() {
      await messaging.start(handler);
      await started?.(messaging);
    },
    async drain() {
      await app.close();
      await messaging.drain();
    },
    async stop() {
      await messaging.stop();
      await close();
    },
  };
};
