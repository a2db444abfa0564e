import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('quick ticks');

const module = new URL('../quick-ticks.mjs', import.meta.url);

test('a tick of the shape that all ticks have outlives the collections of the process', async () => {
  const program = `
    import { executionAsyncResource } from 'node:async_hooks';
    import * as ticks from '${module}';
    const kept = new WeakRef(ticks.kept);
    for (let i = 0; i < 6; i += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      gc();
    }
    const same = await new Promise((resolve) =>
      process.nextTick(() => resolve(%HaveSameMap(executionAsyncResource(), kept.deref() ?? {}))),
    );
    console.log(JSON.stringify({ lives: kept.deref() !== undefined, same }));`;
  const flags = ['--expose-gc', '--allow-natives-syntax', '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, flags, {
    cwd: fileURLToPath(new URL('.', module)),
  });
  assert.equal(JSON.parse(stdout), { lives: true, same: true });
});

test.run();
