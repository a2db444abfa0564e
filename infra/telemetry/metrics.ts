import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Cancel, Runtime } from '../runtime.ts';

export { Counter, Gauge, type Registry } from 'prom-client';

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

/**
 * Adds a counter that is raised very often: it is raised by adding to what is returned, and read when somebody asks.
 * @param values of its one label, all that there are
 * @returns the count of each
 */
export const addTally = <Value extends string>(
  registry: Registry,
  { name, help, label }: { readonly name: string; readonly help: string; readonly label: string },
  values: readonly Value[],
): Record<Value, number> => {
  const counts = Object.fromEntries(values.map((value) => [value, 0])) as Record<Value, number>;
  new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const value of values) this.inc({ [label]: value }, counts[value]);
    },
  });
  return counts;
};

/** A level that has not been read by then is left out, in milliseconds: a scrape waits about ten seconds. */
const LEVEL_PATIENCE_MS = 3_000;

export interface Level {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

/** One sample of a level. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Adds a gauge that is read when it is asked for. While it cannot be read (the database or the broker is away) it has no
 * samples, and all other metrics are shown: that is when they are needed most.
 */
export const addLevel = (
  registry: Registry,
  runtime: Pick<Runtime, 'after'>,
  { name, help, labelNames = [] }: Level,
  read: () => Promise<readonly Sample[]> | readonly Sample[],
): void => {
  new Gauge({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    async collect() {
      const samples = await inTime(runtime, read);
      this.reset();
      // A gauge without labels is set to 0 by that.
      if (labelNames.length === 0) this.remove();
      for (const { labels = {}, value } of samples) this.set(labels, value);
    },
  });
};

const inTime = async (
  runtime: Pick<Runtime, 'after'>,
  read: () => Promise<readonly Sample[]> | readonly Sample[],
): Promise<readonly Sample[]> => {
  let cancel: Cancel = () => {};
  const late = new Promise<readonly Sample[]>((resolve) => {
    cancel = runtime.after(LEVEL_PATIENCE_MS, () => resolve([]));
  });
  const answered = (async () => read())().catch((): readonly Sample[] => []);
  const samples = await Promise.race([answered, late]);
  cancel();
  return samples;
};
