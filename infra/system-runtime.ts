import { randomFillSync } from 'node:crypto';
import type { Runtime } from './runtime.ts';
import { uuidSequence } from './uuid-v7.ts';

/** Node runs a longer timer at once, so it is taken in parts. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock, timers and chance. Its UUIDs increase with each call, also within one millisecond. */
export const systemRuntime = (): Runtime => ({
  now: Date.now,
  after(ms, task) {
    let timer: NodeJS.Timeout;
    const arm = (rest: number): void => {
      const part = Math.min(rest, LONGEST_TIMER_MS);
      timer = setTimeout(() => (rest > part ? arm(rest - part) : task()), part);
      timer.unref();
    };
    arm(ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
  uuid: uuidSequence(Date.now, randomFillSync),
});
