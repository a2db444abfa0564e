/** One run of a load. */
export interface Run {
  /** How long what counts took. */
  readonly seconds: number;
  /** Of each task that counts, in milliseconds. */
  readonly latencies: readonly number[];
}

/** How runs of a load went. Times are in milliseconds. */
export interface LoadResult {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/**
 * Does `task(i)` for i below `count`, `inFlight` at a time, and measures each from its begin to its end. What counts is
 * what ends while so many are in flight: the first and the last `inFlight` do not, unless that leaves none.
 */
export const closedLoop = async (
  count: number,
  inFlight: number,
  task: (i: number) => Promise<void>,
): Promise<Run> => {
  const latencies: number[] = [];
  /** When each ended; before them, when all began. */
  const ends = [performance.now()];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const i = next++;
      const from = performance.now();
      await task(i);
      const end = performance.now();
      ends.push(end);
      latencies.push(end - from);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const edge = count > 2 * inFlight ? inFlight : 0;
  const [from = 0, to = 0] = [ends[edge], ends[count - edge]];
  return { seconds: (to - from) / 1000, latencies: latencies.slice(edge, count - edge) };
};

/** Several runs of one load as one. */
export const summed = (runs: readonly Run[]): LoadResult => {
  const latencies = runs.flatMap((run) => run.latencies).sort((a, b) => a - b);
  const seconds = runs.reduce((sum, run) => sum + run.seconds, 0);
  const at = (quantile: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * quantile))] as number;
  return { perSecond: latencies.length / seconds, p50: at(0.5), p99: at(0.99) };
};
