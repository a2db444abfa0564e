import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const MARK = 'TEST_RUN';
const POLL_MS = 100;

/** What marks the processes of one run: they inherit it, whoever starts them. */
export const markOf = (run: string): Record<string, string> => ({ [MARK]: run });

/** Pids of the processes of a run that live now. */
const marked = (run: string): number[] => {
  const wanted = `${MARK}=${run}\0`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        // A process that has ended and was not waited for yet has no environment any more.
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(wanted);
      } catch {
        return false; // it has ended, or is not ours
      }
    })
    .map(Number);
};

/** Waits until no process of the run lives. @returns those that still do after `ms` milliseconds, by their command */
export const leftOver = async (run: string, ms: number): Promise<string[]> => {
  const until = Date.now() + ms;
  for (;;) {
    const left = marked(run);
    if (left.length === 0) return [];
    if (Date.now() > until)
      return left.map((pid) => {
        try {
          return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')}`;
        } catch {
          return `${pid}`;
        }
      });
    await wait(POLL_MS);
  }
};

/** Ends what a run that failed has left. */
export const killMarked = (run: string): void => {
  for (const pid of marked(run)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended by itself meanwhile
    }
  }
};
