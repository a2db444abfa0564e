import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePorts } from '../deploy/free-port.ts';
import { startGuardian } from '../deploy/guardian.ts';

/** A Redis server of a test's own, which it may take away and bring back. */
export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** Sends a command as `redis-cli` does. @returns the raw reply */
  ask(...command: readonly string[]): Promise<string>;
  /** It dies at once, with all that it had in memory. */
  kill(): Promise<void>;
  /** Freezes it: connections stay, nothing is answered. `resume` ends that. */
  pause(): void;
  resume(): void;
  /** Starts it again on the same port; with what `SAVE` wrote, if anything did. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;
const ASK_TIMEOUT_MS = 10_000;
const POLL_MS = 20;

const installed = (): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'redis-server')));

/** Sends one command on a connection of its own, and gives what comes back first. */
const ask = (port: number, command: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.setTimeout(ASK_TIMEOUT_MS, () => socket.destroy(new Error('Redis does not answer')));
    socket.once('error', reject);
    socket.once('data', (reply) => {
      socket.destroy();
      resolve(reply.toString());
    });
    const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
    socket.write(`*${command.length}\r\n${parts.join('')}`);
  });

/**
 * Starts a server on 127.0.0.1, on a free port, in a temporary folder. It is gone when the process is, however that ends.
 * @param settings of `redis.conf`, as `['maxmemory', '2mb']`
 * @returns undefined, and says so in a line, where no server is installed: the caller's tests are then skipped
 */
export async function startTestRedis(
  settings: readonly (readonly [string, string])[] = [],
): Promise<TestRedis | undefined> {
  if (!installed()) {
    console.log('skipped: there is no redis-server: apt-get install redis-server');
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), 'cordada-redis-'));
  const pidFile = join(folder, 'redis.pid');
  const guardian = startGuardian(pidFile, 'KILL', folder);
  const [port = 0] = await freePorts(1);
  let server: ChildProcess;

  const start = async (): Promise<void> => {
    const given = [
      ['bind', '127.0.0.1'],
      ['port', String(port)],
      ['dir', folder],
      ['pidfile', pidFile],
      ['save', ''],
      ...settings,
    ] as const;
    server = spawn(
      'redis-server',
      given.flatMap(([name, value]) => [`--${name}`, value]),
      { cwd: folder, stdio: ['ignore', 'ignore', 'ignore'] },
    );
    server.unref();
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const reply = await ask(port, ['PING']).catch(() => '');
      if (/^\+PONG|^-NOAUTH/.test(reply)) return;
      if (server.exitCode !== null || performance.now() > deadline)
        throw new Error(`redis-server did not start on port ${port}`);
      await wait(POLL_MS);
    }
  };
  const signal = (name: NodeJS.Signals): void => void server.kill(name);
  const kill = async (): Promise<void> => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.ref();
    if (server.exitCode !== null || server.signalCode !== null) return;
    signal('SIGCONT');
    signal('SIGKILL');
    await ended;
  };
  try {
    await start();
  } catch (error) {
    await guardian.end();
    throw error;
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    ask: (...command) => ask(port, command),
    kill,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    restart: start,
    async stop() {
      await kill();
      await guardian.end();
    },
  };
}
