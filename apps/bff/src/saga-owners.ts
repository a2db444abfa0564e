import type { ServiceClient } from '@cordada/infra/http/service-client.ts';
import type { BffParts } from './parts.ts';

/** Who owns the sagas of each tipo. A service that begins to own sagas is added here. */
export const sagaOwners = (parts: Pick<BffParts, 'campaign'>): ReadonlyMap<string, ServiceClient> =>
  new Map([['campaign', parts.campaign]]);
