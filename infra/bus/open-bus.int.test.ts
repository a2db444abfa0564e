// time limit: 180 s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSettings } from '../config/settings.ts';
import { systemRuntime } from '../system-runtime.ts';
import { startOwnPulsar } from '../testing/pulsar.ts';
import { manifest } from './manifest.ts';
import { openBus } from './open-bus.ts';
import { provision } from './pulsar/provision.ts';
import { productProvision } from './pulsar/provision-settings.ts';
import { nativeMissing } from './pulsar/testing/native-missing.ts';
import { eventually, statuses } from './testing/observation.ts';

const test = suite('open the bus on a provisioned broker');
if (nativeMissing) console.log(`skipped: ${nativeMissing}`);
const broker = nativeMissing === undefined ? await startOwnPulsar() : undefined;

if (!broker) test.skip('needs the native client and a broker');
else {
  const settings = readSettings({ BUS_URL: broker.serviceUrl, PULSAR_ADMIN_URL: broker.adminUrl });

  test('every topic of the product takes what shows its contract, where schemas are enforced', async () => {
    const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
    await provision(await productProvision(settings, pause));
    const bus = await openBus({ settings, manifest, runtime: systemRuntime() });
    const topics = [...manifest.topics.keys()];
    const outcomes = await bus.publish(
      topics.map((topic) => ({ topic, key: topic, properties: {}, payload: Buffer.from('x') })),
    );
    assert.equal(
      statuses(outcomes),
      topics.map(() => 'durable'),
    );
    for (const { name, topics } of manifest.subscriptions.values()) {
      const seen = new Set<string>();
      assert.is(await bus.lag(name), topics.length);
      assert.not(await bus.caughtUp(name, Date.now() + 60_000));
      await bus.subscribe(
        { topics, subscription: name, mode: 'shared-by-key', maxBatch: 10 },
        async (batch) => {
          for (const { topic } of batch) seen.add(topic);
        },
      );
      await eventually('all of it arrives', () => seen.size === topics.length);
      await eventually('it has caught up', () => bus.caughtUp(name, Date.now() + 60_000));
    }
    await bus.health();
    await bus.close();
  });

  test.after(() => broker.stop());
}

test.run();
