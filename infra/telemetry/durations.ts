import type { Metric, Registry } from 'prom-client';

/** Upper bounds in milliseconds; a saga alone takes a few of them, a step at most its timeout of a minute. */
const BOUNDS_MS = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
] as const;

/** The durations of all that bears the same labels. */
export class Durations {
  /** How many are within each bound and over the one before; the last are over all of them. */
  readonly counts: number[] = new Array(BOUNDS_MS.length + 1).fill(0);
  sumMs = 0;

  observe(ms: number): void {
    let bound = 0;
    while (bound < BOUNDS_MS.length && ms > (BOUNDS_MS[bound] as number)) bound += 1;
    (this.counts[bound] as number) += 1;
    this.sumMs += ms;
  }
}

/** Finds the durations of some labels by their values, in the order of their names; they begin with none. */
export type FindDurations = (...values: readonly string[]) => Durations;

/** By the value of a label, what there is of the labels after it. */
interface Branch {
  readonly branches: Map<string, Branch>;
  durations?: Durations;
}

/**
 * Adds a histogram of durations, in seconds as Prometheus names them. It takes a tenth of the time of prom-client's own,
 * which checks, sorts and joins all labels for each observation.
 */
export const addDurations = (
  registry: Registry,
  {
    name,
    help,
    labelNames,
  }: { readonly name: string; readonly help: string; readonly labelNames: readonly string[] },
): FindDurations => {
  const root: Branch = { branches: new Map() };
  const series: { readonly labels: Readonly<Record<string, string>>; readonly durations: Durations }[] = [];

  const samplesOf = ({ labels, durations: { counts, sumMs } }: (typeof series)[number]) => {
    let total = 0;
    const buckets = counts.map((count, i) => {
      const bound = BOUNDS_MS[i];
      total += count;
      return {
        metricName: `${name}_bucket`,
        labels: { le: bound === undefined ? '+Inf' : bound / 1000, ...labels },
        value: total,
      };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: sumMs / 1000 },
      { metricName: `${name}_count`, labels, value: total },
    ];
  };
  // All that a registry asks of a metric; its type names the classes of prom-client alone.
  const metric = {
    name,
    help,
    get: async () => ({
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      values: series.flatMap(samplesOf),
    }),
  };
  registry.registerMetric(metric as unknown as Metric);

  return (...values) => {
    let at = root;
    for (const value of values) {
      let next = at.branches.get(value);
      if (next === undefined) {
        next = { branches: new Map() };
        at.branches.set(value, next);
      }
      at = next;
    }
    if (at.durations === undefined) {
      at.durations = new Durations();
      const labels = Object.fromEntries(labelNames.map((label, i) => [label, values[i] ?? '']));
      series.push({ labels, durations: at.durations });
    }
    return at.durations;
  };
};
