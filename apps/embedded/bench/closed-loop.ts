/** One run of a load. */
export interface Run {
  readonly seconds: number;
  /** Of each task, in milliseconds. */
  readonly latencies: readonly number[];
}

/** How runs of a load went. Times are in milliseconds. */
export interface LoadResult {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/** Does `task(i)` for i below `count`, `inFlight` at a time, and measures each from its begin to its end. */
export const closedLoop = async (
  count: number,
  inFlight: number,
  task: (i: number) => Promise<void>,
): Promise<Run> => {
  const latencies: number[] = [];
  let next = 0;
  const began = performance.now();
  const worker = async (): Promise<void> => {
    while (next < count) {
      const i = next++;
      const from = performance.now();
      await task(i);
      latencies.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return { seconds: (performance.now() - began) / 1000, latencies };
};

/** Several runs of one load as one. */
export const summed = (runs: readonly Run[]): LoadResult => {
  const latencies = runs.flatMap((run) => run.latencies).sort((a, b) => a - b);
  const seconds = runs.reduce((sum, run) => sum + run.seconds, 0);
  const at = (quantile: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * quantile))] as number;
  return { perSecond: latencies.length / seconds, p50: at(0.5), p99: at(0.99) };
};
