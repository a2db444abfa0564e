import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const LOCK_POLL_MS = 250;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** Takes `lock`, a file with our pid; one that its owner left behind is taken over. */
const tryLock = (lock: string): boolean => {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  try {
    const owner = Number(readFileSync(lock, 'utf8'));
    if (owner > 0 && !isAlive(owner)) rmSync(lock, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return false;
};

/**
 * Does `work` while no other process of this machine does its own under the same lock.
 * @param lock a file in a folder that exists; gone when the work is over
 * @param waiting told once where another process has it
 */
export const underLock = async <Result>(
  lock: string,
  waiting: () => void,
  work: () => Promise<Result>,
): Promise<Result> => {
  for (let waited = false; !tryLock(lock); waited = true) {
    if (!waited) waiting();
    await wait(LOCK_POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
};
