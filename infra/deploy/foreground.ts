import { createServer } from 'node:net';
import { ConfigError } from '../config/declare.ts';
import { ServerRefused } from './server-refused.ts';

/** A server that `npm run …` keeps in the foreground. */
export interface ForegroundServer {
  /** When it ends by itself: the reason, in one line. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** A Ctrl-C arrives twice: from the terminal, and from npm, which passes on its own. */
const ONE_CTRL_C_MS = 300;

/** @throws ServerRefused where somebody listens on the port of 127.0.0.1, with the setting that chooses another */
export const refuseTakenPort = (port: number, setting: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code})`;
      reject(new ServerRefused(`port ${port} ${why}: choose another by ${setting}`));
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });

/**
 * Runs a server until SIGINT or SIGTERM, then stops it and ends with 0; with 1 and one line where it cannot start or ends
 * by itself. A second signal ends at once, and the server with us.
 */
export const runInForeground = async (start: () => Promise<ForegroundServer>): Promise<void> => {
  let server: ForegroundServer;
  try {
    server = await start();
  } catch (error) {
    if (!(error instanceof ServerRefused || error instanceof ConfigError)) throw error;
    for (const line of error.message.split('\n')) process.stderr.write(`✘ ${line}\n`);
    process.exitCode = 1;
    return;
  }
  // Until here a signal ends the process as it would any other, and a guardian the server.
  const alive = setInterval(() => undefined, 1 << 30);
  let stoppedAt: number | undefined;
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (stoppedAt !== undefined) {
          if (performance.now() - stoppedAt > ONE_CTRL_C_MS) process.exit(1);
          return;
        }
        stoppedAt = performance.now();
        say(`· ${signal}: stopping; once more ends at once`);
        resolve();
      });
    }
  });
  const died = server.ended.then((reason) => {
    if (stoppedAt === undefined) process.stderr.write(`✘ ${reason}\n`);
    return reason;
  });
  await Promise.race([stopped, died]);
  await server.stop();
  clearInterval(alive);
  if (stoppedAt === undefined) process.exitCode = 1;
  else say('✔ stopped');
  process.exit();
};
