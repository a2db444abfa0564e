// time limit: 300 s
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startOwnPulsar } from '../testing/pulsar.ts';

const test = suite('npm run provision');
const own = await startOwnPulsar();
const program = fileURLToPath(new URL('provision.ts', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const provision = (args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program, ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (text: Buffer) => (out += text.toString()));
    child.stderr.on('data', (text: Buffer) => (err += text.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });

test('what it cannot start with is one line, and exit code 1', async () => {
  const none = await provision([], {});
  assert.is(none.code, 1);
  assert.match(none.err, /^✘ BUS_URL does not name a broker: .+\n$/);
  const flag = await provision(['--dry'], { BUS_URL: 'pulsar://127.0.0.1:1' });
  assert.is(flag.code, 1);
  assert.match(flag.err, /^✘ .*--dry.*\n$/);
  const away = await provision([], {
    BUS_URL: 'pulsar://127.0.0.1:1',
    PULSAR_ADMIN_URL: 'http://127.0.0.1:1',
  });
  assert.is(away.code, 1);
  assert.match(away.err, /^✘ Pulsar's admin REST, GET \/tenants: .*127\.0\.0\.1:1\n$/);
});

if (own === undefined) test.skip('no broker');
else {
  const env = { BUS_URL: own.serviceUrl, PULSAR_ADMIN_URL: own.adminUrl, PULSAR_PARTITIONS: '2' };

  test('--check tells the difference, changes nothing and ends with 1 until there is none', async () => {
    const before = await provision(['--check'], env);
    assert.is(before.code, 1, before.err);
    assert.match(before.out, /^\+ tenant cordada\n/);
    assert.match(before.out, /\n✘ \d+ differences\n$/);
    assert.is((await provision(['--check'], env)).out, before.out, 'the check changed something');

    const made = await provision([], env);
    assert.is(made.code, 0, made.err);
    assert.match(made.out, /^\+ tenant cordada\n[\s\S]*\n✔ \d+ changes made\n$/);
    const again = await provision([], env);
    assert.equal([again.code, again.out], [0, '✔ nothing to do\n']);
    const checked = await provision(['--check'], env);
    assert.equal([checked.code, checked.out], [0, '✔ the broker has all that is declared\n']);
  });

  test('WebSocket producers carry no schema: their address, or the flag, leaves the enforcement off', async () => {
    const wanted = /policy schemaValidationEnforced of cordada\/campaign: true → false/;
    const webSocket = { ...env, BUS_URL: own.wsUrl.replace('ws:', 'pulsar+ws:') };
    assert.match((await provision(['--check'], webSocket)).out, wanted);
    assert.match((await provision(['--check', '--no-schema-enforcement'], env)).out, wanted);
  });

  test('a changed number of partitions ends with 1 and the reason', async () => {
    for (const args of [[], ['--check']]) {
      const { code, out, err } = await provision(args, { ...env, PULSAR_PARTITIONS: '3' });
      assert.is(code, 1);
      assert.match(out + err, /✘ topic persistent:\S+ has 2 partitions, not 3: their number is fixed/);
    }
  });

  test.after(() => own.stop());
}

test.run();
