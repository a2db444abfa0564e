import type { Bus } from './bus.ts';
import { memoryBus } from './memory.ts';
import type { OpenBusOptions } from './open-options.ts';

/**
 * Opens the transport that BUS_URL names by its scheme; a transport is loaded on its first use.
 * @throws ConfigError, StartRefused with a line that says what to change
 */
export const openBus = async ({ settings, ...options }: OpenBusOptions): Promise<Bus> => {
  if (new URL(settings.BUS_URL).protocol === 'memory:') return memoryBus(options);
  const { openPulsar } = await import('./pulsar/open-pulsar.ts');
  return openPulsar({ settings, ...options });
};
