import * as assert from 'uvu/assert';
import { memoryCache } from './memory-cache.ts';
import { cacheConformance } from './testing/conformance.ts';
import { Desk } from './testing/desk.ts';

const test = cacheConformance('memory', async () => memoryCache);

test('a clock that goes back makes nothing young again', async () => {
  const desk = new Desk(memoryCache);
  const { id } = desk.warehouse.add();
  await desk.read(id);
  desk.clock.aheadMs = -5_000;
  assert.is(await desk.read(id), 'MISS 10');
  desk.close();
});

test('a database that was put back is believed, after it was asked again', async () => {
  const desk = new Desk(memoryCache);
  const { id } = desk.warehouse.add();
  await desk.hear({ ...desk.warehouse.change(id), version: 9 });
  assert.is(await desk.read(id), 'MISS 11');
  assert.is(desk.warehouse.reads.length, 5);
  assert.is(await desk.read(id), 'HIT 11');
  desk.close();
});

test.run();
