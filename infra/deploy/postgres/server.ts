import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { startGuardian } from '../guardian.ts';
import { ServerRefused } from '../server-refused.ts';

const run = promisify(execFile);
const BINARIES = '/usr/lib/postgresql';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 50;
const KEPT_LOG = 2_000;

export interface PostgresServerOptions {
  /** Holds the cluster, which is made where there is none; the same folder brings the same databases back. */
  readonly folder: string;
  readonly port: number;
  /** Of `postgresql.conf`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Of the superuser `postgres`, where the cluster is made now; without it the server trusts everyone on 127.0.0.1. */
  readonly password?: string;
  /** PEM; with it the server speaks TLS too. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Lines of the server's log, as they come. */
  log?(line: string): void;
}

export interface PostgresServer {
  /** Without a database. */
  readonly url: string;
  /** When it ends by itself: the reason, in one line. */
  readonly ended: Promise<string>;
  /** Ends it as it wants to be ended: transactions under way are rolled back, what is committed is on disk. */
  stop(): Promise<void>;
  /** SIGKILL to all its processes: a crash. Its data stays. */
  kill(): Promise<void>;
  /** Freezes all its processes. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * The folder of the newest server binaries (Debian's).
 * @throws ServerRefused where there are none
 */
export const findPostgres = (): string => {
  const found = (existsSync(BINARIES) ? readdirSync(BINARIES) : [])
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(BINARIES, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'postgres')));
  if (found === undefined) {
    throw new ServerRefused(`there is no Postgres server below ${BINARIES}: apt-get install postgresql`);
  }
  return found;
};

/** Who runs the server: Postgres refuses to run as root, its own account runs it then. */
export const postgresAccount = async (): Promise<Account> => {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // no such account: the next one
    }
  }
  throw new ServerRefused(
    'there is no account to run Postgres, which refuses to run as root: adduser postgres',
  );
};

const dataOf = (folder: string): string => join(folder, 'data');

/** Whose first line is the pid of a folder's server, while it runs. */
export const postgresPidFile = (folder: string): string => join(dataOf(folder), 'postmaster.pid');

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

/** Makes the folder the account's, and a cluster in it where there is none. */
const prepare = async (bin: string, account: Account, options: PostgresServerOptions): Promise<void> => {
  const { folder, password, tls } = options;
  const own = async (path: string): Promise<void> => {
    if (account.uid !== undefined && account.gid !== undefined) await chown(path, account.uid, account.gid);
  };
  const writeSecret = async (path: string, text: string): Promise<void> => {
    await writeFile(path, text, { mode: 0o600 });
    await own(path);
  };
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  await own(folder);
  const data = dataOf(folder);
  if (!existsSync(join(data, 'PG_VERSION'))) {
    await rm(data, { recursive: true, force: true }); // what an initdb that was cut off has left
    const trust = ['--auth=trust'];
    const passwordFile = join(folder, 'password');
    if (password !== undefined) await writeSecret(passwordFile, password);
    const auth = password === undefined ? trust : ['--auth=scram-sha-256', `--pwfile=${passwordFile}`];
    const made = ['-D', data, '--encoding=UTF8', '--locale=C', '--username=postgres', '--no-sync', ...auth];
    try {
      await run(join(bin, 'initdb'), made, { ...account, cwd: folder });
    } catch (error) {
      const reason =
        (error as { stderr?: string }).stderr?.match(/error: .+/)?.[0] ?? (error as Error).message;
      throw new ServerRefused(`Postgres cannot make its folder ${data}: ${reason.split('\n')[0]}`);
    }
    await rm(passwordFile, { force: true });
  }
  if (tls) {
    await writeSecret(join(data, 'server.crt'), tls.certificate);
    await writeSecret(join(data, 'server.key'), tls.key);
  }
};

/**
 * Starts a server and waits until it answers. It listens on 127.0.0.1 only, and ends with this process however that ends.
 * @throws ServerRefused where none is installed, or with the reason why it did not start
 */
export const startPostgresServer = async (options: PostgresServerOptions): Promise<PostgresServer> => {
  const { folder, port, password, tls } = options;
  const bin = findPostgres();
  const account = await postgresAccount();
  await prepare(bin, account, options);
  const data = dataOf(folder);
  const pidFile = postgresPidFile(folder);
  const guardian = startGuardian(pidFile, 'QUIT');
  const user = password === undefined ? 'postgres' : `postgres:${encodeURIComponent(password)}`;
  const url = `postgres://${user}@127.0.0.1:${port}`;
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port,
    max_connections: 300,
    logging_collector: 'off',
    ...(tls && { ssl: 'on', ssl_cert_file: 'server.crt', ssl_key_file: 'server.key' }),
    ...options.settings,
  };
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...account, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], detached: true },
  );
  const hasEnded = (): boolean => server.exitCode !== null || server.signalCode !== null;
  let kept = '';
  let rest = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    kept = (kept + text).slice(-KEPT_LOG);
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) options.log?.(line);
  });
  const ended = new Promise<string>((resolve) => {
    server.on('error', (error) => resolve(error.message));
    server.on('exit', (code, signal) => {
      const reason = kept.match(/(?:FATAL|PANIC): .*/)?.[0] ?? kept.trimEnd().split('\n').at(-1) ?? '';
      resolve(`Postgres ended (${signal ?? `exit code ${code}`}): ${reason}`);
    });
  });

  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await answers(url))) {
    if (!hasEnded() && performance.now() < deadline) {
      await wait(POLL_MS);
      continue;
    }
    const reason = hasEnded() ? await ended : `no answer within ${START_TIMEOUT_MS / 1000} s`;
    // where another server's pid stands in the folder, the guardian must leave that one alone
    if (hasEnded() && /lock file/.test(kept)) guardian.dismiss();
    else await guardian.end();
    throw new ServerRefused(`Postgres did not start: ${reason}`);
  }
  server.unref();
  (server.stderr as unknown as { unref(): void }).unref();

  /** The postmaster and all its children. */
  const processes = async (): Promise<number[]> => {
    const parent = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
    const listed = await run('ps', ['-o', 'pid=', '--ppid', String(parent)]).catch(() => ({ stdout: '' }));
    return [parent, ...listed.stdout.split('\n').map(Number).filter(Boolean)];
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
  return {
    url,
    ended,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async stop() {
      server.ref();
      if (!hasEnded()) server.kill('SIGINT');
      await Promise.race([ended, wait(STOP_TIMEOUT_MS, undefined, { ref: false })]);
      await guardian.end();
    },
    async kill() {
      server.ref();
      await signal('SIGKILL');
      await ended;
      while (await answers(url)) await wait(POLL_MS);
      await rm(pidFile, { force: true });
      await guardian.end();
    },
  };
};
