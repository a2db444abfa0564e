// time limit: 400 s
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DataDirInUse } from './data-dir.ts';
import { statement } from './database.ts';
import { isTransient } from './faults.ts';
import { openPGlite } from './pglite.ts';
import type { ServiceDatabase } from './pool-database.ts';
import { rejection } from './testing/databases.ts';

const ONE = statement('test.one', 'SELECT 1 AS one');
/** One name and text in all services, as infra's own statements are: each must be planned in its own schema. */
const INSERT = statement('test.insert', 'INSERT INTO item VALUES ($1)');
const READ = statement('test.read', 'SELECT name FROM item ORDER BY name');
const FAIL = statement('test.fail', 'SELECT 1 / $1::int4');
const WHERE = statement('test.where', 'SELECT current_schema() AS name');

const FILL = statement(
  'test.fill',
  `INSERT INTO item SELECT repeat('x', 300) || n FROM generate_series(1, 2000) n`,
);
const EMPTY = statement('test.empty', 'DELETE FROM item');
const SIZE = statement('test.size', `SELECT pg_total_relation_size('item')::int4 AS bytes`);

const services = suite('services on one PGlite');
const names = ['partner', 'tracking', 'Odd "Name"'];
const embedded = await openPGlite({ memory: true });
const opened = new Map<string, ServiceDatabase>();
const database = (name: string): ServiceDatabase => opened.get(name) as ServiceDatabase;
const read = async (name: string): Promise<string[]> =>
  (await database(name).query<{ name: string }>(READ, [])).map((row) => row.name);

services.before(async () => {
  for (const name of names) {
    opened.set(name, await embedded.schema(name));
    await database(name).transaction((tx) => tx.script('CREATE TABLE item (name text PRIMARY KEY)'));
  }
});
services.before.each(async () => {
  for (const name of names) await database(name).transaction((tx) => tx.script('TRUNCATE item'));
});
services.after(() => embedded.close());

services('have a schema each: tables of one name, and statements of one name, are their own', async () => {
  await Promise.all(
    Array.from({ length: 30 }, (_, i) => {
      const name = names[i % names.length] ?? '';
      const row = `${name} ${i}`;
      return i % 2 === 0
        ? database(name).query(INSERT, [row])
        : database(name).transaction((tx) => tx.write(INSERT, [row]));
    }),
  );
  for (const name of names) {
    const rows = await read(name);
    assert.is(rows.length, 10);
    assert.ok(rows.every((row) => row.startsWith(name)));
  }
});

services('find their own schema after a rollback, their own or another one', async () => {
  for (const name of [...names, ...names]) {
    await rejection(
      database(name).transaction(async (tx) => {
        void tx.write(INSERT, ['rolled back']);
        throw new Error('no');
      }),
    );
    await rejection(database(name).transaction((tx) => tx.write(FAIL, [0])));
    await rejection(database(name).query(FAIL, [0]));
    for (const other of names) {
      assert.is((await database(other).query(WHERE, []))[0].name, other);
      const [row] = await database(other).transaction((tx) => tx.query(WHERE, []));
      assert.is(row.name, other);
    }
  }
  for (const name of names) assert.equal(await read(name), []);
});

services(
  'find their own schema where a client was broken in the midst of a transaction, which is rolled back',
  async () => {
    const { pool } = database('partner');
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query("INSERT INTO item VALUES ('half done')");
    client.release(true);
    assert.equal(await read('tracking'), []);
    assert.equal(await read('partner'), []);
    await database('partner').query(INSERT, ['whole']);
    assert.equal(await read('partner'), ['whole']);
  },
);

services('keep what a session was told for one transaction out of the next', async () => {
  await database('partner').transaction((tx) => tx.script(`SET LOCAL search_path TO tracking`));
  assert.is((await database('partner').query(WHERE, []))[0].name, 'partner');
});

services('take turns, and a service that was closed ends none of the others', async () => {
  const extra = await embedded.schema('extra');
  await extra.close();
  assert.ok(isTransient(await rejection(extra.query(ONE, []))));
  await database('partner').health();
});

services('use the room of deleted rows again once it is vacuumed', async () => {
  const turnover = async (): Promise<number> => {
    await database('partner').query(FILL, []);
    await database('partner').query(EMPTY, []);
    return (await database('partner').query<{ bytes: number }>(SIZE, []))[0]?.bytes ?? 0;
  };
  const sizes: number[] = [];
  for (let i = 0; i < 4; i += 1) sizes.push(await turnover());
  const [first = 0, , , grown = 0] = sizes;
  assert.ok(grown > 1.5 * first, `without a vacuum the table grows: ${sizes.join(', ')}`);
  for (let i = 0; i < 6; i += 1) {
    await embedded.vacuum();
    assert.ok((await turnover()) <= grown);
  }
});

services('close together after the transactions under way', async () => {
  const own = await openPGlite({ memory: true });
  const one = await own.schema('one');
  let done = false;
  const work = one.transaction(async (tx) => {
    await tx.query(ONE, []);
    for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
    await tx.query(ONE, []);
    done = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  await own.close();
  await own.close();
  assert.ok(done);
  await work;
  assert.ok(isTransient(await rejection(one.query(ONE, []))));
});

services.run();

interface Writer {
  /** The rows whose commit was answered so far. */
  acknowledged(): number[];
  readonly opened: Promise<void>;
  /** @returns stderr */
  readonly ended: Promise<string>;
  kill(): Promise<void>;
}

const writers = new Set<ChildProcess>();
const startWriter = (dataDir: string): Writer => {
  const program = fileURLToPath(new URL('testing/pglite-writer.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program, dataDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  writers.add(child);
  let [stdout, stderr] = ['', ''];
  const ended = new Promise<string>((resolve) => {
    child.on('close', () => {
      writers.delete(child);
      resolve(stderr);
    });
  });
  const isOpen = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (text: Buffer) => {
      stdout += text.toString();
      if (stdout.startsWith('open\n')) resolve();
    });
    void ended.then(() => reject(new Error(`The writer ended: ${stderr}`)));
  });
  isOpen.catch(() => undefined); // not every test waits for it
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString();
  });
  return {
    // A line that was cut off was acknowledged too, but not which.
    acknowledged: () =>
      stdout
        .slice(0, stdout.lastIndexOf('\n') + 1)
        .split('\n')
        .slice(1, -1)
        .map(Number),
    opened: isOpen,
    ended,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
};

const folders = suite('a data folder of PGlite');
let root: string;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

folders.before.each(async () => {
  root = await mkdtemp(join(tmpdir(), 'cordada-pglite-'));
});
folders.after.each(async () => {
  for (const child of writers) child.kill('SIGKILL');
  await rm(root, { recursive: true, force: true });
});

folders('keeps what was committed, for the next start', async () => {
  const dataDir = join(root, 'deep', 'down');
  for (const expected of [[], ['kept']]) {
    const first = await openPGlite({ dataDir });
    const service = await first.schema('partner');
    await service.transaction((tx) => tx.script('CREATE TABLE IF NOT EXISTS item (name text PRIMARY KEY)'));
    assert.equal(
      (await service.query(READ, [])).map((row) => row.name),
      expected,
    );
    if (expected.length === 0) await service.query(INSERT, ['kept']);
    await service.close();
    await first.close();
  }
});

folders(
  'is refused to a second one, in this process or another, under any name, until the first has closed',
  async () => {
    const dataDir = join(root, 'data');
    const first = await openPGlite({ dataDir });
    await symlink(dataDir, join(root, 'alias'));
    for (const path of [dataDir, `${dataDir}/../data/`, join(root, 'alias')]) {
      const error = await rejection(openPGlite({ dataDir: path }));
      assert.instance(error, DataDirInUse);
      assert.is(
        error.message,
        `The data folder ${dataDir} is served by another process: stop that one first, or name another folder in DATA_DIR`,
      );
    }
    assert.match(
      await startWriter(dataDir).ended,
      /^DataDirInUse: The data folder .* is served by another process/,
    );
    await (await first.schema('partner')).health();
    await first.close();
    await (await openPGlite({ dataDir })).close();
  },
);

folders('that cannot be made or written is named', async () => {
  const file = join(root, 'file');
  await writeFile(file, '');
  for (const dataDir of [file, join(file, 'below')]) {
    assert.match(
      (await rejection(openPGlite({ dataDir }))).message,
      `The data folder ${dataDir} cannot be written`,
    );
  }
  assert.match((await rejection(openPGlite({ dataDir: '/proc/nowhere' }))).message, 'cannot be written');
});

folders(
  'loses no acknowledged row when its process is killed in the midst of writing, and opens again at once',
  async () => {
    const dataDir = join(root, 'data');
    const acknowledged: number[] = [];
    for (let kill = 0; kill < 6; kill += 1) {
      const writer = startWriter(dataDir);
      await writer.opened;
      while (writer.acknowledged().length === 0) await pause(5);
      await pause(97 * kill);
      assert.instance(await rejection(openPGlite({ dataDir })), DataDirInUse);
      await writer.kill();
      acknowledged.push(...writer.acknowledged());
    }
    const last = await openPGlite({ dataDir });
    const service = await last.schema('writer');
    const all = statement('test.all', 'SELECT n, length(filler) AS length FROM written ORDER BY n');
    const rows = await service.query<{ n: number; length: number }>(all, []);
    const kept = new Set(rows.map((row) => row.n));
    assert.equal(
      acknowledged.filter((n) => !kept.has(n)),
      [],
    );
    // Nothing half done either: each row has what the second statement of its transaction wrote.
    for (const { n, length } of rows) assert.is(length, (n * 37) % 3_000);
    // Each killed process leaves at most one commit whose answer it had no time to write down.
    assert.ok(rows.length - acknowledged.length <= 6);
    await last.close();
  },
);

folders('whose making was killed, whenever, is made anew by the next start', async () => {
  for (const ms of [0, 50, 150, 300, 600]) {
    const dataDir = join(root, `killed after ${ms}`);
    const writer = startWriter(dataDir);
    while (!existsSync(join(dataDir, 'pglite.unfinished'))) await pause(2);
    await pause(ms);
    await writer.kill();
    const next = await openPGlite({ dataDir });
    await (await next.schema('partner')).health();
    await next.close();
    assert.equal(await readdir(dataDir), ['pglite']);
  }
});

folders('that was half made is made anew; one that is whole is never', async () => {
  const dataDir = join(root, 'data');
  await mkdir(join(dataDir, 'pglite', 'base'), { recursive: true });
  await writeFile(join(dataDir, 'pglite', 'PG_VERSION'), '18\n');
  const damaged = await rejection(openPGlite({ dataDir }));
  assert.not(damaged instanceof DataDirInUse);
  assert.ok(existsSync(join(dataDir, 'pglite', 'PG_VERSION')));
  await writeFile(join(dataDir, 'pglite.unfinished'), '');
  const made = await openPGlite({ dataDir });
  await (await made.schema('partner')).health();
  await made.close();
});

folders.run();
