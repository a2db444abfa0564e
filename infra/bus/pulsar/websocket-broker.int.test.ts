// time limit: 600 s
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemRuntime } from '../../system-runtime.ts';
import { startSecuredPulsar } from '../../testing/pulsar.ts';
import type { Bus } from '../bus.ts';
import type { Manifest } from '../manifest.ts';
import { brokerConformance } from '../testing/broker-conformance.ts';
import { eventually, Layout, Recorder, statuses } from '../testing/observation.ts';
import { pulsarAdmin } from './admin.ts';
import { testTenant } from './testing/test-tenant.ts';
import { type WebSocketBusOptions, webSocketBus } from './websocket.ts';

const tenant = 'cordada';
const test = suite('Pulsar over WebSocket, and a broker that asks who is there');
const pulsar = await startSecuredPulsar();

if (pulsar === undefined) test.skip('no broker');
else {
  const { security } = pulsar;
  const ca = readFileSync(security.trustCerts);
  const cert = readFileSync(security.cert);
  const key = readFileSync(security.key);

  const { provision, backlogs, unacknowledged } = testTenant(
    pulsarAdmin({ url: pulsar.adminUrl, fetch, token: security.token }),
    tenant,
  );
  const provisioned = async (): Promise<Layout> => {
    const layout = new Layout();
    await provision(layout.manifest);
    return layout;
  };

  const buses: Bus[] = [];
  const connect = (manifest: Manifest, options: Partial<WebSocketBusOptions>): Bus =>
    webSocketBus({
      url: security.wsUrl,
      manifest,
      runtime: systemRuntime(),
      tenant,
      backlogs,
      ...options,
    });
  const open = (layout: Layout, options: Partial<WebSocketBusOptions>): Bus => {
    const bus = connect(layout.manifest, options);
    buses.push(bus);
    return bus;
  };
  const suites = brokerConformance('Pulsar over WebSocket', {
    provision,
    connect: async (manifest) => connect(manifest, { token: security.token, tls: { ca } }),
    kill: () => pulsar.kill(),
    restart: () => pulsar.restart(),
    pause: () => pulsar.pause(),
    resume: () => pulsar.resume(),
    unacknowledged,
  });
  test.after.each(async () => {
    for (const bus of buses.splice(0)) await bus.close();
  });
  test.after(() => pulsar.stop());

  for (const [name, options] of Object.entries({
    'a token, over TLS': { token: security.token, tls: { ca } },
    'a client certificate': { tls: { ca, cert, key } },
    'a token, without TLS': { token: security.token, url: pulsar.wsUrl },
  })) {
    test(`${name} lets publish and consume`, async () => {
      const layout = await provisioned();
      const bus = open(layout, options);
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
    });
  }

  for (const [name, options, reason] of [
    ['whoever has no token', { tls: { ca } }, /refuses the connection \(401\)/],
    ['a token that is not of this broker', { token: 'x.y.z', tls: { ca } }, /refuses the connection \(401\)/],
    [
      'a token that nothing is granted to',
      { token: security.tokenOf('stranger'), tls: { ca } },
      /refuses the connection \((403|500)\)/,
    ],
    ['a broker of an unknown authority', { token: security.token }, /certificate|self.signed/i],
  ] as const) {
    test(`${name} is told so: nothing is published, consumed or taken for healthy`, async () => {
      const layout = await provisioned();
      const bus = open(layout, options);
      const [outcome] = await bus.publish([layout.message(layout.first, 'a', '1')]);
      assert.is(outcome?.status, 'retryable');
      assert.match(outcome?.status === 'retryable' ? outcome.reason : '', reason);
      const unhealthy = await bus.health().then(
        () => '',
        (error: Error) => error.message,
      );
      assert.match(unhealthy, reason);
      const subscribing = bus
        .subscribe(layout.options(), async () => {})
        .then(
          () => 'subscribed',
          (error: Error) => error.message,
        );
      await bus.close();
      assert.is(await subscribing, 'The bus is closed');
    });
  }

  // while only the transport's own timers are pending, which let a process end
  const alive = setInterval(() => undefined, 1_000);
  test.after(() => clearInterval(alive));
  suites.run();
}

test.run();
