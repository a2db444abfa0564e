import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BusMessage, Settled } from '../bus/bus.ts';
import { createRegistry } from '../telemetry/metrics.ts';
import { countedBus } from './counted-bus.ts';

const test = suite('counted bus');

test('each message is counted once, by how it ended, however often that is asked for', async () => {
  const registry = createRegistry('campaign');
  const outcomes: Settled[] = [
    { status: 'durable' },
    { status: 'durable' },
    { status: 'retryable', reason: 'the bus is full' },
  ];
  const bus = countedBus({ publish: async () => outcomes }, registry);
  const counts = async (): Promise<number[]> => {
    const [metric] = await registry.getMetricsAsJSON();
    return metric?.values.map(({ value }) => value) ?? [];
  };
  assert.equal(await counts(), [0, 0, 0], 'a rate needs a first value to rise from');
  const message: BusMessage = { topic: 't', key: 'k', payload: new Uint8Array(), properties: {} };
  assert.is(await bus.publish([message, message, message]), outcomes);
  assert.equal(await counts(), [2, 1, 0]);
  await bus.publish([message, message, message]);
  await counts();
  assert.equal(await counts(), [4, 2, 0]);
});

test.run();
