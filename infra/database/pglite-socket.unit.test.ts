import pg from 'pg';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isTransient } from './faults.ts';
import { PGliteSocket } from './pglite-socket.ts';
import { rejection } from './testing/databases.ts';

/** What a server answers, each with its length where the dots are. */
const message = (type: string, body: Buffer = Buffer.alloc(0)): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + body.length);
  return Buffer.concat([Buffer.from(type), length, body]);
};
const READY = message('Z', Buffer.from('I'));
const STARTED = Buffer.concat([message('R', Buffer.alloc(4)), READY]);
const answerTo = (sql: string): Buffer => Buffer.concat([message('C', Buffer.from(`${sql}\0`)), READY]);

/** A PGlite in name only: it answers each simple query with its own text, and fails at `FAIL`. */
const scripted = () => {
  const turns: string[][] = [];
  let turn: string[] | undefined;
  const database = {
    async execProtocolRawStream(
      run: Uint8Array,
      options?: { onRawData(bytes: Uint8Array): void },
    ): Promise<void> {
      const sql = run[0] === 0 ? 'startup' : Buffer.from(run).toString('utf8', 5, run.length - 1);
      if (turn === undefined) {
        turn = [];
        turns.push(turn);
        setImmediate(() => {
          turn = undefined;
        });
      }
      turn.push(sql);
      if (sql === 'FAIL') throw new Error('out of memory');
      options?.onRawData(run[0] === 0 ? STARTED : answerTo(sql));
    },
  };
  return { database, turns };
};

const connected = async (database: ReturnType<typeof scripted>['database']): Promise<pg.Client> => {
  const client = new pg.Client({
    stream: () => new PGliteSocket(database) as never,
    pipeline: true,
    user: 'postgres',
    password: '',
    ssl: false,
  } as pg.ClientConfig);
  client.on('error', () => undefined); // the statements on it reject
  await client.connect();
  return client;
};

const test = suite("PGlite's socket");

test('answers what was sent in one turn of the event loop in one later turn, each in order', async () => {
  const { database, turns } = scripted();
  const client = await connected(database);
  const answers = await Promise.all(['A', 'B', 'C'].map((sql) => client.query(sql)));
  assert.equal(
    answers.map((answer) => answer.command),
    ['A', 'B', 'C'],
  );
  assert.equal(turns, [['startup'], ['A', 'B', 'C']]);
  await client.end();
});

test('lets timers and sockets have their turn between two flights', async () => {
  const { database } = scripted();
  const client = await connected(database);
  let turns = 0;
  const spin = (): void => {
    turns += 1;
    if (turns < 1_000) setImmediate(spin);
  };
  setImmediate(spin);
  for (let i = 0; i < 20; i += 1) await client.query('A');
  assert.ok(turns >= 20, `${turns} turns of others in 20 flights`);
  turns = 1_000;
  await client.end();
});

test('runs nothing after a message that PGlite itself failed at: a write without its BEGIN would commit', async () => {
  const { database, turns } = scripted();
  const client = await connected(database);
  await Promise.all(['A', 'FAIL', 'INSERT'].map((sql) => client.query(sql).catch(() => undefined)));
  assert.equal(turns.at(-1), ['A', 'FAIL']);
});

test('is a lost connection where PGlite itself fails: a transient fault that names it', async () => {
  const { database } = scripted();
  const client = await connected(database);
  const [failed, behind] = [client.query('FAIL'), client.query('A')].map((query) => rejection(query));
  for (const error of [await failed, await behind]) {
    assert.ok(isTransient(error), String(error));
    assert.match(String(error), 'PGlite failed: Error: out of memory');
  }
  assert.ok(isTransient(await rejection(client.query('A'))));
});

test.run();
