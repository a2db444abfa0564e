import { readSettings } from '@cordada/infra/config/settings.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { startFleet } from '../src/fleet.ts';
import type { Place } from '../src/stores.ts';
import { type Product, sagaLoad } from './saga-load.ts';

/** The whole fleet in this process, on its memory bus. */
export const openEmbedded = async (place: Place): Promise<Product> => {
  const runtime = systemRuntime();
  const fleet = await startFleet({
    settings: readSettings({ LOG_LEVEL: 'error' }, { AUTH: 'demo' }),
    place,
    runtime,
    ports: 'free',
    readable: false,
  });
  return { run: await sagaLoad(fleet.bus, runtime, fleet.urls.bff), close: () => fleet.stop() };
};
