import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNativeClients, NativeClientMissing } from './client.ts';

// nobody listens there: a client connects when it is asked for something
const loading = loadNativeClients({ url: 'pulsar://127.0.0.1:1' });
const missing = await loading.then(
  () => undefined,
  (error: Error) => {
    if (error instanceof NativeClientMissing) return error.message;
    throw error;
  },
);
if (missing !== undefined) console.log(`skipped: ${missing}`);
const test = suite('native clients');

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const closed = async (): Promise<WeakRef<object>> => {
  const client = (await loading).open();
  await client.close();
  return new WeakRef(client);
};

(missing === undefined ? test : test.skip)(
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
