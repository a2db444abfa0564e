// time limit: 600 s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemRuntime } from '../../system-runtime.ts';
import { startSecuredPulsar } from '../../testing/pulsar.ts';
import type { Bus } from '../bus.ts';
import type { Manifest } from '../manifest.ts';
import { brokerConformance } from '../testing/broker-conformance.ts';
import { eventually, Layout, Recorder, statuses } from '../testing/observation.ts';
import { pulsarAdmin } from './admin.ts';
import type { NativeAccess, NativeSchema } from './native/client.ts';
import { nativeBus } from './native.ts';
import { nativeMissing } from './testing/native-missing.ts';
import { testTenant } from './testing/test-tenant.ts';
import { topicName } from './topic-name.ts';

const tenant = 'cordada';
if (nativeMissing) console.log(`skipped: ${nativeMissing}`);
const broker = nativeMissing === undefined ? await startSecuredPulsar() : undefined;
const test = suite('native bus, and a broker that asks who is there');

if (!broker) test.skip('needs the native client and a broker');
else {
  const { security } = broker;
  const { token, trustCerts, cert, key } = security;
  const admin = pulsarAdmin({ url: broker.adminUrl, fetch, token });

  const { provision, backlogs, unacknowledged } = testTenant(admin, tenant);

  const open = (
    manifest: Manifest,
    access: NativeAccess,
    schemaOf?: (topic: string) => NativeSchema,
  ): Promise<Bus> =>
    nativeBus({
      access,
      tenant,
      manifest,
      runtime: systemRuntime(),
      backlogs,
      ...(schemaOf && { schemaOf }),
    });

  const suites = brokerConformance('native', {
    provision,
    connect: (manifest) => open(manifest, { url: security.serviceUrl, token, trustCerts }),
    kill: () => broker.kill(),
    restart: () => broker.restart(),
    pause: () => broker.pause(),
    resume: () => broker.resume(),
    unacknowledged,
  });

  const known: Record<string, NativeAccess> = {
    'a token, over TLS': { url: security.serviceUrl, token, trustCerts },
    'a client certificate': { url: security.serviceUrl, certificate: { cert, key }, trustCerts },
    'a token, without TLS': { url: broker.serviceUrl, token },
  };
  for (const [name, access] of Object.entries(known)) {
    test(`${name} lets publish, consume and watch`, async () => {
      const layout = new Layout();
      await provision(layout.manifest);
      const bus = await open(layout.manifest, access);
      const recorder = new Recorder();
      await bus.subscribe(layout.options(), recorder.handler());
      await bus.subscribe(
        { ...layout.options('each-replica'), topics: [layout.unheard] },
        recorder.handler(),
      );
      const published = await bus.publish([
        layout.message(layout.first, 'a', '1'),
        layout.message(layout.unheard, 'b', '2'),
      ]);
      assert.equal(statuses(published), ['durable', 'durable']);
      await eventually('both arrive', () => recorder.handled.length === 2);
      await bus.health();
      await bus.close();
    });
  }

  const unknown: Record<string, NativeAccess> = {
    'whoever has no token': { url: security.serviceUrl, trustCerts },
    'a token that is not of this broker': { url: security.serviceUrl, token: 'x.y.z', trustCerts },
    'a token that nothing is granted to': {
      url: security.serviceUrl,
      token: security.tokenOf('stranger'),
      trustCerts,
    },
    'who does not trust the authority of the broker': { url: security.serviceUrl, token },
  };
  for (const [name, access] of Object.entries(unknown)) {
    test(`${name} publishes nothing, and is told that it cannot`, async () => {
      const layout = new Layout();
      await provision(layout.manifest);
      const bus = await open(layout.manifest, access);
      const [outcome] = await bus.publish([layout.message(layout.first, 'a', '1')]);
      assert.is(outcome?.status, 'retryable');
      const told = await bus.health().then(
        () => '',
        (error: Error) => error.message,
      );
      assert.match(told, /Auth|Connect|cannot be used|Lookup|does not answer/);
      await bus.close();
    });
  }

  test('a producer shows its contract to the registry, which lets no other schema in', async () => {
    const layout = new Layout();
    await provision(layout.manifest);
    const record = (field: string, type: string): string =>
      JSON.stringify({ type: 'record', name: 'Cosa', fields: [{ name: field, type }] });
    await admin.registerSchema(topicName(tenant, layout.first), record('a', 'string'));
    const schemaOf = (schema: string) => (): NativeSchema => ({ schemaType: 'Avro', name: 'Cosa', schema });
    const access = { url: broker.serviceUrl, token };
    const message = layout.message(layout.first, 'k', '1');

    const right = await open(layout.manifest, access, schemaOf(record('a', 'string')));
    assert.equal(statuses(await right.publish([message])), ['durable']);
    await right.close();

    const wrong = await open(layout.manifest, access, schemaOf(record('a', 'int')));
    const [outcome] = await wrong.publish([message]);
    assert.is(outcome?.status, 'retryable');
    assert.match(outcome?.status === 'retryable' ? outcome.reason : '', /IncompatibleSchema/);
    await wrong.close();
  });

  // while only the transport's own timers are pending, which let a process end
  const alive = setInterval(() => undefined, 1_000);
  test.after(() => clearInterval(alive));
  suites.run();
}

test.run();
