import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../deploy/free-port.ts';
import { startGuardian } from '../deploy/guardian.ts';
import {
  askRedis,
  findRedis,
  type RedisServer,
  redisPidFile,
  startRedisServer,
} from '../deploy/redis/server.ts';
import { ServerRefused } from '../deploy/server-refused.ts';

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

/**
 * Starts a server on 127.0.0.1, on a free port, in a temporary folder. It is gone when the process is, however that ends.
 * @param settings of `redis.conf`, as `['maxmemory', '2mb']`
 * @returns undefined, and says so in a line, where no server is installed: the caller's tests are then skipped
 */
export async function startTestRedis(
  settings: readonly (readonly [string, string])[] = [],
): Promise<TestRedis | undefined> {
  let program: string;
  try {
    program = findRedis(process.env.PATH ?? '');
  } catch (error) {
    if (!(error instanceof ServerRefused)) throw error;
    console.log(`skipped: ${error.message}`);
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), 'cordada-redis-'));
  const [port = 0] = await freePorts(1);
  const start = (): Promise<RedisServer> => startRedisServer({ program, folder, port, settings });
  const guardian = startGuardian(redisPidFile(folder), 'KILL', folder);
  let server: RedisServer;
  try {
    server = await start();
  } catch (error) {
    await guardian.end();
    throw error;
  }
  return {
    url: server.url,
    port,
    ask: (...command) => askRedis(port, command),
    kill: () => server.stop(),
    pause: () => server.signal('SIGSTOP'),
    resume: () => server.signal('SIGCONT'),
    async restart() {
      server = await start();
    },
    async stop() {
      await server.stop();
      await guardian.end();
    },
  };
}
