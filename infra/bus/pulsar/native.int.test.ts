// time limit: 300 s
import { suite } from 'uvu';
import { systemRuntime } from '../../system-runtime.ts';
import { startTestPulsar } from '../../testing/pulsar.ts';
import { busConformance } from '../testing/conformance.ts';
import { pulsarAdmin } from './admin.ts';
import { nativeBus } from './native.ts';
import { nativeMissing } from './testing/native-missing.ts';
import { testTenant } from './testing/test-tenant.ts';

const tenant = 'cordada';
const broker = nativeMissing === undefined ? await startTestPulsar() : undefined;

if (!broker) {
  if (nativeMissing) console.log(`skipped: ${nativeMissing}`);
  const test = suite('native bus');
  test.skip('needs the native client and a broker');
  test.run();
} else {
  const { provision, backlogs } = testTenant(pulsarAdmin({ url: broker.adminUrl, fetch }), tenant);
  const conformance = busConformance('native', async (manifest) => {
    await provision(manifest);
    return {
      connect: () =>
        nativeBus({
          access: { url: broker.serviceUrl },
          tenant,
          manifest,
          runtime: systemRuntime(),
          backlogs,
        }),
      close: async () => {},
    };
  });
  conformance.run();
}
