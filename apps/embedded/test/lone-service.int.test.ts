// time limit: 300 s
import { createServer, type Server } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { serviceNames } from '@cordada/infra/config/services.ts';
import { freePortBase } from '@cordada/infra/deploy/free-port.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Environment, killLeftovers, type ProductProcess, startCommand } from './product-process.ts';

const test = suite('npm run service');

const secret = 'a secret of tests, long enough for anyone';
/** Nothing listens there. */
const away = {
  BUS_URL: 'pulsar+ws://127.0.0.1:1',
  DATABASE_URL: 'postgres://postgres@127.0.0.1:1',
  SERVICE_TOKEN_SECRET: secret,
};

const start = (args: readonly string[], settings: Environment): ProductProcess =>
  startCommand(
    [process.execPath, 'apps/embedded/launch.mjs', '--service', 'apps/embedded/src/lone-service.ts', ...args],
    settings,
  );

/** What it says as it refuses to start. */
const refusal = async (args: readonly string[], settings: Environment): Promise<string[]> => {
  const lone = start(args, settings);
  const { code } = await lone.exit;
  assert.is(code, 1, `${lone.stdout()}\n${lone.stderr()}`);
  assert.not.match(lone.stderr(), /^ +at /m);
  return lone.stderr().trimEnd().split('\n');
};

const occupy = (port: number): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });

/** What `/ready` answers, once the process listens. */
const ready = async (port: number): Promise<{ status: number; checks: Record<string, string> }> => {
  for (let tries = 0; tries < 600; tries += 1) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/ready`);
      const { checks } = (await answer.json()) as { checks: Record<string, string> };
      if (checks.bus !== 'not asked yet' && checks.database !== 'not asked yet')
        return { status: answer.status, checks };
    } catch {
      // nothing listens there yet
    }
    await wait(100);
  }
  throw new Error('it never listened');
};

test.after.each(killLeftovers);

test('refuses a name that is none, or no name, and says which there are', async () => {
  assert.equal(await refusal(['campañas'], away), [
    `✘ There is no service campañas: npm run service ${serviceNames.join('|')}`,
  ]);
  assert.equal(await refusal([], away), [`✘ Which service? npm run service ${serviceNames.join('|')}`]);
  const [line = ''] = await refusal(['partner', '--replica=1'], away);
  assert.match(line, /^✘ Unknown argument --replica=1: settings are variables/);
});

test('refuses the memory bus, which joins the services of one process only', async () => {
  const lines = await refusal(['partner'], { ...away, BUS_URL: null });
  assert.is(lines.length, 1);
  assert.match(lines[0] ?? '', /^✘ BUS_URL is memory:, a bus that joins the services of one process only/);
});

test('says every setting that is missing, a line each', async () => {
  const lines = await refusal(['tracking'], {});
  assert.is(lines.length, 3);
  assert.match(lines[1] ?? '', /^DATABASE_URL is not set: tracking by itself needs a Postgres server/);
  assert.match(lines[2] ?? '', /^SERVICE_TOKEN_SECRET is not set/);
});

test('refuses a port that is in use: that of its place, its replica, or PORT', async () => {
  const base = await freePortBase(2);
  for (const [port, settings] of [
    [base + 102, { PORT_BASE: String(base), REPLICA: '1' }],
    [base + 1, { PORT: String(base + 1) }],
  ] as const) {
    const occupied = await occupy(port);
    const lines = await refusal(['partner'], { ...away, ...settings });
    assert.is(lines.length, 1);
    assert.match(lines[0] ?? '', `✘ 127.0.0.1:${port} is in use; choose another with PORT`);
    await new Promise((resolve) => occupied.close(resolve));
  }
});

test('waits for a database and a broker that are away: /ready says why, nothing is taken, and a signal ends it', async () => {
  const base = await freePortBase();
  const lone = start(['campaign'], { ...away, PORT_BASE: String(base) });
  const { status, checks } = await ready(base + 1);
  assert.is(status, 503);
  assert.match(
    checks.database ?? '',
    /^Postgres at 127\.0\.0\.1:1 \(DATABASE_URL\) cannot be used: .*ECONNREFUSED/,
  );
  assert.ok((checks.bus ?? 'ok') !== 'ok' && !checks.bus?.includes('\n'), checks.bus);
  assert.is(checks.started, 'starting');
  assert.is((await fetch(`http://127.0.0.1:${base + 1}/health`)).status, 503);
  const taken = await fetch(`http://127.0.0.1:${base + 1}/sagas`, { method: 'POST', body: 'anything' });
  assert.is(taken.status, 503);
  assert.is(taken.headers.get('retry-after'), '1');
  assert.is(((await taken.json()) as { errors: { code: string }[] }).errors[0]?.code, 'ARRANCANDO');
  await wait(3_000);
  assert.is(lone.child.exitCode, null, 'it is no crash loop');
  const told = lone
    .stdout()
    .split('\n')
    .filter((line) => /"need":"database"/.test(line));
  assert.is(told.length, 1, 'a reason that stays is told once');
  lone.kill('SIGTERM');
  assert.equal(await lone.exit, { code: 0, signal: null });
});

test.run();
