import type { Bus } from '@cordada/infra/bus/bus.ts';
import type { Neighbour } from '@cordada/infra/config/services.ts';
import type { ServiceClient } from '@cordada/infra/http/service-client.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import type { Logger } from '@cordada/infra/telemetry/logger.ts';

/** What the routes of the BFF work with. It keeps no state: all of it is at the services behind. */
export interface BffParts extends Readonly<Record<Neighbour, ServiceClient>> {
  readonly bus: Pick<Bus, 'publish'>;
  readonly runtime: Runtime;
  readonly log: Logger;
}
