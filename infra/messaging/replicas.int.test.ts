// time limit: 180 s
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { statement } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import type { ServiceDatabase } from '../database/pool-database.ts';
import { openPostgres } from '../database/postgres.ts';
import { systemRuntime } from '../system-runtime.ts';
import { freshDatabase, startOwnPostgres } from '../testing/postgres.ts';

const migrations = fileURLToPath(new URL('migrations', import.meta.url));
const PROGRAM = fileURLToPath(new URL('testing/relay-process.ts', import.meta.url));
const AGGREGATES = statement('test.aggregates', 'SELECT key, n FROM aggregate ORDER BY key');
const LEFT = statement('test.left', 'SELECT count(*)::int4 AS n FROM outbox');
/** Longer than the five seconds that are promised, which virtual time holds: this machine may be busy. */
const PATIENCE_MS = 40_000;

interface Sent {
  readonly by: string;
  readonly key: string;
  readonly n: number;
  readonly at: number;
}

interface Replica {
  readonly name: string;
  readonly process: ChildProcess;
  leads: boolean;
}

const test = suite('three replicas on one Postgres');
const server = await startOwnPostgres();

if (server === undefined) test.skip('no server');
else {
  const name = freshDatabase('replicas');
  const sent: Sent[] = [];
  const running = new Map<string, Replica>();
  let database: ServiceDatabase;
  let recorder: Server;

  const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + PATIENCE_MS;
    while (!(await holds())) {
      if (Date.now() > deadline) throw new Error(`it did not come to be that ${what}`);
      await pause(20);
    }
  };
  const start = (replicaName: string): Replica => {
    const { port } = recorder.address() as { port: number };
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', PROGRAM, server.url, name, String(port), replicaName],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const replica: Replica = { name: replicaName, process: child, leads: false };
    createInterface({ input: child.stdout }).on('line', (line) => {
      replica.leads = line === 'leads';
    });
    child.once('exit', () => {
      replica.leads = false;
      running.delete(replicaName);
    });
    running.set(replicaName, replica);
    return replica;
  };
  const leader = (): Replica | undefined => [...running.values()].find(({ leads }) => leads);
  const led = async (except?: Replica): Promise<Replica> => {
    await until('another one leads', () => [...running.values()].some((one) => one !== except && one.leads));
    return [...running.values()].find((one) => one !== except && one.leads) as Replica;
  };
  const published = (by: string): number => sent.filter((one) => one.by === by).length;
  const flows = async (by: Replica): Promise<void> => {
    const before = published(by.name);
    await until(`${by.name} publishes`, () => published(by.name) >= before + 50);
  };
  /** All that was committed has been published, what is new of each key in order. */
  const expectAll = async (): Promise<void> => {
    await until('the outbox is empty', async () => (await database.query(LEFT, []))[0].n === 0);
    for (const { key, n } of await database.query<{ key: string; n: number }>(AGGREGATES, [])) {
      const first = [...new Set(sent.filter((one) => one.key === key).map((one) => one.n))];
      assert.equal(
        first,
        Array.from({ length: n }, (_, i) => i + 1),
        key,
      );
    }
  };
  const repeated = (): number => sent.length - new Set(sent.map(({ key, n }) => `${key}${n}`)).size;

  test.before(async () => {
    database = await openPostgres({
      url: server.url,
      database: name,
      poolSize: 2,
      applicationName: 'replicas test',
      statementTimeoutMs: 10_000,
      lockTimeoutMs: 5_000,
    });
    await migrate(database, [migrations], systemRuntime());
    await database.transaction((tx) =>
      tx.script(`CREATE TABLE aggregate (key text PRIMARY KEY, n int4 NOT NULL);
        INSERT INTO aggregate VALUES ('a', 0), ('b', 0), ('c', 0), ('d', 0)`),
    );
    recorder = createServer((socket) => {
      const lines = createInterface({ input: socket });
      for (const each of [socket, lines]) each.on('error', () => undefined); // a replica was killed
      lines.on('line', (line) => {
        const told = JSON.parse(line) as { call: number; by: string; sent: { key: string; n: number }[] };
        for (const { key, n } of told.sent) sent.push({ by: told.by, key, n, at: Date.now() });
        setTimeout(() => {
          socket.write(`${JSON.stringify({ call: told.call, count: told.sent.length })}\n`);
        }, 3);
      });
    }).listen(0, '127.0.0.1');
    await once(recorder, 'listening');
    for (const each of ['one', 'two', 'three']) start(each);
  });
  test.after(async () => {
    for (const { process: child } of running.values()) child.kill('SIGKILL');
    recorder.close();
    await database.close();
    await server.stop();
  });

  test('one of them publishes what all of them commit, each message once', async () => {
    const first = await led();
    await until('all three write', async () => {
      const [row] = await database.query(
        statement(
          'test.writers',
          `SELECT count(DISTINCT application_name)::int4 AS n FROM pg_stat_activity
           WHERE datname = current_database() AND query LIKE '%aggregate%' AND application_name <> 'replicas test'`,
        ),
        [],
      );
      return row.n === 3;
    });
    await flows(first);
    assert.equal([...new Set(sent.map(({ by }) => by))], [first.name]);
    assert.is(repeated(), 0);
  });

  test('when it is killed under load, another goes on', async () => {
    const victim = await led();
    await flows(victim);
    const killedAt = Date.now();
    victim.process.kill('SIGKILL');
    const next = await led(victim);
    await flows(next);
    const after = sent.find(({ by, at }) => by === next.name && at >= killedAt);
    console.log(`  taken over ${(after?.at ?? 0) - killedAt} ms after the SIGKILL`);
    start('four');
  });

  test('when it is frozen another goes on, and when it wakes again it only follows', async () => {
    const victim = await led();
    await flows(victim);
    victim.process.kill('SIGSTOP');
    const next = await led(victim);
    await flows(next);
    victim.process.kill('SIGCONT');
    await until('it follows', () => !victim.leads);
    await flows(next);
    assert.ok(next.leads && leader() === next);
  });

  test('when the server is killed under load and comes back, they go on', async () => {
    await server.kill();
    await pause(1_000);
    await server.restart();
    await flows(await led());
  });

  test('when it stops, another goes on at once', async () => {
    const first = await led();
    await flows(first);
    first.process.kill('SIGTERM');
    const [code] = await once(first.process, 'exit');
    assert.is(code, 0);
    await flows(await led(first));
  });

  test('after all of that nothing is lost, and what is new of each key came in order', async () => {
    for (const { process: child } of running.values()) child.kill('SIGUSR2');
    await expectAll();
    console.log(`  ${sent.length} messages, of which ${repeated()} were repetitions`);
  });
}

test.run();
