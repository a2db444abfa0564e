import { spawn } from 'node:child_process';

/**
 * Waits until the pipe on its stdin closes, which it does also when the process that holds it dies; then ends the
 * server whose pid stands in the file, and removes the folder where one is named.
 */
const SCRIPT = `
trap '' INT TERM HUP
cat > /dev/null
pid=$(head -n 1 "$1" 2> /dev/null)
[ -n "$pid" ] && kill -CONT "$pid" && kill -"$2" "$pid"
while [ -n "$pid" ] && kill -0 "$pid" 2> /dev/null; do sleep 0.05; done
[ -z "$3" ] || rm -rf "$3"
`;

/** What a server that we start must not outlive us by. */
export interface Guardian {
  /** Ends the server, if it still runs, and removes its folder, if that was asked for. */
  end(): Promise<void>;
  /** Ends the guardian alone. */
  dismiss(): void;
}

/**
 * Sees to it that a server ends with this process, however that ends (SIGKILL too).
 * @param pidFile whose first line is the server's pid while it runs
 * @param signal what ends the server, without `SIG`
 * @param removed a folder that goes with the server
 */
export const startGuardian = (pidFile: string, signal: 'KILL' | 'QUIT' | 'TERM', removed = ''): Guardian => {
  const guardian = spawn('sh', ['-c', SCRIPT, 'guardian', pidFile, signal, removed], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // out of reach of a signal to our process group
  });
  guardian.unref();
  (guardian.stdin as unknown as { unref(): void }).unref();
  return {
    dismiss: () => void guardian.kill('SIGKILL'),
    end: () =>
      new Promise((resolve) => {
        if (guardian.exitCode !== null || guardian.signalCode !== null) return resolve();
        guardian.ref();
        guardian.once('exit', () => resolve());
        guardian.stdin.end();
      }),
  };
};
