import { readSettings } from '@cordada/infra/config/settings.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { startFleet } from '../src/fleet.ts';
import type { Place } from '../src/stores.ts';
import { busSystem } from './bus-work.ts';
import type { System } from './work.ts';

/** The whole fleet in this process, on its memory bus. */
export const openEmbedded = async (name: string, place: Place, items?: number): Promise<System> => {
  const runtime = systemRuntime();
  const fleet = await startFleet({
    settings: readSettings({ LOG_LEVEL: 'error' }, { AUTH: 'demo' }),
    place,
    runtime,
    ports: 'free',
    readable: false,
  });
  return busSystem(
    { name, bus: fleet.bus, bffUrl: fleet.urls.bff, runtime, close: () => fleet.stop() },
    items,
  );
};
