import type { ServiceClient } from '@cordada/infra/http/service-client.ts';
import type { BffParts } from './parts.ts';

/** The services that own sagas. */
export type SagaOwners = Pick<BffParts, 'campaign' | 'gestor-compra'>;

/** Who owns the sagas of each tipo. A service that begins to own sagas is added here. */
export const sagaOwners = (parts: SagaOwners): ReadonlyMap<string, ServiceClient> =>
  new Map([
    ['campaign', parts.campaign],
    ['compra', parts['gestor-compra']],
  ]);
