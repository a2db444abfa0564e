import type { AllSettings } from '../config/settings.ts';
import type { Runtime } from '../runtime.ts';
import type { Manifest } from './manifest.ts';

/** What every transport is opened with. */
export interface OpenBusOptions {
  readonly settings: AllSettings;
  readonly runtime: Runtime;
  readonly manifest: Manifest;
  /** Told of every handler that rejects, and in how many milliseconds its batch is handed out again. */
  readonly rejected?: (subscription: string, cause: unknown, retryInMs: number) => void;
}
