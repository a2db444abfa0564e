import type { AllSettings } from '../config/settings.ts';
import type { Runtime } from '../runtime.ts';
import type { Bus } from './bus.ts';
import type { Manifest } from './manifest.ts';
import { memoryBus } from './memory.ts';

export interface OpenBusOptions {
  readonly settings: AllSettings;
  readonly runtime: Runtime;
  readonly manifest: Manifest;
  /** Told of every handler that rejects, and in how many milliseconds its batch is handed out again. */
  readonly rejected?: (subscription: string, cause: unknown, retryInMs: number) => void;
}

/**
 * Opens the transport that BUS_URL names by its scheme; a transport is loaded on its first use.
 * @throws ConfigError, StartRefused with a line that says what to change
 */
export const openBus = async ({ settings, ...options }: OpenBusOptions): Promise<Bus> => {
  if (new URL(settings.BUS_URL).protocol === 'memory:') return memoryBus(options);
  const { openPulsar } = await import('./pulsar/open-pulsar.ts');
  return openPulsar({ settings, ...options });
};
