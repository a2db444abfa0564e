import { writeSync } from 'node:fs';
import { array } from '../array.ts';
import { statement } from '../database.ts';
import { openPGlite } from '../pglite.ts';

/**
 * A process that writes to the PGlite in the folder that it is given until it is killed. On stdout: `open`, then the
 * number of each row whose commit was answered. A refusal goes to stderr as one line, exit code 1.
 */
const [dataDir = ''] = process.argv.slice(2);
const CREATE = 'CREATE TABLE IF NOT EXISTS written (n int4 PRIMARY KEY, filler text NOT NULL)';
const LAST = statement('test.last', 'SELECT coalesce(max(n), 0) AS n FROM written');
const INSERT = statement('test.write', 'INSERT INTO written SELECT n, $2 FROM unnest($1::int4[]) AS n');
const AGAIN = statement('test.again', 'UPDATE written SET filler = $2 WHERE n = $1');

try {
  const embedded = await openPGlite({ dataDir });
  const database = await embedded.schema('writer');
  await database.transaction((tx) => tx.script(CREATE));
  const [row] = await database.query<{ n: number }>(LAST, []);
  writeSync(1, 'open\n');
  for (let n = (row?.n ?? 0) + 1; ; n += 1) {
    await database.transaction(async (tx) => {
      void tx.write(INSERT, [array('int4', [n]), '']);
      void tx.write(AGAIN, [n, 'x'.repeat((n * 37) % 3_000)]);
    });
    writeSync(1, `${n}\n`);
  }
} catch (error) {
  writeSync(2, `${(error as Error).name}: ${(error as Error).message}\n`);
  process.exit(1);
}
