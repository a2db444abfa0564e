import { randomFillSync } from 'node:crypto';
import type { Cancel, Runtime } from '@cordada/infra/runtime.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { uuidSequence } from '@cordada/infra/uuid-v7.ts';

/** The machine's clock, which a test may put forward: it runs at its own pace between the leaps. */
export interface LeapingClock {
  readonly runtime: Runtime;
  /** Puts the clock forward by so many milliseconds. What falls due on the way happens at once, in its order. */
  leap(ms: number): void;
}

interface Timer {
  readonly due: number;
  readonly task: () => void;
  cancel: Cancel;
}

export const leapingClock = (): LeapingClock => {
  const machine = systemRuntime();
  const timers = new Set<Timer>();
  let ahead = 0;
  const now = (): number => machine.now() + ahead;

  const arm = (timer: Timer): void => {
    timer.cancel = machine.after(Math.max(0, timer.due - now()), () => {
      timers.delete(timer);
      timer.task();
    });
  };

  return {
    runtime: {
      now,
      after(ms, task) {
        const timer: Timer = { due: now() + ms, task, cancel: () => {} };
        timers.add(timer);
        arm(timer);
        return () => {
          timers.delete(timer);
          timer.cancel();
        };
      },
      random: machine.random,
      uuid: uuidSequence(now, randomFillSync),
    },
    leap(ms) {
      ahead += ms;
      for (const timer of [...timers].sort((a, b) => a.due - b.due)) {
        timer.cancel();
        arm(timer);
      }
    },
  };
};
