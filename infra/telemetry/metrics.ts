import { collectDefaultMetrics, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Seconds; a saga alone takes a few milliseconds, a step at most its timeout of a minute. */
export const durationBuckets = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

/** The metrics of one service; every sample carries `service`. */
export const createRegistry = (service: string): Registry => {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  return registry;
};

/** Adds what the process itself uses (memory, CPU, event loop). It reads the machine's clock: not for simulations. */
export const addProcessMetrics = (registry: Registry): void => {
  collectDefaultMetrics({ register: registry });
};
