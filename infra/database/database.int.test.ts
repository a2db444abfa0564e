import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { array } from './array.ts';
import { statement } from './database.ts';
import { constraintName, isTransient, sqlState } from './faults.ts';
import {
  POOL_SIZE,
  rejection,
  type TestDatabase,
  testDatabases,
  unhandledRejections,
} from './testing/databases.ts';

const SCHEMA = `
  CREATE TABLE account (id int4 PRIMARY KEY, amount int4 NOT NULL CONSTRAINT account_amount_positive CHECK (amount >= 0));
  CREATE TABLE later (id int4 PRIMARY KEY, one int4 CONSTRAINT later_one_key UNIQUE DEFERRABLE INITIALLY DEFERRED)`;
const CLEAR = 'TRUNCATE account, later';
const INSERT = statement('test.insert', 'INSERT INTO account VALUES ($1, $2) RETURNING id');
const LATER = statement('test.later', 'INSERT INTO later VALUES ($1, $2)');
const COUNT = statement('test.count', 'SELECT count(*)::int4 AS n FROM account');
const LOCK = statement('test.lock', 'SELECT amount FROM account WHERE id = $1 FOR UPDATE');
const ADD = statement('test.add', 'UPDATE account SET amount = $2 WHERE id = $1');
const PLAN = statement(
  'test.plan',
  `EXPLAIN UPDATE account a SET amount = v.amount
   FROM unnest(ARRAY[1, 2]::int4[], ARRAY[3, 4]::int4[]) v (id, amount) WHERE a.id = v.id`,
);
const FAIL = statement('test.fail', 'SELECT 1 / $1::int4 AS never');
const ALL = statement('test.all', 'SELECT * FROM account');
const ONE = statement('test.one', 'SELECT 1 AS one');

const port = ({ name, database, close }: TestDatabase): void => {
  const test = suite(`the database port on ${name}`);
  const count = async (): Promise<number> => (await database.query<{ n: number }>(COUNT, []))[0]?.n ?? -1;

  test.before(() => database.transaction((tx) => tx.script(SCHEMA)));
  test.before.each(() => database.transaction((tx) => tx.script(CLEAR)));
  test.after(close);

  test('a plan made while a table is empty looks each row up in its index', async () => {
    const plan = await database.query<{ 'QUERY PLAN': string }>(PLAN, []);
    const text = plan.map((row) => row['QUERY PLAN']).join('\n');
    assert.match(text, /Index (Only )?Scan|Bitmap Index Scan/);
    assert.not.match(text, /Seq Scan|Hash|Merge/);
  });

  test('a transaction commits when its work resolves, and answers what the work answered', async () => {
    const answer = await database.transaction(async (tx) => {
      const [row] = await tx.query<{ id: number }>(INSERT, [1, 10]);
      return row?.id;
    });
    assert.is(answer, 1);
    assert.is(await count(), 1);
  });

  test('statements of a transaction run in the order in which they were sent, awaited or not', async () => {
    await database.transaction(async (tx) => {
      void tx.write(INSERT, [1, 10]);
      void tx.write(ADD, [1, 20]);
      const [row] = await tx.query<{ amount: number }>(LOCK, [1]);
      assert.is(row?.amount, 20);
    });
  });

  test('a transaction rolls back when its work rejects, with the error of the work', async () => {
    const reason = new Error('the work says no');
    const error = await rejection(
      database.transaction(async (tx) => {
        void tx.write(INSERT, [1, 10]);
        throw reason;
      }),
    );
    assert.is(error, reason);
    assert.is(await count(), 0);
  });

  test('COMMIT of a transaction that a write aborted, which nobody awaited, rejects with the error of that write', async () => {
    const unhandled = unhandledRejections();
    const error = await rejection(
      database.transaction(async (tx) => {
        void tx.write(INSERT, [1, 10]);
        void tx.write(INSERT, [1, 11]);
        void tx.write(INSERT, [2, 12]); // fails too, with 25P02: not the reason
      }),
    );
    assert.is(sqlState(error), '23505');
    assert.is(constraintName(error), 'account_pkey');
    assert.equal(await unhandled(), []);
    assert.is(await count(), 0);
  });

  test('a statement that fails fails the transaction, even if the work takes its error', async () => {
    const error = await rejection(
      database.transaction(async (tx) => {
        await tx.query(INSERT, [1, 10]);
        await tx.query(INSERT, [2, -1]).catch(() => undefined);
        return 'all is well';
      }),
    );
    assert.is(constraintName(error), 'account_amount_positive');
    assert.is(await count(), 0);
  });

  test('a constraint that is checked at COMMIT rejects the transaction', async () => {
    const error = await rejection(
      database.transaction(async (tx) => {
        void tx.write(LATER, [1, 1]);
        await tx.query(LATER, [2, 1]);
      }),
    );
    assert.is(constraintName(error), 'later_one_key');
    await database.transaction((tx) => tx.query(LATER, [1, 1]));
  });

  test('what a work forgets to await after a failure is no unhandled rejection', async () => {
    const unhandled = unhandledRejections();
    await rejection(
      database.transaction(async (tx) => {
        const [first] = [tx.query(FAIL, [0]), tx.query(ONE, []), tx.write(ONE, [])];
        await first;
      }),
    );
    assert.equal(await unhandled(), []);
  });

  test('the rows of a write may be awaited after the commit', async () => {
    const rows = await database.transaction(async (tx) => ({
      written: tx.write<{ id: number }>(INSERT, [7, 1]),
    }));
    assert.equal([...(await rows.written)], [{ id: 7 }]);
  });

  test('a statement that is sent when the work has ended is refused, and nothing of it is done', async () => {
    let late: Promise<unknown> | undefined;
    await database.transaction(async (tx) => {
      void tx.write(INSERT, [1, 10]);
      setImmediate(() => {
        late = tx.write(INSERT, [2, 10]);
        late.catch(() => undefined);
      });
    });
    while (late === undefined) await new Promise((resolve) => setImmediate(resolve));
    assert.match((await rejection(late)).message, 'transaction is over');
    assert.is(await count(), 1);
  });

  test('what is no parameter fails the transaction, instead of becoming NULL', async () => {
    for (const value of [undefined, Number.NaN, Number.POSITIVE_INFINITY, {}, [1], Symbol('s'), () => 1]) {
      const error = await rejection(
        database.transaction(async (tx) => {
          void tx.write(INSERT, [1, 10]);
          void tx.write(INSERT, [2, value]);
        }),
      );
      assert.instance(error, TypeError);
    }
    assert.is(await count(), 0);
  });

  test('a failed transaction leaves nothing behind on its connection', async () => {
    for (let i = 0; i < 2 * POOL_SIZE; i += 1) {
      await rejection(database.transaction((tx) => tx.query(FAIL, [0])));
      await rejection(database.query(FAIL, [0]));
    }
    await Promise.all(
      Array.from({ length: 2 * POOL_SIZE }, (_, id) =>
        database.transaction((tx) => tx.query(INSERT, [id, 1])),
      ),
    );
    assert.is(await count(), 2 * POOL_SIZE);
  });

  test('statements that were first sent in a flight that failed are prepared by the next one', async () => {
    const before = statement('test.before-the-failure', 'SELECT 1 AS one');
    const behind = statement('test.behind-the-failure', 'SELECT 2 AS two');
    const malformed = statement('test.malformed', 'SELECT FROM WHERE');
    for (let i = 0; i < 2 * POOL_SIZE; i += 1)
      for (const failing of [malformed, FAIL])
        await rejection(
          database.transaction(async (tx) => {
            void tx.query(before, []);
            void tx.query(failing, failing === FAIL ? [0] : []);
            void tx.query(behind, []);
          }),
        );
    await Promise.all(
      Array.from({ length: 2 * POOL_SIZE }, () =>
        database.transaction(async (tx) => {
          const [[one], [two]] = await Promise.all([tx.query(before, []), tx.query(behind, [])]);
          assert.equal([one.one, two.two], [1, 2]);
        }),
      ),
    );
    assert.equal([...(await database.query(behind, []))], [{ two: 2 }]);
  });

  test('a statement whose columns change on an open connection is refused once, and never read by its old ones', async () => {
    const all = (): Promise<readonly unknown[]> =>
      database.transaction(async (tx) => {
        await tx.write(INSERT, [1, 10]);
        const rows = await tx.query(ALL, []);
        await tx.script('DELETE FROM account');
        return rows;
      });
    for (let i = 0; i < POOL_SIZE; i++) await all(); // whichever connection it is that is used
    await database.transaction((tx) => tx.script('ALTER TABLE account ADD COLUMN note text'));
    try {
      const answers: unknown[] = [];
      for (let i = 0; i < 2 * POOL_SIZE; i++) answers.push(await all().catch((error) => sqlState(error)));
      const rows = [{ id: 1, amount: 10, note: null }];
      for (const answer of answers) if (answer !== '0A000') assert.equal(answer, rows);
      assert.equal(answers.at(-1), rows);
    } finally {
      await database.transaction((tx) => tx.script('ALTER TABLE account DROP COLUMN note'));
    }
  });

  test('two statements of one name in a flight are refused, and its transaction with them', async () => {
    const one = statement('test.one-name', 'SELECT 1 AS one');
    const other = statement('test.one-name', 'SELECT 2 AS two');
    const error = await rejection(
      database.transaction(async (tx) => {
        void tx.write(INSERT, [1, 10]);
        void tx.query(one, []);
        void tx.query(other, []);
      }),
    );
    assert.match(error.message, 'one-name');
    assert.is(await count(), 0);
  });

  test('transactions at once, many more than connections, lose no update', async () => {
    await database.query(INSERT, [1, 0]);
    await Promise.all(
      Array.from({ length: 100 }, () =>
        database.transaction(async (tx) => {
          const [row] = await tx.query<{ amount: number }>(LOCK, [1]);
          void tx.write(ADD, [1, (row?.amount ?? Number.NaN) + 1]);
        }),
      ),
    );
    assert.equal([...(await database.query(LOCK, [1]))], [{ amount: 100 }]);
  });

  test('a transaction is READ COMMITTED, and reads nothing uncommitted', async () => {
    const isolation = statement('test.isolation', 'SHOW transaction_isolation');
    const [row] = await database.transaction((tx) => tx.query(isolation, []));
    assert.is(row.transaction_isolation, 'read committed');
    await database.transaction(async (tx) => {
      await tx.query(INSERT, [1, 10]);
      // On PGlite it would wait for the transaction, which has the only session.
      if (database.kind === 'postgres') assert.is(await count(), 0);
    });
    assert.is(await count(), 1);
  });

  test('a query and a background statement commit by themselves, and reject with what the database says', async () => {
    await database.query(INSERT, [1, 10]);
    await database.background(INSERT, [2, 10]);
    assert.is(await count(), 2);
    assert.is(sqlState(await rejection(database.query(INSERT, [1, 10]))), '23505');
    assert.is(sqlState(await rejection(database.background(INSERT, [1, 10]))), '23505');
    assert.is(await count(), 2);
  });

  test('text that no database holds is refused for good, and the connection goes on', async () => {
    const echo = statement('test.echo', 'SELECT $1::text AS text');
    const error = await rejection(database.query(echo, ['a\0b']));
    assert.not(isTransient(error));
    assert.is((await database.query(echo, ['después ✓']))[0].text, 'después ✓');
  });

  test('eight megabytes go in and come out as they were', async () => {
    const big = Buffer.alloc(8 << 20, 'x→');
    const echo = statement('test.bytes', 'SELECT $1::bytea AS one, ($2::bytea[])[1] AS two');
    const [row] = await database.query(echo, [big, array('bytea', [big])]);
    assert.ok(big.equals(row.one));
    assert.ok(big.equals(row.two));
  });

  test('values become the same types on every database', async () => {
    const types = statement(
      'test.types',
      `SELECT $1::int8 AS long, $2::int4 AS int, $3::int2 AS small, $4::numeric AS money, $5::timestamptz AS instant,
        $6::bytea AS bytes, $7::jsonb AS json, $8::bool AS flag, $9::text AS text, $10::uuid AS uuid, $11::text AS nothing,
        ARRAY[$1::int8, NULL] AS longs, ARRAY[$4::numeric] AS moneys, ARRAY[$9::text, NULL] AS texts, 0.5::float8 AS float`,
    );
    const instant = new Date('2024-02-29T23:59:59.987Z');
    const uuid = '0192f0c1-7d3a-7bcd-8e1f-0123456789ab';
    const bytes = Uint8Array.of(0, 1, 255, 0);
    const json = { long: '9007199254740993', deep: [null, { ñ: '"\\' }] };
    const long = 9_223_372_036_854_775_807n;
    const text = `'NULL' "{,}" \\ ñ 😀`;
    const money = '1234567890123456.10';
    const [row] = await database.query(types, [
      long,
      -5,
      7,
      money,
      instant,
      bytes,
      JSON.stringify(json),
      true,
      text,
      uuid,
      null,
    ]);
    assert.equal(row, {
      long,
      int: -5,
      small: 7,
      money,
      instant,
      bytes: Buffer.from(bytes),
      json,
      flag: true,
      text,
      uuid,
      nothing: null,
      longs: [long, null],
      moneys: [money],
      texts: [text, null],
      float: 0.5,
    });
    assert.instance(row.instant, Date);
    assert.ok(Buffer.isBuffer(row.bytes));
  });

  test('what sorts and compares in SQL does so by code point', async () => {
    const sorted = statement('test.sorted', 'SELECT unnest($1::text[]) AS text ORDER BY 1');
    const rows = await database.query<{ text: string }>(sorted, [
      array('text', ['b', 'ñ', 'a', 'Z', 'A', '_']),
    ]);
    assert.equal(
      rows.map((row) => row.text),
      ['A', 'Z', '_', 'a', 'b', 'ñ'],
    );
  });

  test('health tells a database that is used from one that is closed, which is a transient fault', async () => {
    await database.health();
    await database.close();
    await database.close();
    for (const call of [
      () => database.health(),
      () => database.query(ONE, []),
      () => database.background(ONE, []),
      () => database.transaction((tx) => tx.query(ONE, [])),
    ]) {
      assert.ok(isTransient(await rejection(call())));
    }
    // The pool, too, refuses by a rejection and by its callback, and throws nowhere.
    assert.ok(isTransient(await rejection(database.pool.query('SELECT 1'))));
    await new Promise<void>((resolve) =>
      database.pool.connect((error) => {
        assert.ok(isTransient(error));
        resolve();
      }),
    );
  });

  test.run();
};

for (const each of await testDatabases('port')) port(each);
