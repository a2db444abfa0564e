// time limit: 300 s
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { services } from './generate.ts';
import { schemaDifference } from './schema-difference.ts';

const apps = fileURLToPath(new URL('../../../apps', import.meta.url));
const test = suite('a Prisma schema and its migrations');

test('belong to three services at least', () => {
  for (const service of ['campaign', 'partner', 'tracking'])
    assert.ok(services(apps).includes(service), service);
});

for (const service of services(apps)) {
  test(`agree in ${service}`, async () => {
    assert.is(await schemaDifference(join(apps, service, 'prisma')), '');
  });
}

test('differ where a column is in the schema alone: the difference is the SQL of the next migration', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cordada-prisma-'));
  try {
    await cp(join(apps, 'partner', 'prisma'), folder, { recursive: true });
    const schema = join(folder, 'schema.prisma');
    const text = await readFile(schema, 'utf8');
    await writeFile(schema, text.replace('model Partner {', 'model Partner {\n  alias String?'));
    const sql = await schemaDifference(folder);
    assert.match(sql, /ALTER TABLE "partner" ADD COLUMN\s+"alias" TEXT/);
    await mkdir(join(folder, 'migrations', '99990101000000_alias'));
    await writeFile(join(folder, 'migrations', '99990101000000_alias', 'migration.sql'), sql);
    assert.is(await schemaDifference(folder), '');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('differ where a migration made what the schema does not have', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cordada-prisma-'));
  try {
    await cp(join(apps, 'tracking', 'prisma'), folder, { recursive: true });
    const extra = join(folder, 'migrations', '99990101000000_extra');
    await mkdir(extra);
    await writeFile(join(extra, 'migration.sql'), 'CREATE TABLE extra (id int4 PRIMARY KEY)');
    assert.match(await schemaDifference(folder), 'DROP TABLE "extra"');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
