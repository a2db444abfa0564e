// time limit: 300 s
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { brokerPidFile, brokerTemporaryFolder } from '../deploy/pulsar/broker.ts';
import { startOwnPulsar, startSecuredPulsar } from './pulsar.ts';

const test = suite('test broker');
// A folder of this file's own, where its broker's is found.
const temporary = mkdtempSync(join(tmpdir(), 'cordada-test-'));
process.env.TMPDIR = temporary;
const own = await startOwnPulsar();

const brokerFolder = (): string => {
  const [name = ''] = readdirSync(temporary).filter((one) => one.startsWith('cordada-pulsar-'));
  return join(temporary, name);
};
/** The native libraries that the broker has unpacked, by where it has them from. */
const unpacked = (): { readonly there: readonly string[]; readonly mapped: readonly string[] } => {
  const folder = brokerFolder();
  const maps = readFileSync(`/proc/${readFileSync(brokerPidFile(folder), 'utf8').trim()}/maps`, 'utf8');
  const mapped = maps.match(/\/\S*(?:librocksdbjni|netty)\S*\.so\b/g) ?? [];
  const there = readdirSync(brokerTemporaryFolder(folder)).filter((name) => name.startsWith('librocksdbjni'));
  return { there, mapped: [...new Set(mapped)] };
};

const ask = async (url: string, init: RequestInit = {}): Promise<{ status: number; text: string }> => {
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(20_000) });
  return { status: answer.status, text: await answer.text() };
};

if (own === undefined) test.skip('no broker');
else {
  const topics = `${own.adminUrl}/admin/v2/persistent/public/default`;

  test('what a broker had is there again after its death and restart, at the same address', async () => {
    assert.is(
      (
        await ask(`${topics}/kept/partitions`, {
          method: 'PUT',
          body: '3',
          headers: { 'content-type': 'application/json' },
        })
      ).status,
      204,
    );
    await own.kill();
    let dead = false;
    try {
      await ask(own.adminUrl);
    } catch {
      dead = true;
    }
    assert.ok(dead, 'a killed broker still answers');
    await own.restart();
    assert.match((await ask(`${topics}/kept/partitions`)).text, /"partitions":3/);
  });

  test('a broker that was killed and started again has its native libraries once, among its own data', () => {
    const { there, mapped } = unpacked();
    assert.is(there.length, 1);
    assert.ok(mapped.length > 1, 'of RocksDB and Netty');
    for (const path of mapped) assert.ok(path.startsWith(brokerTemporaryFolder(brokerFolder())), path);
  });

  test('a paused broker answers nothing until it goes on', async () => {
    await own.pause();
    const answer = ask(`${topics}/kept/partitions`);
    const first = await Promise.race([answer, wait(500, 'nothing')]);
    await own.resume();
    assert.is(first, 'nothing');
    assert.is((await answer).status, 200);
  });

  test('a process that is killed leaves no broker and no data behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cordada-test-'));
    const program = `import { startOwnPulsar } from ${JSON.stringify(new URL('./pulsar.ts', import.meta.url).href)};
      const broker = await startOwnPulsar(); console.log(broker.adminUrl); setInterval(() => {}, 1000);`;
    const child = spawn(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', program],
      {
        env: { ...process.env, TMPDIR: folder },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const url = await new Promise<string>((resolve) => {
      let text = '';
      child.stdout.on('data', (data: Buffer) => {
        text += data.toString();
        const found = /^http:\S+$/m.exec(text)?.[0];
        if (found !== undefined) resolve(found);
      });
    });
    assert.is((await ask(`${url}/admin/v2/brokers/health`)).text, 'ok');
    child.kill('SIGKILL');
    const left = (): boolean => readdirSync(folder).some((name) => name.startsWith('cordada-pulsar-'));
    for (let n = 0; left() && n < 300; n += 1) await wait(100);
    assert.not.ok(left(), 'its data is still there');
    await ask(url).then(
      () => assert.unreachable('its broker still answers'),
      () => undefined,
    );
    rmSync(folder, { recursive: true });
  });

  test('a secured broker wants a token that it has signed', async () => {
    const secured = await startSecuredPulsar();
    if (secured === undefined) return assert.unreachable('no broker');
    try {
      const { security, adminUrl } = secured;
      for (const file of [security.trustCerts, security.cert, security.key]) assert.ok(existsSync(file));
      const tenants = `${adminUrl}/admin/v2/tenants`;
      const by = (token: string) => ask(tenants, { headers: { authorization: `Bearer ${token}` } });
      assert.is((await ask(tenants)).status, 401);
      assert.is((await by(`${security.token}x`)).status, 401);
      assert.is((await by(security.tokenOf('nobody'))).status, 401);
      assert.is((await by(security.token)).status, 200);
    } finally {
      await secured.stop();
    }
  });

  test.after(async () => {
    await own.stop();
    rmSync(temporary, { recursive: true });
  });
}

test.run();
