import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../deploy/free-port.ts';
import { startGuardian } from '../deploy/guardian.ts';
import {
  findPostgres,
  type PostgresServer,
  postgresPidFile,
  startPostgresServer,
} from '../deploy/postgres/server.ts';
import { ServerRefused } from '../deploy/server-refused.ts';

/** A Postgres server for tests. */
export interface TestPostgres {
  /** Without a database: `openPostgres` makes one a service. */
  readonly url: string;
  /** Stops a server that this process started, and removes its data. A shared one goes on. */
  stop(): Promise<void>;
}

/** A server of this process's own, which it may take away and bring back. */
export interface OwnTestPostgres extends TestPostgres {
  /** The server's processes die at once, as in a crash. Its data stays. */
  kill(): Promise<void>;
  /** Freezes the server: connections stay, nothing is answered. `resume` ends that. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Starts the server again, on the same port and data. */
  restart(): Promise<void>;
}

export interface TestPostgresOptions {
  /** Whether commits wait for the disk (off by default: a test that kills a process loses nothing by that). */
  readonly fsync?: boolean;
  /** Of the superuser; without it the server trusts everyone. */
  readonly password?: string;
  /** PEM; with it the server speaks TLS too. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/**
 * Starts a server of this process's own on 127.0.0.1, on a free port, in a temporary folder. It is gone when the
 * process is, however that ends.
 * @returns undefined, and says so in a line, where no server is installed: the caller's tests are then skipped
 */
export async function startOwnPostgres(
  options: TestPostgresOptions = {},
): Promise<OwnTestPostgres | undefined> {
  try {
    findPostgres();
  } catch (error) {
    if (!(error instanceof ServerRefused)) throw error;
    console.log(`skipped: ${error.message}, and TEST_DATABASE_URL is not set`);
    return undefined;
  }
  const { fsync, ...rest } = options;
  const folder = await mkdtemp(join(tmpdir(), 'cordada-postgres-'));
  await chmod(folder, 0o755);
  const guardian = startGuardian(postgresPidFile(folder), 'QUIT', folder);
  const [port = 0] = await freePorts(1);
  const start = (): Promise<PostgresServer> =>
    startPostgresServer({
      ...rest,
      folder,
      port,
      settings: { fsync: fsync ? 'on' : 'off', full_page_writes: fsync ? 'on' : 'off' },
    });
  let server: PostgresServer;
  try {
    server = await start();
  } catch (error) {
    await guardian.end();
    throw error;
  }
  return {
    url: server.url,
    stop: () => guardian.end(),
    async restart() {
      server = await start();
    },
    kill: () => server.kill(),
    pause: () => server.pause(),
    resume: () => server.resume(),
  };
}

/**
 * The server that all test files of a run share: the one at `TEST_DATABASE_URL`, else one of this process's own.
 * @returns undefined where there is none: the caller's tests are then skipped
 */
export async function startTestPostgres(
  options: TestPostgresOptions = {},
): Promise<TestPostgres | undefined> {
  const url = process.env.TEST_DATABASE_URL;
  if (url !== undefined) return { url, stop: async () => undefined };
  return startOwnPostgres(options);
}

/** A database name of one test's own, on a server that others use too. */
export const freshDatabase = (prefix: string): string =>
  `${prefix}_${process.pid}_${randomBytes(4).toString('hex')}`;
