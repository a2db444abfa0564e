import type { Runtime } from '../runtime.ts';

export interface Backoff {
  /** Milliseconds before the first repetition. */
  readonly firstMs: number;
  /** Milliseconds that it never exceeds. */
  readonly mostMs: number;
}

/** Milliseconds before repetition `attempt` (from 0): doubled each time, up to half of it taken off at random. */
export const backoffMs = (
  { firstMs, mostMs }: Backoff,
  attempt: number,
  { random }: Pick<Runtime, 'random'>,
): number => Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 30)) * (1 - random() / 2);
