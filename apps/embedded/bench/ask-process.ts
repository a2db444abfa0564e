import type { ChildProcess, Serializable } from 'node:child_process';

/** Sends a process a message. @returns what it sends next @throws Error where it ends instead */
export const askProcess = <Told>(child: ChildProcess, message: Serializable, name: string): Promise<Told> =>
  new Promise((resolve, reject) => {
    const gone = (code: number | null): void => reject(new Error(`${name} ended with ${code}`));
    child.once('exit', gone).once('message', (told) => {
      child.off('exit', gone);
      resolve(told as Told);
    });
    child.send(message);
  });
