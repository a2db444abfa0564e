// time limit: 400 s
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemRuntime } from '../../system-runtime.ts';
import { startSecuredPulsar } from '../../testing/pulsar.ts';
import type { Bus, BusMessage } from '../bus.ts';
import { eventually, Layout, Recorder, statuses } from '../testing/observation.ts';
import { type WebSocketBusOptions, webSocketBus } from './websocket.ts';

const test = suite('Pulsar over WebSocket, and a broker that asks who is there, freezes and dies');
const pulsar = await startSecuredPulsar();

if (pulsar === undefined) test.skip('no broker');
else {
  const { security } = pulsar;
  const ca = readFileSync(security.trustCerts);
  const cert = readFileSync(security.cert);
  const key = readFileSync(security.key);

  const admin = async (method: string, path: string, body?: unknown): Promise<void> => {
    const answer = await fetch(`${pulsar.adminUrl}/admin/v2/${path}`, {
      method,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${security.token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok && answer.status !== 409) throw new Error(`${method} ${path}: ${await answer.text()}`);
  };

  const provisioned = async (): Promise<Layout> => {
    const layout = new Layout();
    const { topics, subscriptions } = layout.manifest;
    await admin('PUT', 'tenants/cordada', { allowedClusters: ['standalone'] });
    for (const { owner } of topics.values()) await admin('PUT', `namespaces/cordada/${owner}`);
    for (const topic of topics.keys()) await admin('PUT', `persistent/cordada/${topic}`);
    for (const { name, topics } of subscriptions.values()) {
      for (const topic of topics) {
        await admin('PUT', `persistent/cordada/${topic}/subscription/${name}`, { ledgerId: -1, entryId: -1 });
      }
    }
    return layout;
  };

  const buses: Bus[] = [];
  const open = (layout: Layout, options: Partial<WebSocketBusOptions>): Bus => {
    const bus = webSocketBus({
      url: security.wsUrl,
      manifest: layout.manifest,
      runtime: systemRuntime(),
      tenant: 'cordada',
      backlogs: { of: () => Promise.reject(new Error('not asked')), health: async () => {} },
      ...options,
    });
    buses.push(bus);
    return bus;
  };
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

  /** Publishes as a relay does: again, from the first that is not durable. */
  const publishAll = async (bus: Bus, messages: readonly BusMessage[]): Promise<void> => {
    for (let done = 0; done < messages.length; ) {
      const outcomes = await bus.publish(messages.slice(done, done + 20));
      while (outcomes[0]?.status === 'durable') {
        outcomes.shift();
        done++;
      }
      if (outcomes.length > 0) await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };

  /** Longest that Node's event loop has stood still, in milliseconds. */
  const watchLoop = (): (() => number) => {
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 20);
    return () => {
      clearInterval(timer);
      return longest;
    };
  };

  for (const [fault, begin, end] of [
    ['is killed and started again', () => pulsar.kill(), () => pulsar.restart()],
    ['freezes until its connections are given up, and goes on', () => pulsar.pause(), () => pulsar.resume()],
  ] as const) {
    test(`while the broker ${fault}, nothing is lost, no key is reordered and nothing blocks`, async () => {
      const layout = await provisioned();
      const options = { token: security.token, tls: { ca } };
      const recorder = new Recorder(4);
      const work = recorder.handler(() => new Promise((resolve) => setTimeout(resolve, 10)));
      for (let replica = 0; replica < 2; replica++) {
        await open(layout, options).subscribe(layout.options(), work);
      }
      const publisher = open(layout, options);
      const keys = Array.from({ length: 8 }, (_, key) => `key ${key}`);
      const numbers = Array.from({ length: 200 }, (_, number) => `${number}`);
      const longest = watchLoop();
      const published = Promise.all(
        keys.map((key) =>
          publishAll(
            publisher,
            numbers.map((number) => layout.message(layout.first, key, number)),
          ),
        ),
      );
      await eventually('some are handled', () => recorder.handled.length > 100);
      await begin();
      await eventually('the publisher notices', () =>
        publisher.health().then(
          () => false,
          () => true,
        ),
      );
      const outcomes = await publisher.publish([layout.message(layout.first, 'away', '1')]);
      assert.equal(statuses(outcomes), ['retryable']);
      await end();
      await published;
      await eventually('all are handled', () =>
        keys.every((key) => recorder.payloads(key).length === numbers.length),
      );
      for (const key of keys) assert.equal(recorder.payloads(key), numbers);
      assert.ok(longest() < 5_000, 'the event loop stood still'); // a busy machine may hold it, but not for so long
    });
  }
}

test.run();
