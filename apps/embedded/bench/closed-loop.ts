/** How one run of a load went. Times are in milliseconds. */
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
): Promise<LoadResult> => {
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
  const seconds = (performance.now() - began) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (quantile: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * quantile))] as number;
  return { perSecond: count / seconds, p50: at(0.5), p99: at(0.99) };
};
