import type { ServiceName } from '@cordada/infra/config/services.ts';

/** Services that run already, as processes of their own, for suites to run against. */
export interface RunningFleet {
  /** Base addresses of the replicas of each service. */
  readonly urls: Readonly<Record<ServiceName, readonly string[]>>;
  /** The settings by which their bus is opened. */
  readonly settings: Readonly<Record<string, string>>;
}

const VARIABLE = 'TEST_FLEET';

/** The variables by which a suite finds `fleet`. */
export const fleetEnvironment = (fleet: RunningFleet): Record<string, string> => ({
  [VARIABLE]: JSON.stringify(fleet),
});

/** The fleet that whoever runs this suite has started, if any. */
export function runningFleet(): RunningFleet | undefined {
  const text = process.env[VARIABLE];
  return text === undefined ? undefined : (JSON.parse(text) as RunningFleet);
}
