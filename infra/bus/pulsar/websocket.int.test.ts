// time limit: 400 s
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import { systemRuntime } from '../../system-runtime.ts';
import { startTestPulsar } from '../../testing/pulsar.ts';
import { busConformance } from '../testing/conformance.ts';
import { pulsarAdmin } from './admin.ts';
import { provision } from './provision.ts';
import { topicName } from './topic-name.ts';
import { webSocketBus } from './websocket.ts';

/** Its own: no schema is enforced in its namespaces. */
const tenant = 'over-websocket';
const pulsar = await startTestPulsar();

if (pulsar === undefined) {
  const test = suite('bus conformance: Pulsar over WebSocket');
  test.skip('no broker');
  test.run();
} else {
  const admin = pulsarAdmin({ url: pulsar.adminUrl, fetch });
  const backlogs = {
    async of(topic: string, subscription: string) {
      const stats = await admin.stats(topicName(tenant, topic), true);
      const { backlog = 0, oldestUnacknowledgedAt: oldest } = stats?.subscriptions.get(subscription) ?? {};
      return { messages: backlog, ...(oldest !== undefined && { oldest }) };
    },
    health: () => admin.health(),
  };
  const conformance = busConformance('Pulsar over WebSocket', async (manifest) => {
    const schemas = { enforceSchemas: false, schemasOf: () => [] };
    await provision({ admin, manifest, tenant, partitions: 2, sleep, ...schemas });
    return {
      connect: async () =>
        webSocketBus({ url: pulsar.wsUrl, manifest, runtime: systemRuntime(), tenant, backlogs }),
      close: async () => {},
    };
  });
  conformance.run();
}
