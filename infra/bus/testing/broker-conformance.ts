import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Bus, BusMessage, Settled } from '../bus.ts';
import type { Manifest } from '../manifest.ts';
import { door, eventually, Layout, Recorder, statuses } from './observation.ts';

/** A transport whose broker the test may take away. */
export interface BrokerUnderTest {
  /** Makes the topics and subscriptions of a manifest that no other test uses. */
  provision(manifest: Manifest): Promise<void>;
  /** The bus as one more process sees it. */
  connect(manifest: Manifest): Promise<Bus>;
  /** SIGKILL; its disk stays. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** SIGSTOP, resolved once nothing of it runs, and SIGCONT. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Messages of a topic that consumers of a subscription have and have not acknowledged. */
  unacknowledged(topic: string, subscription: string): Promise<number>;
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

/** Asks this very process over HTTP all the time, as whoever probes a service does. */
const probeHealth = async (): Promise<() => Promise<number>> => {
  const server = createServer((_, response) => response.end('ok'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
  let slowest = 0;
  let isOver = false;
  const probing = (async () => {
    while (!isOver) {
      const asked = performance.now();
      await (await fetch(url)).text();
      slowest = Math.max(slowest, performance.now() - asked);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return async () => {
    isOver = true;
    await probing;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    return slowest;
  };
};

/** A `/health` that takes longer has been held up by the transport. In milliseconds. */
const SLOWEST_HEALTH_MS = 1_000;

/** Long enough for a transport to give its connections up. In milliseconds. */
const AWAY_LONG_MS = 5_000;

/** Within this a publish is settled, whatever the broker does: the transports promise less. */
const SETTLED_WITHIN_MS = 20_000;

/**
 * Declares the suite of every transport that has a broker of its own: what it does when that is killed, freezes or is away
 * from the start. The caller runs the suite, and stops the broker.
 */
export const brokerConformance = (name: string, broker: BrokerUnderTest): { run(): void } => {
  const test = suite(`bus and its broker: ${name}`);
  const buses: Bus[] = [];
  const connect = async ({ manifest }: Layout): Promise<Bus> => {
    const bus = await broker.connect(manifest);
    buses.push(bus);
    return bus;
  };
  const provisioned = async (): Promise<Layout> => {
    const layout = new Layout();
    await broker.provision(layout.manifest);
    return layout;
  };
  const gates: { open(): void }[] = [];
  test.after.each(async () => {
    for (const gate of gates.splice(0)) gate.open(); // a bus waits for its handlers
    for (const bus of buses.splice(0)) await bus.close();
  });

  const isAway = (bus: Bus): Promise<boolean> =>
    bus.health().then(
      () => false,
      (error: Error) => error.message !== '',
    );

  for (const [fault, begin, end] of [
    ['is killed and started again', () => broker.kill(), () => broker.restart()],
    ['freezes and goes on', () => broker.pause(), () => broker.resume()],
  ] as const) {
    test(`while the broker ${fault}, nothing is lost, no key of a topic is reordered, nothing blocks`, async () => {
      const layout = await provisioned();
      const recorder = new Recorder(4);
      const work = recorder.handler(() => new Promise((resolve) => setTimeout(resolve, 10)));
      for (let replica = 0; replica < 2; replica++)
        await (await connect(layout)).subscribe(layout.options(), work);
      const publisher = await connect(layout);
      const keys = Array.from({ length: 8 }, (_, key) => `key ${key}`);
      const topics = [layout.first, layout.other];
      const numbers = Array.from({ length: 150 }, (_, number) => `${number}`);
      const slowestHealth = await probeHealth();
      const published = Promise.all(
        keys.flatMap((key) =>
          topics.map((topic) =>
            publishAll(
              publisher,
              numbers.map((number) => layout.message(topic, key, number)),
            ),
          ),
        ),
      );
      await eventually('some are handled', () => recorder.handled.length > 100);
      await begin();
      await eventually('the publisher notices', () => isAway(publisher));
      const asked = performance.now();
      const meanwhile: Settled[] = await publisher.publish([layout.message(layout.first, 'away', '1')]);
      assert.equal(statuses(meanwhile), ['retryable']);
      assert.ok(performance.now() - asked < SETTLED_WITHIN_MS, 'it is settled in time');
      await end();
      await published;
      await eventually('all are handled', () =>
        keys.every((key) => topics.every((topic) => recorder.payloads(key, topic).length === numbers.length)),
      );
      for (const key of keys)
        for (const topic of topics) assert.equal(recorder.payloads(key, topic), numbers);
      await eventually('it is healthy again', async () => !(await isAway(publisher)));
      assert.ok((await slowestHealth()) < SLOWEST_HEALTH_MS, 'the event loop stood still');
    });
  }

  test('who has published, and has nothing to publish any more, is healthy again when the broker is back', async () => {
    const layout = await provisioned();
    const bus = await connect(layout);
    await publishAll(bus, [layout.message(layout.first, 'a', 'before')]);
    await broker.kill();
    await eventually('it says that the broker is away', () => isAway(bus));
    await new Promise((resolve) => setTimeout(resolve, AWAY_LONG_MS));
    await broker.restart();
    await eventually('it is healthy again', async () => !(await isAway(bus)));
  });

  test('who begins while the broker is away begins when it is back', async () => {
    const layout = await provisioned();
    await publishAll(await connect(layout), [layout.message(layout.first, 'a', 'before')]);
    await broker.kill();
    const bus = await connect(layout);
    const recorder = new Recorder();
    const subscribing = bus.subscribe(layout.options(), recorder.handler());
    subscribing.catch(() => undefined); // awaited below, where the sentence comes so far
    await eventually('it says that the broker is away', () => isAway(bus));
    const published = publishAll(bus, [layout.message(layout.first, 'a', 'meanwhile')]);
    await broker.restart();
    await subscribing;
    await published;
    await eventually('all arrive', () => recorder.payloads('a').length === 2);
    assert.equal(recorder.payloads('a'), ['before', 'meanwhile']);
  });

  test('closing while the broker is away ends, and settles what is under way', async () => {
    const layout = await provisioned();
    const bus = await connect(layout);
    await bus.subscribe(layout.options(), async () => {});
    await publishAll(bus, [layout.message(layout.first, 'a', 'before')]);
    await broker.pause();
    const published = bus.publish(['1', '2'].map((number) => layout.message(layout.first, 'a', number)));
    await bus.close();
    await broker.resume();
    assert.equal(statuses(await published), ['retryable', 'retryable']);
  });

  test('what a slow consumer holds is bounded, in messages and in bytes', async () => {
    for (const { bytes, count, most } of [
      { bytes: 100, count: 4_000, most: 2_600 },
      { bytes: 1024 * 1024, count: 160, most: 110 },
    ]) {
      const layout = await provisioned();
      const gate = door();
      gates.push(gate);
      const publisher = await connect(layout);
      const recorder = new Recorder();
      await (await connect(layout)).subscribe(
        layout.options(),
        recorder.handler(() => gate.opened),
      );
      const payload = 'x'.repeat(bytes);
      for (let n = 0; n < count; n += 20) {
        const messages = Array.from({ length: 20 }, (_, i) =>
          layout.message(layout.first, `key ${(n + i) % 50}`, payload),
        );
        await publishAll(publisher, messages);
      }
      let held = 0;
      await eventually('it takes no more', async () => {
        const before = held;
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        held = await broker.unacknowledged(layout.first, layout.both);
        return held > 0 && held === before;
      });
      assert.ok(held <= most, `it holds ${held} of ${count} messages of ${bytes} bytes`);
      gate.open();
      await eventually('then all are handled', () => recorder.handled.length >= count);
    }
  });

  return test;
};
