/** A pending timer; calling it cancels the timer, and does nothing once it has run. */
export type Cancel = () => void;

/**
 * All that a service takes from outside besides its database, its bus and HTTP: time and chance. Nothing else in
 * the product reads a clock or makes a random number, so that the simulation can run a whole fleet on virtual time.
 */
export interface Runtime {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `task` once, `ms` milliseconds from now. A pending timer never keeps the process alive by itself. */
  after(ms: number, task: () => void): Cancel;
  /** A number in [0, 1), for jitter. */
  random(): number;
  /** A UUIDv7 of this runtime's clock and chance (RFC 9562), lower case. */
  uuid(): string;
}

/** Resolves `ms` milliseconds from now on `runtime`'s clock. */
export const sleep = (runtime: Pick<Runtime, 'after'>, ms: number): Promise<void> =>
  new Promise((resolve) => runtime.after(ms, resolve));
