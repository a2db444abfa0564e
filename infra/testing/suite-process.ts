import { type ChildProcess, spawn } from 'node:child_process';
import type { Suite } from './suite-files.ts';
import type { SuiteProcess } from './suite-outcome.ts';

/** The process groups under way: a suite's children must not outlive it, nor it the run. */
const groups = new Set<number>();

const killGroup = (pid: number): void => {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: nothing is left of the group, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

/**
 * Runs a suite as a process of its own, in a process group of its own: when it ends, or has taken `timeLimitMs`
 * milliseconds, whatever is left of the group is killed.
 * @param folder the working directory
 * @param program what Node runs, with the options that it needs
 */
export const runSuite = (
  folder: string,
  program: readonly string[],
  { timeLimitMs }: Pick<Suite, 'timeLimitMs'>,
  environment: NodeJS.ProcessEnv,
): Promise<SuiteProcess> =>
  new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(process.execPath, program, {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const { pid } = child;
    if (pid !== undefined) groups.add(pid);
    let output = '';
    let timedOut = false;
    const limit = setTimeout(() => {
      timedOut = true;
      if (pid !== undefined) killGroup(pid);
    }, timeLimitMs);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    // What the suite left running would hold its pipes open, and `close` back.
    child.on('exit', () => {
      if (pid !== undefined) killGroup(pid);
    });
    child.on('close', (code) => {
      clearTimeout(limit);
      if (pid !== undefined) groups.delete(pid);
      resolve({ output, code, timedOut });
    });
  });

/** Ends every suite that is under way, for when the run itself is ended. */
export const killSuites = (): void => {
  for (const pid of groups) killGroup(pid);
};
