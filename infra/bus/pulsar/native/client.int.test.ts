import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nativeMissing } from '../testing/native-missing.ts';
import { loadNativeClients } from './client.ts';

if (nativeMissing !== undefined) console.log(`skipped: ${nativeMissing}`);
const test = suite('native clients');

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const closed = async (): Promise<WeakRef<object>> => {
  // nobody listens there: a client connects when it is asked for something
  const client = (await loadNativeClients({ url: 'pulsar://127.0.0.1:1' })).open();
  await client.close();
  return new WeakRef(client);
};

(nativeMissing === undefined ? test : test.skip)(
  'the first of a process is never collected: what any other logs reads the memory of the first',
  async () => {
    const first = await closed();
    const second = await closed();
    for (let turns = 0; turns < 10; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
    }
    assert.ok(first.deref(), 'the first is kept');
    assert.not(second.deref(), 'others are not');
  },
);

test.run();
