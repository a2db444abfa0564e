import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';

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
}

const run = promisify(execFile);
const BINARIES = '/usr/lib/postgresql';
const START_TIMEOUT_MS = 30_000;

/** Kills the server and removes its data when the pipe on its stdin closes: also when the test dies. */
const GUARDIAN = `
trap '' INT TERM HUP
cat > /dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null)
[ -n "$pid" ] && kill -CONT "$pid" && kill -QUIT "$pid"
while [ -n "$pid" ] && kill -0 "$pid" 2> /dev/null; do sleep 0.05; done
rm -rf "$1"
`;

/** The folder of the newest server binaries, or undefined where there are none. */
const findBinaries = (): string | undefined => {
  if (!existsSync(BINARIES)) return undefined;
  return readdirSync(BINARIES)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(BINARIES, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'postgres')));
};

/** Postgres refuses to run as root: then its own account runs it. */
const account = async (): Promise<{ uid?: number; gid?: number }> => {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // no such account: the next one
    }
  }
  throw new Error('no account to run Postgres: it refuses to run as root');
};

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === 'object'
          ? resolve(address.port)
          : reject(new Error('no port')),
      );
    });
  });

const answers = async (url: string): Promise<boolean> => {
  const client = new pg.Client({ connectionString: `${url}/postgres`, connectionTimeoutMillis: 1_000 });
  client.on('error', () => undefined); // it is asked again
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
};

/**
 * Starts a server of this process's own on 127.0.0.1, on a free port, in a temporary folder. It is gone when the
 * process is, however that ends.
 * @returns undefined, and says so in a line, where no server is installed: the caller's tests are then skipped
 */
export async function startOwnPostgres(
  options: TestPostgresOptions = {},
): Promise<OwnTestPostgres | undefined> {
  const bin = findBinaries();
  if (bin === undefined) {
    console.log(`skipped: no Postgres server below ${BINARIES}, and TEST_DATABASE_URL is not set`);
    return undefined;
  }
  const user = await account();
  const folder = await mkdtemp(join(tmpdir(), 'cordada-postgres-'));
  const data = join(folder, 'data');
  await chmod(folder, 0o755);
  if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid);
  const guardian = spawn('sh', ['-c', GUARDIAN, 'guardian', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // out of reach of a signal to the test's process group
  });
  guardian.unref();
  (guardian.stdin as unknown as { unref(): void }).unref();
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      if (guardian.exitCode !== null) return resolve();
      guardian.ref();
      guardian.once('exit', () => resolve());
      guardian.stdin.end();
    });

  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}`;
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port,
    max_connections: 300,
    fsync: options.fsync ? 'on' : 'off',
    full_page_writes: options.fsync ? 'on' : 'off',
    logging_collector: 'off',
  };
  const start = async (): Promise<void> => {
    const server = spawn(
      join(bin, 'postgres'),
      ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], detached: true },
    );
    let log = '';
    server.stderr.on('data', (text: Buffer) => {
      log = (log + text.toString()).slice(-2_000);
    });
    server.unref();
    (server.stderr as unknown as { unref(): void }).unref();
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await answers(url))) {
      if (server.exitCode !== null || Date.now() > deadline)
        throw new Error(`Postgres did not start: ${log}`);
      await wait(50);
    }
  };
  const postmaster = (): number => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
  /** The postmaster and all its children. */
  const processes = async (): Promise<number[]> => {
    const parent = postmaster();
    const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(parent)]).catch(() => ({
      stdout: '',
    }));
    return [parent, ...stdout.split('\n').map(Number).filter(Boolean)];
  };
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    for (const pid of await processes()) {
      try {
        process.kill(pid, name);
      } catch {
        // it ended by itself meanwhile
      }
    }
  };

  try {
    const encoding = ['--encoding=UTF8', '--locale=C', '--auth=trust', '--username=postgres', '--no-sync'];
    await run(join(bin, 'initdb'), ['-D', data, ...encoding], { ...user, cwd: folder });
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    stop,
    restart: start,
    async kill() {
      await signal('SIGKILL');
      while (await answers(url)) await wait(20);
      await rm(join(data, 'postmaster.pid'), { force: true });
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
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
