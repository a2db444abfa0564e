import { Histogram, type Registry } from 'prom-client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addDurations } from './durations.ts';
import { createRegistry } from './metrics.ts';

const test = suite('durations');

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const metric = { name: 'cordada_test_seconds', help: 'How long it took', labelNames: ['paso', 'fin'] };

/** As a registry shows it, the labels of each sample in one order. */
const shown = async (registry: Registry): Promise<string> =>
  (await registry.metrics()).replace(
    /\{(.*)\}/g,
    (_, labels: string) => `{${labels.match(/\w+="(?:[^"\\]|\\.)*"/g)?.sort()}}`,
  );

test('are shown as prom-client shows a histogram', async () => {
  const ours = createRegistry('cordada');
  const theirs = createRegistry('cordada');
  const durations = addDurations(ours, metric);
  const histogram = new Histogram({ ...metric, buckets: BUCKETS, registers: [theirs] });
  const observed = [0, 0.5, 1, 1.5, 2.5, 3, 10, 11, 999, 1_000, 59_999, 60_000, 60_001, 3_600_000];
  for (const [paso, fin] of [
    ['RegistrarPartner', 'hecho'],
    ['RegistrarPartner', 'rechazado'],
    ['con "comillas", \\ y\nlíneas', ''],
  ] as const)
    for (const ms of observed) {
      durations(paso, fin).observe(ms);
      histogram.observe({ paso, fin }, ms / 1000);
    }
  assert.is(await shown(ours), await shown(theirs));
});

test('of labels that have been found are the same ones', () => {
  const durations = addDurations(createRegistry('cordada'), metric);
  const found = durations('a', 'b');
  found.observe(3);
  assert.is(durations('a', 'b'), found);
  assert.is.not(durations('ab', ''), found);
  assert.is.not(durations('b', 'a'), found);
});

test('of one name are added once', () => {
  const registry = createRegistry('cordada');
  addDurations(registry, metric);
  assert.throws(() => addDurations(registry, metric), /already been registered/);
});

test.run();
