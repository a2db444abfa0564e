// time limit: 300 s
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { portOf, serviceNames } from '@cordada/infra/config/services.ts';
import { freePortBase } from '@cordada/infra/deploy/free-port.ts';
import { startOwnPostgres } from '@cordada/infra/testing/postgres.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { killLeftovers, startCommand, startProduct, temporaryFolder } from './product-process.ts';

const all = serviceNames.map(() => 200);

const test = suite<{ folder: string; remove(): Promise<void>; base: number }>('npm start', {
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

/** The status of `/health` at the port of each service; undefined where nothing listens. */
const healths = (base: number, host = '127.0.0.1'): Promise<(number | undefined)[]> =>
  Promise.all(
    serviceNames.map(async (name) => {
      try {
        return (await fetch(`http://${host}:${portOf({ PORT_BASE: base }, name, 0)}/health`)).status;
      } catch {
        return undefined; // nothing listens there
      }
    }),
  );

test('ends with a card of addresses, docs, data, what is open, and a curl that works', async ({
  folder,
  base,
}) => {
  const product = startProduct({ PORT_BASE: String(base), DATA_DIR: folder });
  await product.up();
  assert.equal(await healths(base), all);
  const card = product.stdout().slice(product.stdout().indexOf('Cordada is up'));
  for (const name of serviceNames) {
    assert.match(
      card,
      new RegExp(`${name} +http://127\\.0\\.0\\.1:${portOf({ PORT_BASE: base }, name, 0)}\n`),
    );
  }
  assert.match(card, `http://127.0.0.1:${base}/docs`);
  assert.match(card, folder);
  assert.match(card, 'AUTH=demo: whoever reaches 127.0.0.1');
  assert.match(product.stdout(), /migrated the databases .* in \d+\.\d s/);

  const curl = card.split('\n').find((line) => line.includes('curl -i')) ?? '';
  const tried = startCommand(['sh', '-c', curl.slice(curl.indexOf('curl'))], {});
  assert.is((await tried.exit).code, 0);
  assert.match(tried.stdout(), /^HTTP\/1\.1 20[02] /);

  product.kill('SIGTERM');
  assert.equal(await product.exit, { code: 0, signal: null });
});

test('listens on 127.0.0.1 only, unless HOST says otherwise', async ({ folder, base }) => {
  const others = Object.values(networkInterfaces())
    .flat()
    .filter((address) => address !== undefined && !address.internal && address.family === 'IPv4')
    .map((address) => address?.address ?? '');
  const product = startProduct({ PORT_BASE: String(base), DATA_DIR: folder });
  await product.up();
  for (const host of others)
    assert.equal(
      await healths(base, host),
      serviceNames.map(() => undefined),
    );
  product.kill('SIGTERM');
  await product.exit;

  const everywhere = startProduct({ PORT_BASE: String(base), DATA_DIR: folder, HOST: '0.0.0.0' });
  await everywhere.up();
  for (const host of others) assert.equal(await healths(base, host), all);
  everywhere.kill('SIGTERM');
  assert.is((await everywhere.exit).code, 0);
});

test('a SIGTERM that npm gets drains and ends with 0', async ({ folder, base }) => {
  const npm = startCommand(['npm', 'start'], { PORT_BASE: String(base), DATA_DIR: folder });
  await npm.up();
  npm.kill('SIGTERM');
  assert.equal(await npm.exit, { code: 0, signal: null });
  assert.equal(
    await healths(base),
    serviceNames.map(() => undefined),
  );
});

/** A client that announces a body and never sends it: what a stop has to wait for. */
const hangingRequest = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined); // it is cut off in the end
  socket.write(
    'PUT /api/marcas/m/tracking HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n',
  );
  await wait(200);
  return socket;
};

test('a Ctrl-C that arrives twice, from the terminal and from npm, drains and ends with 0', async ({
  folder,
  base,
}) => {
  const product = startProduct({ PORT_BASE: String(base), DATA_DIR: folder });
  await product.up();
  const socket = await hangingRequest(base);
  product.kill('SIGINT');
  await wait(50);
  product.kill('SIGINT');
  await wait(500);
  assert.is(product.child.exitCode, null, 'it did not drain');
  socket.destroy();
  assert.equal(await product.exit, { code: 0, signal: null });
});

test('a second signal ends it at once, with 1', async ({ folder, base }) => {
  const product = startProduct({ PORT_BASE: String(base), DATA_DIR: folder });
  await product.up();
  const socket = await hangingRequest(base);
  product.kill('SIGTERM');
  await wait(600);
  const began = performance.now();
  product.kill('SIGTERM');
  assert.equal(await product.exit, { code: 1, signal: null });
  assert.ok(performance.now() - began < 500);
  socket.destroy();
});

test('a client that never ends its request holds a stop back for 8 s, and does not spoil its code', async ({
  folder,
  base,
}) => {
  const product = startProduct({ PORT_BASE: String(base), DATA_DIR: folder });
  await product.up();
  const socket = await hangingRequest(base);
  product.kill('SIGTERM');
  assert.equal(await product.exit, { code: 0, signal: null }, product.stderr());
  socket.destroy();
});

/** Milliseconds of one tick in which the kernel counts what a process has used. */
const TICK_MS = 10;

/** Waits until a process has used `ms` milliseconds of the CPU: how far it has come, whatever else the machine does. */
const hasUsed = async (pid: number | undefined, ms: number): Promise<void> => {
  for (;;) {
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
    if ((Number(fields[11]) + Number(fields[12])) * TICK_MS >= ms) return;
    await wait(TICK_MS);
  }
};

test('a signal at any moment of the start ends it with 0, and the next start is whole', async ({
  folder,
  base,
}) => {
  const settings = { PORT_BASE: String(base), DATA_DIR: folder };
  // Until Node has read the first file of ours, after less than the first of these, a signal ends it as any process.
  for (const ms of [300, 600, 900, 1_200, 1_600]) {
    const product = startProduct(settings);
    await hasUsed(product.child.pid, ms);
    product.kill('SIGTERM');
    assert.equal(await product.exit, { code: 0, signal: null }, `after ${ms} ms: ${product.stderr()}`);
  }
  const product = startProduct(settings);
  await product.up();
  assert.equal(await healths(base), all);
  product.kill('SIGTERM');
  assert.is((await product.exit).code, 0);
});

const postgres = await startOwnPostgres();
if (postgres === undefined) test.skip('with DATABASE_URL uses Postgres, one database a service');
else {
  test('with DATABASE_URL uses Postgres, one database a service, made where missing', async ({
    folder,
    base,
  }) => {
    const settings = { PORT_BASE: String(base), DATA_DIR: folder, DATABASE_URL: postgres.url };
    for (const said of ['migrated the databases', 'found the databases up to date']) {
      const product = startProduct(settings);
      await product.up();
      assert.equal(await healths(base), all);
      assert.match(product.stdout(), said);
      assert.match(product.stdout(), 'cordada_campaign, cordada_partner, cordada_tracking');
      product.kill('SIGTERM');
      assert.is((await product.exit).code, 0);
    }
    assert.not(existsSync(folder));
  });
  test.after(() => postgres.stop());
}

test.run();
