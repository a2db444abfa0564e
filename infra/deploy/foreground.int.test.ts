// time limit: 300 s
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSettings } from '../config/settings.ts';
import { freePorts } from './free-port.ts';
import { findPostgres } from './postgres/server.ts';
import { brokerInstallation } from './pulsar/broker-installation.ts';
import { askRedis, findRedis } from './redis/server.ts';

const test = suite('npm run pulsar, npm run db, npm run redis');
const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cordada-foreground-'));
chmodSync(folder, 0o755); // the account that runs Postgres must enter it
const path = process.env.PATH ?? '';

const missing = async (look: () => unknown): Promise<string | undefined> => {
  try {
    await look();
    return undefined;
  } catch (error) {
    console.log(`skipped: ${(error as Error).message}`);
    return (error as Error).message;
  }
};

/** What a failed test leaves running would keep the suite from its end. */
const running = new Set<ChildProcess>();

class Program {
  output = '';
  readonly child;
  readonly ended: Promise<number | null>;

  constructor(program: string, env: Readonly<Record<string, string>>) {
    const args = ['apps/embedded/launch.mjs', '--service', `infra/deploy/${program}/main.ts`];
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    const home = process.env.HOME ?? '';
    const cache = process.env.PULSAR_CACHE ?? '';
    const given = { PATH: path, HOME: home, PULSAR_CACHE: cache, ...env };
    this.child = spawn(process.execPath, args, { cwd: root, env: given, stdio });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.on('data', (text: Buffer) => {
        this.output += text.toString();
      });
    running.add(this.child);
    this.child.on('exit', () => running.delete(this.child));
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
  }

  /** Waits for a text of the output. */
  async says(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      assert.is(this.child.exitCode, null, this.output);
      await wait(50);
    }
  }
}

test.after.each(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** Processes that name the folder in their arguments. */
const left = (): string[] =>
  execFileSync('ps', ['-eo', 'pid,args'])
    .toString()
    .split('\n')
    .filter((line) => line.includes(folder));

const nothingLeft = async (): Promise<void> => {
  for (let n = 0; left().length > 0 && n < 200; n += 1) await wait(50);
  assert.equal(left(), []);
};

/** A port that somebody listens on while `work` runs. */
const taken = async (work: (port: number) => Promise<void>): Promise<void> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  try {
    await work(typeof address === 'object' ? (address?.port ?? 0) : 0);
  } finally {
    server.close();
  }
};

test('the ports are the usual ones unless the settings say otherwise', () => {
  const { PULSAR_PORT, PULSAR_WEB_PORT, POSTGRES_PORT, REDIS_PORT } = readSettings({});
  assert.equal([PULSAR_PORT, PULSAR_WEB_PORT, POSTGRES_PORT, REDIS_PORT], [6650, 8080, 5432, 6379]);
});

test('what npm run pulsar needs and is missing is told in one line with the way to get it', async () => {
  const started = new Program('pulsar', { PATH: '/nonexistent', DATA_DIR: join(folder, 'none') });
  assert.is(await started.ended, 1);
  assert.match(started.output, /^✘ Pulsar needs Java 17 or newer: apt-get install \S+\n$/);
});

if ((await missing(findPostgres)) !== undefined) test.skip('no Postgres');
else {
  test('npm run db prints the URL, keeps its data over a stop, and leaves no process behind', async () => {
    const [port = 0] = await freePorts(1);
    const env = { DATA_DIR: join(folder, 'db'), POSTGRES_PORT: String(port) };
    const url = `postgres://postgres@127.0.0.1:${port}`;
    for (const [signal, sql] of [
      ['SIGINT', 'CREATE TABLE kept AS SELECT 1 AS n'],
      ['SIGTERM', 'SELECT n FROM kept'],
    ] as const) {
      const db = new Program('postgres', env);
      await db.says(`✔ DATABASE_URL=${url}\n`);
      const client = new pg.Client({ connectionString: `${url}/postgres` });
      client.on('error', () => undefined); // it is open while the server stops
      await client.connect();
      await client.query(sql);
      db.child.kill(signal);
      assert.is(await db.ended, 0, db.output);
      assert.match(db.output, /✔ stopped\n$/);
      await nothingLeft();
      await client.end().catch(() => undefined);
    }
  });

  test('npm run db on a port in use is one line that names the setting', () =>
    taken(async (port) => {
      const db = new Program('postgres', { DATA_DIR: join(folder, 'db'), POSTGRES_PORT: String(port) });
      assert.is(await db.ended, 1);
      assert.is(db.output, `✘ port ${port} is in use: choose another by POSTGRES_PORT\n`);
    }));
}

if ((await missing(() => findRedis(path))) !== undefined) test.skip('no Redis');
else {
  test('npm run redis prints the URL, serves there, and ends with 0 without a process left', async () => {
    const [port = 0] = await freePorts(1);
    const env = { DATA_DIR: join(folder, 'redis'), REDIS_PORT: String(port) };
    const redis = new Program('redis', env);
    await redis.says(`✔ REDIS_URL=redis://127.0.0.1:${port}\n`);
    assert.is(await askRedis(port, ['PING']), '+PONG\r\n');
    const second = new Program('redis', env);
    assert.is(await second.ended, 1);
    assert.is(second.output, `✘ port ${port} is in use: choose another by REDIS_PORT\n`);
    redis.child.kill('SIGTERM');
    assert.is(await redis.ended, 0, redis.output);
    await nothingLeft();
    assert.is(await askRedis(port, ['PING']).catch(() => 'gone'), 'gone');
  });

  test('npm run redis that is killed ends its Redis with it', async () => {
    const [port = 0] = await freePorts(1);
    const redis = new Program('redis', { DATA_DIR: join(folder, 'redis'), REDIS_PORT: String(port) });
    await redis.says('✔ REDIS_URL');
    redis.child.kill('SIGKILL');
    await redis.ended;
    await nothingLeft();
    assert.is(await askRedis(port, ['PING']).catch(() => 'gone'), 'gone');
  });
}

const noBroker = await missing(async () => {
  const cache = process.env.PULSAR_CACHE;
  await brokerInstallation(path, { ...(cache ? { cache } : {}), say: () => undefined });
});
if (noBroker !== undefined) test.skip('no broker');
else {
  test('npm run pulsar prints the URL, refuses a second on its data, and ends with 0 without a process left', async () => {
    const [port = 0, web = 0, otherPort = 0, otherWeb = 0] = await freePorts(4);
    const DATA_DIR = join(folder, 'broker');
    const pulsar = new Program('pulsar', {
      DATA_DIR,
      PULSAR_PORT: String(port),
      PULSAR_WEB_PORT: String(web),
    });
    await pulsar.says(`✔ BUS_URL=pulsar://127.0.0.1:${port} PULSAR_ADMIN_URL=http://127.0.0.1:${web}\n`);
    assert.ok(existsSync(join(DATA_DIR, 'pulsar/bookkeeper')));
    const pid = readFileSync(join(DATA_DIR, 'pulsar/broker.pid'), 'utf8').trim();
    assert.match(
      readFileSync(`/proc/${pid}/maps`, 'utf8'),
      /classes-\d+\.jsa/,
      'it starts with prepared classes',
    );
    assert.is((await fetch(`http://127.0.0.1:${web}/admin/v2/brokers/health`)).status, 200);

    const ports = { PULSAR_PORT: String(otherPort), PULSAR_WEB_PORT: String(otherWeb) };
    const second = new Program('pulsar', { DATA_DIR, ...ports });
    assert.is(await second.ended, 1);
    assert.match(second.output, /✘ process \d+ is a broker that runs on \S+ already\n$/);
    const same = new Program('pulsar', { DATA_DIR, PULSAR_PORT: String(port) });
    assert.is(await same.ended, 1);
    assert.is(same.output, `✘ port ${port} is in use: choose another by PULSAR_PORT\n`);

    pulsar.child.kill('SIGTERM');
    assert.is(await pulsar.ended, 0, pulsar.output);
    await nothingLeft();
  });

  test('a broker that is killed ends npm run pulsar with 1 and the reason, and npm run pulsar that is killed its broker', async () => {
    const [port = 0, web = 0] = await freePorts(2);
    const ports = { PULSAR_PORT: String(port), PULSAR_WEB_PORT: String(web) };
    const env = { DATA_DIR: join(folder, 'killed'), ...ports };
    const first = new Program('pulsar', env);
    await first.says('✔ BUS_URL');
    const jvm = Number(
      left()
        .find((line) => line.includes('PulsarStandaloneStarter'))
        ?.trim()
        .split(' ')[0],
    );
    process.kill(jvm, 'SIGKILL');
    assert.is(await first.ended, 1);
    assert.match(first.output, /✘ the broker ended \(SIGKILL\)/);
    await nothingLeft();

    const second = new Program('pulsar', env);
    await second.says('✔ BUS_URL');
    second.child.kill('SIGKILL');
    await second.ended;
    await nothingLeft();
  });
}

test.after(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
});

test.run();
