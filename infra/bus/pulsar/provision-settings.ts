import type { AllSettings } from '../../config/settings.ts';
import { manifest } from '../manifest.ts';
import { openAdmin, TENANT } from './open-pulsar.ts';
import type { ProvisionOptions } from './provision.ts';
import { publishedSchemas } from './published-schemas.ts';

/**
 * What the product declares, for the broker that the settings name.
 * @param sleep resolves after so many milliseconds
 * @param enforceSchemas whether producers must declare one; unless told, wherever BUS_URL is not of the WebSocket API
 * @throws ConfigError
 */
export const productProvision = async (
  settings: AllSettings,
  sleep: ProvisionOptions['sleep'],
  enforceSchemas = !/^pulsar\+wss?:/.test(settings.BUS_URL),
): Promise<ProvisionOptions> => ({
  admin: await openAdmin(settings),
  manifest,
  tenant: TENANT,
  partitions: settings.PULSAR_PARTITIONS,
  enforceSchemas,
  schemasOf: publishedSchemas,
  sleep,
});
