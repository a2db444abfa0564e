// time limit: 400 s
import { suite } from 'uvu';
import { systemRuntime } from '../../system-runtime.ts';
import { startTestPulsar } from '../../testing/pulsar.ts';
import { busConformance } from '../testing/conformance.ts';
import { pulsarAdmin } from './admin.ts';
import { testTenant } from './testing/test-tenant.ts';
import { webSocketBus } from './websocket.ts';

/** Its own: no schema is enforced in its namespaces. */
const tenant = 'over-websocket';
const pulsar = await startTestPulsar();

if (pulsar === undefined) {
  const test = suite('bus conformance: Pulsar over WebSocket');
  test.skip('no broker');
  test.run();
} else {
  const { provision, backlogs } = testTenant(pulsarAdmin({ url: pulsar.adminUrl, fetch }), tenant);
  const conformance = busConformance('Pulsar over WebSocket', async (manifest) => {
    await provision(manifest);
    return {
      connect: async () =>
        webSocketBus({ url: pulsar.wsUrl, manifest, runtime: systemRuntime(), tenant, backlogs }),
      close: async () => {},
    };
  });
  conformance.run();
}
