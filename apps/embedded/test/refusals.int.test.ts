// time limit: 300 s
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { statement } from '@cordada/infra/database/database.ts';
import { openPGlite } from '@cordada/infra/database/pglite.ts';
import { freePortBase } from '@cordada/infra/deploy/free-port.ts';
import { startOwnPostgres } from '@cordada/infra/testing/postgres.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Environment,
  killLeftovers,
  type ProductProcess,
  startCommand,
  startProduct,
  temporaryFolder,
} from './product-process.ts';

/**
 * The product refuses with one line on stderr, and nothing was started.
 * @returns the line
 */
const refusalOf = async (product: ProductProcess): Promise<string> => {
  const started = product.up().then(
    () => true,
    () => false,
  );
  assert.not(await started, 'it started');
  const { code } = await product.exit;
  assert.is(code, 1, `ended with ${code}:\n${product.stdout()}\n${product.stderr()}`);
  const lines = product
    .stderr()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('npm warn'));
  assert.is(lines.length, 1, `not one line:\n${product.stderr()}`);
  assert.not.match(product.stdout(), 'Cordada is up');
  return lines[0] ?? '';
};

const refused = async (settings: Environment, ...args: string[]): Promise<string> =>
  refusalOf(startProduct(settings, ...args));

const occupy = (port: number): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });

const test = suite<{ folder: string; remove(): Promise<void>; base: number }>('npm start refuses', {
  folder: '',
  remove: async () => {},
  base: 0,
});

test.before.each(async (context) => {
  const { path, remove } = await temporaryFolder();
  context.folder = join(path, 'data');
  context.remove = remove;
  context.base = await freePortBase();
});

test.after.each(async ({ remove }) => {
  killLeftovers();
  await remove();
});

test('a port in use, whichever of the four, before the data folder is made', async ({ folder, base }) => {
  for (const offset of [0, 3]) {
    const server = await occupy(base + offset);
    const line = await refused({ PORT_BASE: String(base), DATA_DIR: folder });
    server.close();
    assert.match(line, `127.0.0.1:${base + offset} is in use`);
    assert.match(line, 'PORT_BASE');
    assert.not(existsSync(folder));
  }
});

test('a data folder that cannot be written', async ({ folder, base }) => {
  await writeFile(folder, 'a file where a folder should be');
  const line = await refused({ PORT_BASE: String(base), DATA_DIR: folder });
  assert.match(line, folder);
  assert.match(line, 'cannot be written');
});

test('a data folder that another process serves, which goes on undisturbed', async ({ folder, base }) => {
  const first = startProduct({ PORT_BASE: String(base), DATA_DIR: folder });
  await first.up();
  const line = await refused({ PORT_BASE: String(await freePortBase()), DATA_DIR: folder });
  assert.match(line, 'served by another process');
  assert.is((await fetch(`http://127.0.0.1:${base}/health`)).status, 200);
  first.kill('SIGTERM');
  assert.is((await first.exit).code, 0);
});

test('a database that is newer than the code', async ({ folder, base }) => {
  const first = startProduct({ PORT_BASE: String(base), DATA_DIR: folder });
  await first.up();
  first.kill('SIGTERM');
  await first.exit;
  const embedded = await openPGlite({ dataDir: join(folder, 'pglite') });
  const database = await embedded.schema('partner');
  await database.query(
    statement(
      'test.newer',
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at)
       VALUES ('newer', 'x', '29990101000000_from_the_future', now())`,
    ),
    [],
  );
  await database.close();
  await embedded.close();
  const line = await refused({ PORT_BASE: String(base), DATA_DIR: folder });
  assert.match(line, 'newer than the code');
  assert.match(line, '29990101000000_from_the_future');
});

test('a setting that is out of range or not what it must be', async ({ folder, base }) => {
  const settings = { PORT_BASE: String(base), DATA_DIR: folder };
  assert.match(await refused({ ...settings, PORT_BASE: '70000' }), 'PORT_BASE=70000 must be a whole number');
  assert.match(await refused({ ...settings, AUTH: 'open' }), 'AUTH=open must be one of');
  assert.match(await refused({ ...settings, BUS_URL: 'kafka://x' }), 'BUS_URL=kafka://x must be');
  assert.not(existsSync(folder));
});

test('a variable that is one letter off a known name', async ({ folder, base }) => {
  const line = await refused({ PORT_BAS: String(base), DATA_DIR: folder });
  assert.match(line, 'PORT_BAS is not a setting: did you mean PORT_BASE?');
  assert.not(existsSync(folder));
});

test('a flag that it does not know', async ({ folder, base }) => {
  const line = await refused({ PORT_BASE: String(base), DATA_DIR: folder }, '--port=9000');
  assert.match(line, '--port=9000');
  assert.not(existsSync(folder));
});

test('a Node that is too old, by name and version', async ({ folder, base }) => {
  const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.4' } })`;
  const program = ['apps/embedded/launch.mjs', '--service', 'apps/embedded/src/main.ts'];
  const line = await refusalOf(
    startCommand([process.execPath, '--import', `data:text/javascript,${older}`, ...program], {
      PORT_BASE: String(base),
      DATA_DIR: folder,
    }),
  );
  assert.match(line, 'needs Node 20 or newer; this is Node 18.20.4');
  assert.not(existsSync(folder));
});

test('a Postgres that does not answer', async ({ base }) => {
  const nobody = await freePortBase();
  const line = await refused({ PORT_BASE: String(base), DATABASE_URL: `postgres://x@127.0.0.1:${nobody}` });
  assert.match(line, `Postgres at 127.0.0.1:${nobody} (DATABASE_URL) cannot be used`);
});

/** A server of its own: the product's databases have fixed names, and another suite may be using them. */
const postgres = await startOwnPostgres();
if (postgres === undefined) test.skip('a DATABASE_URL that another process serves');
else {
  test('a DATABASE_URL that another process serves, which goes on undisturbed', async ({ base }) => {
    const first = startProduct({ PORT_BASE: String(base), DATABASE_URL: postgres.url });
    await first.up();
    const line = await refused({ PORT_BASE: String(await freePortBase()), DATABASE_URL: postgres.url });
    assert.match(line, 'served by another process');
    assert.is((await fetch(`http://127.0.0.1:${base}/health`)).status, 200);
    first.kill('SIGTERM');
    assert.is((await first.exit).code, 0);
  });
  test.after(() => postgres.stop());
}

test.run();
