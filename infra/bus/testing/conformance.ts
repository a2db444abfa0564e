import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_MESSAGE_BYTES } from '../admission.ts';
import type { Bus, Delivery, Settled, SubscribeOptions } from '../bus.ts';
import type { Manifest } from '../manifest.ts';
import { door, eventually, Layout, PATIENCE_MS, Recorder, statuses, text } from './observation.ts';

/** A transport under test: the topics and subscriptions of a manifest that no other test uses. */
export interface BusUnderTest {
  /** The bus as one more process sees it. */
  connect(): Promise<Bus>;
  /** Called at the end, when the connections are closed. */
  close(): Promise<void>;
}

/**
 * Declares the suite that every transport passes: each guarantee of the port is a test. It assumes nothing of how
 * fast the transport is, or that it delivers only once. The caller runs the suite.
 * @param underTest starts the transport with just the topics and subscriptions of a manifest
 */
export const busConformance = (
  name: string,
  underTest: (manifest: Manifest) => Promise<BusUnderTest>,
): { run(): void } => {
  const conformance = suite(`bus conformance: ${name}`);

  const guarantee = (
    sentence: string,
    check: (bus: Bus, layout: Layout, connect: () => Promise<Bus>) => Promise<void>,
  ): void => {
    conformance(sentence, async () => {
      const layout = new Layout();
      const transport = await underTest(layout.manifest);
      const buses: Bus[] = [];
      const connect = async (): Promise<Bus> => {
        const bus = await transport.connect();
        buses.push(bus);
        return bus;
      };
      // it also keeps the process alive while only the transport's own timers are pending
      let patience: NodeJS.Timeout | undefined;
      const exhausted = new Promise<never>((_, reject) => {
        const end = (): void => reject(new Error(`still waiting after ${2 * PATIENCE_MS} ms`));
        patience = setTimeout(end, 2 * PATIENCE_MS);
      });
      try {
        await Promise.race([check(await connect(), layout, connect), exhausted]);
      } finally {
        clearTimeout(patience);
        for (const bus of buses) await bus.close();
        await transport.close();
      }
    });
  };

  guarantee(
    'a message arrives as it was published, with the instant of its publication',
    async (bus, layout) => {
      const recorder = new Recorder();
      await bus.subscribe(layout.options(), recorder.handler());
      const payload = Buffer.from([0, 255, 128, 10, 13, 0, 195]);
      const properties = { 'ce-id': 'x', 'ce-subject': 'ñandú 🪶', traceparent: '' };
      const before = Date.now();
      const sent = { topic: layout.first, key: 'café/1', properties, payload };
      assert.equal(await bus.publish([sent]), [{ status: 'durable' }]);
      await eventually('it arrives', () => recorder.handled.length > 0);
      const [got] = recorder.handled as [Delivery];
      assert.is(got.topic, layout.first);
      assert.is(got.key, 'café/1');
      assert.equal({ ...got.properties }, properties);
      assert.equal(Buffer.from(got.payload), payload);
      assert.ok(got.publishedAt >= before - 1000 && got.publishedAt <= Date.now() + 1000);
    },
  );

  guarantee('publishing nothing settles nothing', async (bus) => {
    assert.equal(await bus.publish([]), []);
  });

  guarantee('a message to a topic that no subscription has is durable', async (bus, layout) => {
    assert.equal(statuses(await bus.publish([layout.message(layout.unheard, 'a', '1')])), ['durable']);
  });

  guarantee('a topic that is not declared is refused', async (bus, layout) => {
    const [outcome] = await bus.publish([layout.message('conformance/Undeclared.v1', 'a', '1')]);
    assert.is(outcome?.status, 'refused');
  });

  guarantee('a message is refused when it is too large, and taken when it is nearly', async (bus, layout) => {
    const message = layout.message(layout.unheard, 'a', '');
    const [nearly] = await bus.publish([
      { ...message, payload: Buffer.alloc(MAX_MESSAGE_BYTES - 64 * 1024) },
    ]);
    const [tooLarge] = await bus.publish([{ ...message, payload: Buffer.alloc(MAX_MESSAGE_BYTES + 1) }]);
    assert.is(nearly?.status, 'durable');
    if (tooLarge?.status !== 'refused') return assert.unreachable(`it is ${tooLarge?.status}`);
    assert.match(tooLarge.reason, `more than ${MAX_MESSAGE_BYTES}`, 'it names the limit');
  });

  guarantee(
    'after a message that is not durable the later ones of its key alone are held back',
    async (bus, layout) => {
      const recorder = new Recorder();
      await bus.subscribe(layout.options(), recorder.handler());
      const outcomes = await bus.publish([
        layout.message(layout.first, 'a', 'a1'),
        layout.message('conformance/Undeclared.v1', 'a', 'a2'),
        layout.message(layout.first, 'a', 'a3'),
        layout.message(layout.first, 'b', 'b1'),
        layout.message(layout.first, 'a', 'a4'),
      ]);
      assert.equal(statuses(outcomes), ['durable', 'refused', 'retryable', 'durable', 'retryable']);
      await bus.publish([layout.message(layout.first, 'a', 'a5')]);
      await eventually('the last arrives', () => recorder.payloads('a').includes('a5'));
      assert.equal(recorder.payloads('a'), ['a1', 'a5']);
      assert.equal(recorder.payloads('b'), ['b1']);
    },
  );

  guarantee('a subscription that is not declared, or with other topics, is refused', async (bus, layout) => {
    const attempts: SubscribeOptions[] = [
      { ...layout.options(), subscription: 'undeclared' },
      { ...layout.options(), topics: [layout.first] },
      { ...layout.options('each-replica'), topics: ['conformance/Undeclared.v1'] },
    ];
    for (const options of attempts) {
      const refused = await bus
        .subscribe(options, async () => {})
        .then(
          () => false,
          () => true,
        );
      assert.ok(refused, JSON.stringify(options));
    }
  });

  guarantee(
    'messages of one key and topic are handled in the order they were published',
    async (bus, layout) => {
      const recorder = new Recorder();
      await bus.subscribe(layout.options('shared-by-key', 7), recorder.handler());
      const keys = Array.from({ length: 12 }, (_, i) => `key ${i}`);
      const numbers = Array.from({ length: 20 }, (_, i) => `${i}`);
      const published: Promise<Settled[]>[] = [];
      for (const number of numbers) {
        published.push(
          bus.publish(
            keys.flatMap((key) => [
              layout.message(layout.first, key, number),
              layout.message(layout.other, key, number),
            ]),
          ),
        );
      }
      await bus.subscribe(
        { ...layout.options(), subscription: layout.second, topics: [layout.other] },
        async () => {},
      );
      for (const outcomes of await Promise.all(published)) {
        assert.ok(outcomes.every(({ status }) => status === 'durable'));
      }
      await eventually('all arrive', () =>
        keys.every((key) =>
          [layout.first, layout.other].every(
            (topic) => recorder.payloads(key, topic).length === numbers.length,
          ),
        ),
      );
      for (const key of keys) {
        for (const topic of [layout.first, layout.other])
          assert.equal(recorder.payloads(key, topic), numbers);
      }
      assert.equal(recorder.violations, []);
      assert.ok(recorder.batchSizes.every((size) => size > 0 && size <= 7));
    },
  );

  guarantee('two batches are under way at once, never three, and they share no key', async (bus, layout) => {
    const recorder = new Recorder();
    const gate = door();
    let entered = 0;
    const handler = recorder.handler(async () => {
      entered++;
      await gate.opened;
    });
    const messages = Array.from({ length: 60 }, (_, i) =>
      layout.message(layout.first, `key ${i % 15}`, `${i}`),
    );
    const published = bus.publish(messages);
    await eventually('they wait', async () => (await bus.lag(layout.both)) === messages.length);
    await bus.subscribe(layout.options(), handler);
    await eventually('two batches are under way', () => entered === 2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.is(entered, 2);
    gate.open();
    await published;
    await eventually('all arrive', () => new Set(recorder.handled.map((d) => text(d.payload))).size === 60);
    assert.equal(recorder.violations, []);
  });

  guarantee('a message waits for the earlier ones of its key, and other keys do not', async (bus, layout) => {
    const recorder = new Recorder();
    const gate = door();
    const seen: string[] = [];
    await bus.subscribe(
      layout.options(),
      recorder.handler(async (batch) => {
        seen.push(...batch.map(({ payload }) => text(payload)));
        if (batch.some(({ key }) => key === 'slow')) await gate.opened;
      }),
    );
    const slow = [bus.publish([layout.message(layout.first, 'slow', 's1')])];
    await eventually('the first is under way', () => seen.includes('s1'));
    slow.push(bus.publish([layout.message(layout.first, 'slow', 's2')]));
    for (const payload of ['q1', 'q2', 'q3']) {
      await bus.publish([layout.message(layout.first, 'quick', payload)]);
      await eventually(`${payload} arrives`, () => seen.includes(payload));
    }
    assert.not(seen.includes('s2'));
    gate.open();
    await Promise.all(slow);
    await eventually('the second arrives', () => seen.includes('s2'));
    assert.equal(recorder.violations, []);
  });

  guarantee(
    'a batch whose handler rejects comes again, in order, and other keys flow meanwhile',
    async (bus, layout) => {
      const recorder = new Recorder();
      const seen: string[] = [];
      let failing = true;
      const attempts: number[] = [];
      await bus.subscribe(
        layout.options(),
        recorder.handler(async (batch) => {
          seen.push(...batch.map(({ payload }) => text(payload)));
          if (!failing || !batch.some(({ key }) => key === 'ill')) return;
          attempts.push(Date.now());
          throw new Error('the handler cannot');
        }),
      );
      const ill = bus.publish(
        ['i1', 'i2', 'i3'].map((payload) => layout.message(layout.first, 'ill', payload)),
      );
      await eventually('it fails thrice', () => attempts.length >= 3);
      await bus.publish([layout.message(layout.first, 'well', 'w1')]);
      await eventually('another key flows', () => recorder.payloads('well').includes('w1'));
      const later = bus.publish([layout.message(layout.first, 'ill', 'i4')]);
      assert.equal(recorder.payloads('ill'), []);
      failing = false;
      await Promise.all([ill, later]);
      await eventually('all arrive', () => recorder.payloads('ill').length === 4);
      assert.equal(recorder.payloads('ill'), ['i1', 'i2', 'i3', 'i4']);
      assert.ok(
        (attempts[1] as number) - (attempts[0] as number) >= 10,
        'it waits before the second attempt',
      );
      assert.equal(recorder.violations, []);
    },
  );

  guarantee(
    'a declared subscription gets what was published before its first handler',
    async (bus, layout) => {
      const recorder = new Recorder();
      const published = bus.publish(
        ['1', '2', '3'].map((payload) => layout.message(layout.first, 'a', payload)),
      );
      await eventually('they wait', async () => (await bus.lag(layout.both)) === 3);
      await bus.subscribe(layout.options(), recorder.handler());
      assert.equal(statuses(await published), ['durable', 'durable', 'durable']);
      await eventually('they arrive', () => recorder.handled.length >= 3);
      assert.equal(recorder.payloads('a'), ['1', '2', '3']);
    },
  );

  guarantee('each subscription of a topic gets every message', async (bus, layout) => {
    const both = new Recorder();
    const second = new Recorder();
    await bus.subscribe(layout.options(), both.handler());
    await bus.subscribe(
      { topics: [layout.other], subscription: layout.second, mode: 'shared-by-key', maxBatch: 3 },
      second.handler(),
    );
    const numbers = Array.from({ length: 10 }, (_, i) => `${i}`);
    await bus.publish(numbers.map((number) => layout.message(layout.other, 'a', number)));
    await bus.publish([layout.message(layout.first, 'a', 'only both')]);
    await eventually(
      'all arrive',
      () => both.payloads('a').length === 11 && second.payloads('a').length === 10,
    );
    assert.equal(both.payloads('a', layout.other), numbers);
    assert.equal(both.payloads('a', layout.first), ['only both']);
    assert.equal(second.payloads('a'), numbers);
  });

  guarantee(
    'closing a subscription waits for its batch and leaves the rest to the next one',
    async (bus, layout) => {
      const first = new Recorder();
      const second = new Recorder();
      const gate = door();
      let entered = 0;
      const numbers = Array.from({ length: 10 }, (_, i) => `${i}`);
      const published = bus.publish(numbers.map((number) => layout.message(layout.first, 'a', number)));
      await eventually('they wait', async () => (await bus.lag(layout.both)) === 10);
      const subscription = await bus.subscribe(
        layout.options('shared-by-key', 4),
        first.handler(async () => {
          entered++;
          await gate.opened;
        }),
      );
      await eventually('a batch is under way', () => entered === 1);
      let isClosed = false;
      const closing = subscription.close().then(() => {
        isClosed = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.not(isClosed, 'it waits for the batch under way');
      gate.open();
      await closing;
      assert.is(entered, 1, 'it takes no batch more');
      await bus.subscribe(layout.options(), second.handler());
      await published;
      await eventually('the rest arrives', () => second.payloads('a').includes('9'));
      const inOrder = [...new Set([...first.payloads('a'), ...second.payloads('a')])];
      assert.equal(inOrder, numbers);
    },
  );

  guarantee(
    'replicas share a subscription by key, in order also when one of them leaves',
    async (bus, layout, connect) => {
      const recorder = new Recorder(4);
      const byReplica = [0, 0];
      const work = (replica: number) =>
        recorder.handler(async (batch) => {
          byReplica[replica] = (byReplica[replica] ?? 0) + batch.length;
          await new Promise((resolve) => setTimeout(resolve, 10));
        });
      const leaver = await (await connect()).subscribe(layout.options(), work(0));
      await (await connect()).subscribe(layout.options(), work(1));
      const keys = Array.from({ length: 30 }, (_, i) => `key ${i}`);
      const numbers = Array.from({ length: 10 }, (_, i) => `${i}`);
      const published = numbers.map((number) =>
        bus.publish(keys.map((key) => layout.message(layout.first, key, number))),
      );
      await eventually('both work', () => byReplica.every((count) => count > 0));
      await leaver.close();
      await Promise.all(published);
      await eventually('all arrive', () =>
        keys.every((key) => recorder.payloads(key).length === numbers.length),
      );
      for (const key of keys) assert.equal(recorder.payloads(key), numbers);
      assert.equal(recorder.violations, []);
    },
  );

  guarantee(
    'a key goes to a replica that joins only when nothing of it is under way',
    async (bus, layout, connect) => {
      const recorder = new Recorder(4);
      const gate = door();
      const keys = Array.from({ length: 24 }, (_, i) => `key ${i}`);
      const first = new Set<string>();
      const joined: Delivery[] = [];
      const publish = (number: string): Promise<Settled[]> =>
        bus.publish(keys.map((key) => layout.message(layout.first, key, number)));
      const published = [publish('0')];
      await (await connect()).subscribe(
        layout.options('shared-by-key', 100),
        recorder.handler(async (batch) => {
          for (const { key } of batch) first.add(key);
          await gate.opened;
        }),
      );
      await eventually('it works', () => first.size > 0);
      await (await connect()).subscribe(
        layout.options('shared-by-key', 100),
        recorder.handler(async (batch) => {
          joined.push(...batch);
        }),
      );
      published.push(publish('1'), publish('2'));
      const other = layout.message(layout.first, 'another key', 'x');
      published.push(bus.publish([other]));
      await eventually('they wait', async () => (await bus.lag(layout.both)) >= 2 * keys.length);
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.equal(
        joined.filter(({ key }) => first.has(key)).map(({ key }) => key),
        [],
        'what is under way at the first is nowhere else',
      );
      gate.open();
      await Promise.all(published);
      await eventually('all arrive', () => keys.every((key) => recorder.payloads(key).length === 3));
      for (const key of keys) assert.equal(recorder.payloads(key), ['0', '1', '2']);
      assert.equal(recorder.violations, []);
    },
  );

  guarantee(
    'a replica that closes gives up a key only when nothing of it is under way',
    async (bus, layout, connect) => {
      const recorder = new Recorder(4);
      const gate = door();
      const keys = Array.from({ length: 12 }, (_, i) => `key ${i}`);
      const byLeaver = new Set<string>();
      const numbers = ['0', '1', '2', '3'];
      const published = numbers.map((number) =>
        bus.publish(keys.map((key) => layout.message(layout.first, key, number))),
      );
      const leaver = await (await connect()).subscribe(
        layout.options('shared-by-key', 6),
        recorder.handler(async (batch) => {
          for (const { key } of batch) byLeaver.add(key);
          await gate.opened;
        }),
      );
      await eventually('it works', () => byLeaver.size > 0);
      const later: string[] = [];
      await (await connect()).subscribe(
        layout.options('shared-by-key', 6),
        recorder.handler(async (batch) => {
          for (const { key } of batch) later.push(key);
        }),
      );
      const closing = leaver.close();
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(
        later.filter((key) => byLeaver.has(key)),
        [],
        'what is under way at the leaver is nowhere else',
      );
      gate.open();
      await closing;
      await Promise.all(published);
      await eventually('all arrive', () =>
        keys.every((key) => recorder.payloads(key).length === numbers.length),
      );
      for (const key of keys) assert.equal(recorder.payloads(key), numbers);
      assert.equal(recorder.violations, []);
    },
  );

  guarantee(
    'a subscription whose handler does not end holds up no other one, of its topic or of another',
    async (bus, layout) => {
      const gate = door();
      const stuck = new Recorder();
      const flowing = new Recorder();
      const keys = Array.from({ length: 40 }, (_, i) => `key ${i}`);
      const numbers = Array.from({ length: 20 }, (_, i) => `${i}`);
      await bus.subscribe(
        layout.options('shared-by-key', 10),
        stuck.handler(() => gate.opened),
      );
      await bus.subscribe(
        { ...layout.options('shared-by-key', 10), subscription: layout.second, topics: [layout.other] },
        flowing.handler(),
      );
      const published = numbers.flatMap((number) => [
        bus.publish(keys.map((key) => layout.message(layout.other, key, number))),
        bus.publish(keys.map((key) => layout.message(layout.first, key, number))),
      ]);
      await eventually('the other has all', () =>
        keys.every((key) => flowing.payloads(key).length === numbers.length),
      );
      assert.equal(stuck.handled, []);
      gate.open();
      await Promise.all(published);
      await eventually('then it has all too', () =>
        keys.every((key) =>
          [layout.first, layout.other].every((topic) => stuck.payloads(key, topic).length === numbers.length),
        ),
      );
      for (const key of keys) {
        assert.equal(flowing.payloads(key), numbers);
        for (const topic of [layout.first, layout.other]) assert.equal(stuck.payloads(key, topic), numbers);
      }
      assert.equal([...stuck.violations, ...flowing.violations], []);
    },
  );

  guarantee('each-replica subscribers each see every message from then on', async (bus, layout, connect) => {
    const one = new Recorder();
    const two = new Recorder();
    await bus.publish([layout.message(layout.unheard, 'a', 'before')]);
    const options: SubscribeOptions = {
      topics: [layout.unheard],
      subscription: 'watcher',
      mode: 'each-replica',
      maxBatch: 10,
    };
    const watching = await bus.subscribe(options, one.handler());
    await (await connect()).subscribe(options, two.handler());
    await bus.publish([layout.message(layout.unheard, 'a', 'after')]);
    await eventually('both see it', () => one.payloads('a').length > 0 && two.payloads('a').length > 0);
    await watching.close();
    await bus.publish([layout.message(layout.unheard, 'a', 'last')]);
    await eventually('the other goes on', () => two.payloads('a').length === 2);
    assert.equal(one.payloads('a'), ['after']);
    assert.equal(two.payloads('a'), ['after', 'last']);
  });

  guarantee('a message is durable whatever an each-replica subscriber does with it', async (bus, layout) => {
    await bus.subscribe({ ...layout.options('each-replica'), topics: [layout.unheard] }, () =>
      Promise.reject(new Error('no')),
    );
    assert.equal(statuses(await bus.publish([layout.message(layout.unheard, 'a', '1')])), ['durable']);
  });

  guarantee(
    'a subscription has caught up once all that was published before has been acknowledged',
    async (bus, layout) => {
      const gate = door();
      let entered = 0;
      assert.ok(await bus.caughtUp(layout.both, Date.now()));
      assert.is(await bus.lag(layout.both), 0);
      await bus.subscribe(layout.options(), async () => {
        entered++;
        await gate.opened;
      });
      const before = Date.now() - 1000;
      const published = bus.publish([layout.message(layout.first, 'a', '1')]);
      await eventually('it is under way', () => entered === 1);
      assert.not(await bus.caughtUp(layout.both, Date.now() + 1000));
      assert.ok(await bus.caughtUp(layout.both, before), 'it was published later');
      assert.is(await bus.lag(layout.both), 1);
      gate.open();
      await published;
      await eventually('it has caught up', () => bus.caughtUp(layout.both, Date.now() + 1000));
      await eventually('nothing is left', async () => (await bus.lag(layout.both)) === 0);
    },
  );

  guarantee(
    'closing under load settles everything, and what was not handled reaches the next process',
    async (bus, layout, connect) => {
      const first = new Recorder();
      const second = new Recorder();
      const publisher = await connect();
      await bus.subscribe(
        layout.options('shared-by-key', 5),
        first.handler(() => new Promise((resolve) => setTimeout(resolve, 20))),
      );
      const numbers = Array.from({ length: 100 }, (_, i) => i);
      const messages = numbers.map((number) =>
        layout.message(layout.first, `key ${number % 10}`, `${number}`),
      );
      const published = publisher.publish(messages);
      await eventually('some are handled', () => first.handled.length > 0);
      await bus.close();
      const handledByFirst = first.handled.length;
      await (await connect()).subscribe(layout.options(), second.handler());
      assert.ok((await published).every(({ status }) => status === 'durable'));
      await eventually('all are handled', () => {
        const handled = [...first.handled, ...second.handled].map(({ payload }) => text(payload));
        return new Set(handled).size === numbers.length;
      });
      assert.is(first.handled.length, handledByFirst, 'a closed bus hands nothing out');
      for (let key = 0; key < 10; key++) {
        const inOrder = [...new Set([...first.payloads(`key ${key}`), ...second.payloads(`key ${key}`)])];
        assert.equal(inOrder, numbers.filter((number) => number % 10 === key).map(String));
      }
    },
  );

  guarantee(
    'closing settles what waits for a subscriber, and a closed bus says so',
    async (bus, layout, connect) => {
      const closing = await connect();
      const published = closing.publish([layout.message(layout.first, 'a', '1')]);
      await eventually('it waits', async () => (await bus.lag(layout.both)) === 1);
      await bus.health();
      await closing.close();
      assert.is((await published).length, 1);
      assert.equal(statuses(await closing.publish([layout.message(layout.first, 'a', '2')])), ['retryable']);
      assert.ok(
        await closing.health().then(
          () => false,
          () => true,
        ),
      );
      await closing.close();
    },
  );

  return conformance;
};
