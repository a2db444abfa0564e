// time limit: 120 s
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freshDatabase, startOwnPostgres } from '../testing/postgres.ts';
import type { PostgresOptions } from './connection.ts';
import { statement } from './database.ts';
import { isTransient, sqlState } from './faults.ts';
import { DatabaseInUse } from './hold.ts';
import type { ServiceDatabase } from './pool-database.ts';
import { openPostgres } from './postgres.ts';
import { rejection, unhandledRejections } from './testing/databases.ts';
import { slowLine } from './testing/flights.ts';

const ONE = statement('test.one', 'SELECT 1 AS one');
const SLEEP = statement('test.sleep', 'SELECT pg_sleep($1)');
const PID = statement('test.pid', 'SELECT pg_backend_pid() AS pid');
const KILL = statement('test.kill', 'SELECT pg_terminate_backend($1)');
const INSERT = statement('test.insert', 'INSERT INTO item VALUES ($1)');
const COUNT = statement('test.count', 'SELECT count(*)::int4 AS n FROM item WHERE id = $1');
const LOCK = statement('test.lock', 'SELECT id FROM item WHERE id = $1 FOR UPDATE');
const EXCLUSIVE_PID = statement(
  'test.exclusive',
  `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = $1)`,
);

/** A server of its own: it is killed, frozen and started again. */
const server = await startOwnPostgres();
const test = suite('Postgres');

if (server === undefined) test.skip('no server');
else {
  const name = freshDatabase('postgres');
  const options: PostgresOptions = {
    url: server.url,
    database: name,
    poolSize: 2,
    applicationName: 'postgres test',
    statementTimeoutMs: 1_000,
    lockTimeoutMs: 300,
  };
  let database: ServiceDatabase;
  let items = 0;
  const count = async (id: number): Promise<number> =>
    (await database.query<{ n: number }>(COUNT, [id]))[0]?.n ?? -1;
  /** Waits until the database answers again. */
  const recovered = async (): Promise<void> => {
    const deadline = Date.now() + 20_000;
    for (;;) {
      try {
        await database.health();
        return;
      } catch (error) {
        assert.ok(isTransient(error), String(error));
        if (Date.now() > deadline) throw error;
        await wait(50);
      }
    }
  };

  test.before(async () => {
    database = await openPostgres(options);
    await database.transaction((tx) => tx.script('CREATE TABLE item (id int4 PRIMARY KEY)'));
  });
  test.after(async () => {
    await database.close();
    await server.stop();
  });

  test('a batch costs two flights: BEGIN goes with its reads, COMMIT with its writes', async () => {
    const line = await slowLine(server.url, 15);
    const slow = await openPostgres({ ...options, url: line.url, statementTimeoutMs: 5_000 });
    const batch = (): Promise<unknown> => {
      const [one, two] = [++items, ++items];
      return slow.transaction(async (tx) => {
        await Promise.all([tx.query(LOCK, [one]), tx.query(COUNT, [one]), tx.query(ONE, [])]);
        void tx.write(INSERT, [one]);
        void tx.write(INSERT, [two]);
        void tx.write(COUNT, [one]);
      });
    };
    await batch(); // connects
    const before = line.flights();
    await batch();
    assert.is(line.flights() - before, 2);
    await slow.close();
    await line.close();
  });

  test('what falls outside of its transaction is refused, not committed by itself, and fails the transaction', async () => {
    const id = ++items;
    const error = await rejection(
      database.transaction(async (tx) => {
        void tx.script('ROLLBACK'); // as when BEGIN is cancelled, while the writes are on their way
        void tx.write(INSERT, [id]);
      }),
    );
    assert.is(sqlState(error), '25006');
    assert.ok(isTransient(error));
    assert.is(await count(id), 0);
  });

  test('background statements, and no others, do not wait for the disk', async () => {
    const setting = statement('test.setting', 'SHOW synchronous_commit');
    assert.is((await database.background(setting, []))[0].synchronous_commit, 'off');
    assert.is((await database.query(setting, []))[0].synchronous_commit, 'on');
    const [row] = await database.transaction((tx) => tx.query(setting, []));
    assert.is(row.synchronous_commit, 'on');
  });

  test('a statement that takes too long is a transient fault, and nothing of its transaction stays', async () => {
    const id = ++items;
    const error = await rejection(
      database.transaction(async (tx) => {
        void tx.write(INSERT, [id]);
        void tx.write(SLEEP, [30]);
      }),
    );
    assert.is(sqlState(error), '57014');
    assert.ok(isTransient(error));
    assert.ok(isTransient(await rejection(database.query(SLEEP, [30]))));
    assert.is(await count(id), 0);
  });

  test('a lock that is not had in time is a transient fault, and its holder goes on', async () => {
    const id = ++items;
    await database.query(INSERT, [id]);
    await database.transaction(async (tx) => {
      await tx.query(LOCK, [id]);
      const error = await rejection(database.transaction((other) => other.query(LOCK, [id])));
      assert.is(sqlState(error), '55P03');
      assert.ok(isTransient(error));
    });
  });

  test('of two transactions that wait for one another, one is told so, and may run again', async () => {
    const [one, two] = [++items, ++items];
    await Promise.all([database.query(INSERT, [one]), database.query(INSERT, [two])]);
    const patient = await openPostgres({ ...options, lockTimeoutMs: 10_000, statementTimeoutMs: 10_000 });
    const both = (first: number, second: number): Promise<unknown> =>
      patient.transaction(async (tx) => {
        await tx.query(LOCK, [first]);
        await wait(100);
        await tx.query(LOCK, [second]);
      });
    const ended = await Promise.allSettled([both(one, two), both(two, one)]);
    const failed = ended.filter((each) => each.status === 'rejected');
    assert.is(failed.length, 1);
    assert.is(sqlState(failed[0]?.reason), '40P01');
    assert.ok(isTransient(failed[0]?.reason));
    await patient.close();
  });

  test('a transaction that its work leaves idle is ended by the server, as a transient fault', async () => {
    const id = ++items;
    const error = await rejection(
      database.transaction(async (tx) => {
        await tx.query(INSERT, [id]);
        await wait(1_500);
        await tx.query(ONE, []);
      }),
    );
    assert.ok(isTransient(error), String(error));
    assert.is(await count(id), 0);
  });

  test('a connection that breaks is a transient fault for all that was under way on it, and is not used again', async () => {
    const unhandled = unhandledRejections();
    const id = ++items;
    let broken: number | undefined;
    const error = await rejection(
      database.transaction(async (tx) => {
        broken = (await tx.query<{ pid: number }>(PID, []))[0]?.pid;
        void tx.write(INSERT, [id]);
        void tx.write(SLEEP, [0.5]);
        await wait(50);
        await database.query(KILL, [broken]);
      }),
    );
    assert.ok(isTransient(error), String(error));
    for (let i = 0; i < 6; i += 1) {
      const [row] = await database.transaction((tx) => tx.query<{ pid: number }>(PID, []));
      assert.is.not(row?.pid, broken);
    }
    assert.equal(await unhandled(), []);
    assert.is(await count(id), 0);
  });

  test('idle connections that break are replaced unnoticed', async () => {
    await Promise.all([database.query(ONE, []), database.query(ONE, [])]);
    const others = new pg.Client({ connectionString: `${server.url}/postgres` });
    await others.connect();
    await others.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
    await others.end();
    await wait(100);
    for (let i = 0; i < 4; i += 1) {
      await Promise.all([
        database.query(ONE, []),
        database.background(ONE, []),
        database.transaction((tx) => tx.query(ONE, [])),
      ]);
    }
  });

  test('more work than connections, for longer than one is waited for, is a transient fault', async () => {
    const slow = await openPostgres({ ...options, poolSize: 1, statementTimeoutMs: 20_000 });
    const holder = slow.transaction((tx) => tx.query(SLEEP, [6]));
    assert.ok(isTransient(await rejection(slow.transaction((tx) => tx.query(ONE, [])))));
    await holder;
    await slow.close();
  });

  test('a server that is killed under load and comes back loses nothing acknowledged, and is used again', async () => {
    const unhandled = unhandledRejections();
    const acknowledged: number[] = [];
    let running = true;
    const load = async (): Promise<void> => {
      while (running) {
        const id = ++items;
        try {
          await database.transaction(async (tx) => {
            await tx.query(LOCK, [id]);
            void tx.write(INSERT, [id]);
          });
          acknowledged.push(id);
        } catch (error) {
          assert.ok(isTransient(error), `${String(error)} ${JSON.stringify(error)}`);
          await wait(20);
        }
      }
    };
    const loads = Array.from({ length: 4 }, load);
    await wait(200);
    await server.kill();
    const before = acknowledged.length;
    assert.ok(isTransient(await rejection(database.health())));
    await server.restart();
    await recovered();
    await wait(300);
    running = false;
    await Promise.all(loads);
    assert.ok(before > 0 && acknowledged.length > before, `${before} before, ${acknowledged.length} in all`);
    for (const id of acknowledged) assert.is(await count(id), 1);
    assert.equal(await unhandled(), []);
  });

  test('a server that falls silent is a transient fault in the end, and is used again when it answers', async () => {
    await server.pause();
    const [query, transaction] = [database.query(ONE, []), database.transaction((tx) => tx.query(ONE, []))];
    const faults = await Promise.all([rejection(query), rejection(transaction)]);
    await server.resume();
    for (const fault of faults) assert.ok(isTransient(fault), String(fault));
    await recovered();
    await database.transaction((tx) => tx.query(ONE, []));
  });

  test('a server that is away when it is opened rejects with a transient fault', async () => {
    const error = await rejection(openPostgres({ ...options, url: 'postgres://postgres@127.0.0.1:1' }));
    assert.ok(isTransient(error), String(error));
  });

  test('a database is made where it is missing, once, by starters at the same time', async () => {
    const fresh = freshDatabase('made');
    const opened = await Promise.all(
      Array.from({ length: 4 }, () => openPostgres({ ...options, database: fresh })),
    );
    const about = statement(
      'test.about',
      `SELECT pg_encoding_to_char(encoding) AS encoding, datcollate AS collation FROM pg_database WHERE datname = $1`,
    );
    assert.equal(
      [...((await opened[0]?.query(about, [fresh])) ?? [])],
      [{ encoding: 'UTF8', collation: 'C' }],
    );
    await Promise.all(opened.map((each) => each.close()));
  });

  test('a name that needs quoting names a database too', async () => {
    const odd = `${freshDatabase('ñandú')} "x y"`;
    const opened = await openPostgres({ ...options, database: odd });
    const current = statement('test.current', 'SELECT current_database() AS name');
    assert.is((await opened.query(current, []))[0].name, odd);
    await opened.close();
  });

  test('a database that is not UTF8 is refused', async () => {
    const latin = freshDatabase('latin');
    const admin = new pg.Client({ connectionString: `${server.url}/postgres` });
    await admin.connect();
    await admin.query(
      `CREATE DATABASE ${latin} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`,
    );
    await admin.end();
    const error = await rejection(openPostgres({ ...options, database: latin }));
    assert.match(error.message, `Database ${latin} is encoded in LATIN1; it must be UTF8`);
  });

  test('a database that another holds exclusively is refused, and had once that one has closed', async () => {
    const held = { ...options, database: freshDatabase('held'), hold: 'exclusive' as const };
    const first = await openPostgres(held);
    const error = await rejection(openPostgres(held));
    assert.instance(error, DatabaseInUse);
    assert.match(
      error.message,
      `Database ${held.database} at ${new URL(server.url).host} is served by another process`,
    );
    assert.match(error.message, 'DATABASE_URL');
    await first.health();
    await first.close();
    const second = await openPostgres(held);
    await second.close();
  });

  test('a hold that is lost is taken again, or health says who has it now', async () => {
    const held = { ...options, database: freshDatabase('lost'), hold: 'exclusive' as const };
    const first = await openPostgres(held);
    const loseHold = async (): Promise<void> => {
      const [row] = await first.query<{ pid: number }>(EXCLUSIVE_PID, [held.database]);
      await first.query(KILL, [row?.pid]);
      await wait(100);
    };
    await loseHold();
    await first.health();
    assert.instance(await rejection(openPostgres(held)), DatabaseInUse);
    await loseHold();
    const second = await openPostgres(held);
    assert.instance(await rejection(first.health()), DatabaseInUse);
    await Promise.all([first.close(), second.close()]);
  });
}

test.run();
