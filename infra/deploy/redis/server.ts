import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findProgram } from '../find-program.ts';
import { startGuardian } from '../guardian.ts';
import { ServerRefused } from '../server-refused.ts';

export interface RedisServerOptions {
  /** The program, as `findRedis` answers it. */
  readonly program: string;
  /** Where its pid stands, and what it is told to save, which is nothing unless the settings say so. */
  readonly folder: string;
  readonly port: number;
  /** Of `redis.conf`, as `['maxmemory', '2mb']`. */
  readonly settings?: readonly (readonly [string, string])[];
}

export interface RedisServer {
  readonly url: string;
  /** When it ends by itself: the reason, in one line. */
  readonly ended: Promise<string>;
  /** Ends it: it is a cache, and keeps nothing. */
  stop(): Promise<void>;
  /** Sends it a signal. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
}

/** Of a cache, as compose.yaml has them: what is used least makes room. */
export const CACHE_SETTINGS = [
  ['maxmemory', '256mb'],
  ['maxmemory-policy', 'allkeys-lru'],
] as const;

const START_TIMEOUT_MS = 30_000;
const ASK_TIMEOUT_MS = 10_000;
const POLL_MS = 20;
const KEPT_LOG = 2_000;

/** Where the pid of the server of a folder stands while it runs. */
export const redisPidFile = (folder: string): string => join(folder, 'redis.pid');

/** @throws ServerRefused where there is none */
export const findRedis = (path: string): string => {
  const found = findProgram('redis-server', path);
  if (found === undefined) throw new ServerRefused('there is no redis-server: apt-get install redis-server');
  return found;
};

/** Sends one command on a connection of its own, and gives what comes back first. */
export const askRedis = (port: number, command: readonly string[]): Promise<string> =>
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
 * Starts a server and waits until it answers. It listens on 127.0.0.1 only, keeps nothing on disk unless told, and ends
 * with this process however that ends.
 * @throws ServerRefused with the reason why it did not start
 */
export const startRedisServer = async (options: RedisServerOptions): Promise<RedisServer> => {
  const { program, folder, port } = options;
  mkdirSync(folder, { recursive: true });
  const pidFile = redisPidFile(folder);
  const guardian = startGuardian(pidFile, 'KILL');
  const settings = [
    ['bind', '127.0.0.1'],
    ['port', String(port)],
    ['dir', folder],
    ['pidfile', pidFile],
    ['save', ''],
    ...(options.settings ?? []),
  ] as const;
  const server = spawn(
    program,
    settings.flatMap(([name, value]) => [`--${name}`, value]),
    // Detached: a Ctrl-C of the terminal reaches it through us.
    { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'], detached: true },
  );
  let kept = '';
  server.stdout.setEncoding('utf8').on('data', (text: string) => {
    kept = (kept + text).slice(-KEPT_LOG);
  });
  const hasEnded = (): boolean => server.exitCode !== null || server.signalCode !== null;
  const ended = new Promise<string>((resolve) => {
    server.on('error', (error) => resolve(`Redis cannot be run: ${error.message}`));
    server.on('exit', (code, signal) => {
      const reason =
        /(?:Warning: |# )(.*in use.*)/.exec(kept)?.[1] ?? kept.trimEnd().split('\n').at(-1) ?? '';
      resolve(`Redis ended (${signal ?? `exit code ${code}`}): ${reason}`);
    });
  });
  const end = async (): Promise<void> => {
    server.ref();
    if (!hasEnded()) server.kill('SIGCONT');
    if (!hasEnded()) server.kill('SIGKILL');
    await ended;
    await guardian.end();
  };

  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!/^\+PONG|^-NOAUTH/.test(await askRedis(port, ['PING']).catch(() => ''))) {
    if (!hasEnded() && performance.now() < deadline) {
      await wait(POLL_MS);
      continue;
    }
    const reason = hasEnded() ? await ended : `no answer within ${START_TIMEOUT_MS / 1000} s`;
    await end();
    throw new ServerRefused(`Redis did not start: ${reason}`);
  }
  server.unref();
  (server.stdout as unknown as { unref(): void }).unref();
  return {
    url: `redis://127.0.0.1:${port}`,
    ended,
    stop: end,
    signal: (name) => void server.kill(name),
  };
};
