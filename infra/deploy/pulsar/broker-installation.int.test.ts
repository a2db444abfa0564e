import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ServerRefused } from '../server-refused.ts';
import { brokerInstallation } from './broker-installation.ts';
import { brokerVersion } from './broker-jars.ts';

const test = suite('the broker’s installation');
const path = process.env.PATH ?? '';
const cache = process.env.PULSAR_CACHE;
const installed = await brokerInstallation(path, { ...(cache ? { cache } : {}), say: console.log }).catch(
  (error: unknown) => {
    if (!(error instanceof ServerRefused)) throw error;
    console.log(`skipped: ${error.message}`);
    return undefined;
  },
);

if (installed === undefined) test.skip('no broker');
else
  test('where its classes cannot be prepared a broker can be started all the same, and a line says why', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cordada-installation-'));
    try {
      const ours = join(folder, `pulsar-${brokerVersion}`);
      mkdirSync(join(ours, 'classes.lock'), { recursive: true }); // where a file has to be
      symlinkSync(installed.jars, join(ours, 'lib'));
      const said: string[] = [];
      const found = await brokerInstallation(path, { cache: folder, say: (line) => said.push(line) });
      assert.equal(found, { java: installed.java, jars: join(ours, 'lib') });
      assert.is(said.length, 1);
      assert.match(said[0] ?? '', /^· not prepared, it starts slower: EISDIR/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

test.run();
