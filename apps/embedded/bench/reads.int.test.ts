import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { measureReads } from './reads.ts';

const test = suite('bench of reads');

test('a read at consultas is a miss the first time, and a hit from then on', async () => {
  const [bare, memory] = await measureReads({ kind: 'memory' }, 1, 20);
  assert.is(bare?.hits, 0);
  // Who asks while an item is on its way gets it with whoever asked first.
  assert.ok(memory && memory.hits > 0.5 && memory.hits <= 0.95, String(memory?.hits));
});

test.run();
