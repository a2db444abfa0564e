import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Delivery } from '../../bus.ts';
import { door, eventually, text } from '../../testing/observation.ts';
import { handClock, type LocalEndpoint, localEndpoint, type Peer } from '../testing/local-endpoint.ts';
import { openConsumer } from './consumer.ts';
import { openReader } from './reader.ts';
import type { Consumer } from './topic-links.ts';

const test = suite('consumer over WebSocket');

interface World {
  readonly endpoint: LocalEndpoint;
  readonly consumer: Consumer;
  /** Payloads as they are handed out. */
  readonly seen: string[];
  readonly lost: string[];
}

const scenario = (
  sentence: string,
  check: (world: World) => Promise<void>,
  {
    handler = async () => {},
    open = openConsumer,
  }: { handler?(batch: readonly Delivery[]): Promise<void>; open?: typeof openConsumer } = {},
): void => {
  test(sentence, async () => {
    const endpoint = await localEndpoint();
    const { runtime } = handClock();
    const seen: string[] = [];
    const lost: string[] = [];
    const consumer = open({
      link: { runtime, client: {} },
      queue: { runtime, schedule: (task) => void setImmediate(task) },
      topics: [{ topic: 'a/B.v1', url: `${endpoint.url}/b?x=y` }],
      maxBatch: 10,
      handler(batch) {
        seen.push(...batch.map(({ payload }) => text(payload)));
        return handler(batch);
      },
      lost: (_, reason) => void lost.push(reason),
    });
    try {
      await check({ endpoint, consumer, seen, lost });
    } finally {
      await consumer.close();
      await endpoint.close();
    }
  });
};

const deliver = (peer: Peer, key: string, ...payloads: string[]): void => {
  for (const payload of payloads) {
    peer.send({
      messageId: Buffer.from(`id of ${payload.slice(0, 20)}`).toString('base64'),
      payload: Buffer.from(payload).toString('base64'),
      properties: {},
      publishTime: '2026-01-02T03:04:05.678Z',
      key,
    });
  }
};

/** Payloads that have been acknowledged, each time. */
const acknowledged = ({ frames }: Peer): string[] =>
  frames
    .filter(({ messageId }) => messageId !== undefined)
    .map(({ messageId }) => Buffer.from(String(messageId), 'base64').toString().replace('id of ', ''));

const permitted = ({ frames }: Peer): number =>
  frames.reduce((sum, { permitMessages }) => sum + Number(permitMessages ?? 0), 0);

scenario('a message is acknowledged once its batch is handled', async ({ endpoint, seen }) => {
  const peer = await endpoint.peer(0);
  deliver(peer, 'k', '1', '2');
  await eventually('both are acknowledged', () => acknowledged(peer).length === 2);
  assert.equal(seen, ['1', '2']);
  assert.equal(acknowledged(peer), ['1', '2']);
});

{
  const gate = door();
  scenario(
    'what waits comes again over the next connection; what is under way is finished, and not handled twice',
    async ({ endpoint, seen }) => {
      const first = await endpoint.peer(0);
      deliver(first, 'k', '1');
      await eventually('it is under way', () => seen.length === 1);
      deliver(first, 'k', '2', '3');
      deliver(first, 'other', 'o1');
      await eventually('another key flows', () => acknowledged(first).includes('o1'));
      first.socket.terminate();
      const second = await endpoint.peer(1);
      // another replica has handled 2 meanwhile
      deliver(second, 'k', '1', '3', '4');
      await eventually('it is permitted', () => permitted(second) > 0);
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(seen, ['1', 'o1']);
      gate.open();
      await eventually('all are acknowledged', () => acknowledged(second).length === 3);
      assert.equal(seen, ['1', 'o1', '3', '4']);
      assert.equal(acknowledged(second), ['1', '3', '4']);
      assert.not(acknowledged(first).includes('1'));
    },
    { handler: async ([first]) => (first && text(first.payload) === '1' ? gate.opened : undefined) },
  );
}

{
  const gate = door();
  scenario(
    'what is handled while there is no connection is acknowledged over the next',
    async ({ endpoint, seen, lost }) => {
      const first = await endpoint.peer(0);
      deliver(first, 'k', '1');
      await eventually('it is under way', () => seen.length === 1);
      first.socket.terminate();
      await eventually('it is lost', () => lost.length > 0);
      gate.open();
      const second = await endpoint.peer(1);
      await eventually('it is acknowledged', () => acknowledged(second).includes('1'));
      deliver(second, 'k', '1', '2');
      await eventually('again', () => acknowledged(second).filter((payload) => payload === '1').length === 2);
      await eventually('the next comes', () => acknowledged(second).includes('2'));
      assert.equal(seen, ['1', '2']);
    },
    { handler: () => gate.opened },
  );
}

scenario(
  'what the broker sends again over the same connection, having lost its own, is handled once',
  async ({ endpoint, seen }) => {
    const peer = await endpoint.peer(0);
    deliver(peer, 'k', '1', '2', '1', '2', '3');
    await eventually('all are acknowledged', () => acknowledged(peer).length === 3);
    deliver(peer, 'k', '2', '3');
    await eventually('and again', () => acknowledged(peer).length === 5);
    assert.equal(seen, ['1', '2', '3']);
  },
);

{
  const gate = door();
  scenario(
    'a slow handler lets no more than a window of messages come',
    async ({ endpoint, seen }) => {
      const peer = await endpoint.peer(0);
      await eventually('it is permitted', () => permitted(peer) > 0);
      const small = permitted(peer);
      assert.ok(small <= 16, `${small} may come before it is known how large they are`);
      let sent = 0;
      for (let round = 0; round < 100; round++) {
        while (sent < permitted(peer)) deliver(peer, `${sent % 50}`, `${sent++}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.ok(permitted(peer) <= 1_000 && permitted(peer) > 750, `${permitted(peer)}`);
      assert.ok(seen.length <= 20);
      gate.open();
    },
    { handler: () => gate.opened },
  );
}

scenario('large messages are let come one by one', async ({ endpoint }) => {
  const peer = await endpoint.peer(0);
  await eventually('it is permitted', () => permitted(peer) > 0);
  const large = 'x'.repeat(5 * 1024 * 1024);
  for (let n = permitted(peer); n > 0; n--) deliver(peer, 'k', `${n}${large}`);
  const first = permitted(peer);
  await eventually('all are acknowledged', () => acknowledged(peer).length === first);
  await eventually('one more is let come', () => permitted(peer) === first + 1);
});

for (const frame of ['<html>', '{"payload":""}']) {
  scenario(`after ${frame} a new connection is made`, async ({ endpoint, seen, lost }) => {
    (await endpoint.peer(0)).send(frame);
    deliver(await endpoint.peer(1), 'k', '1');
    await eventually('it goes on', () => seen.length === 1);
    assert.match(lost[0] ?? '', /the broker sent what is not/);
  });
}

{
  const gate = door();
  scenario(
    'closing waits for what is under way and acknowledges it, and takes nothing more',
    async ({ endpoint, consumer, seen }) => {
      const peer = await endpoint.peer(0);
      deliver(peer, 'k', '1');
      await eventually('it is under way', () => seen.length === 1);
      const closing = consumer.close();
      deliver(peer, 'l', '2');
      await new Promise((resolve) => setTimeout(resolve, 50));
      gate.open();
      await closing;
      assert.equal(seen, ['1']);
      assert.equal(acknowledged(peer), ['1']);
    },
    { handler: () => gate.opened },
  );
}

test('subscribing that is closed before it could connect fails', async () => {
  const { runtime } = handClock();
  const consumer = openConsumer({
    link: { runtime, client: {} },
    queue: { runtime, schedule: (task) => void setImmediate(task) },
    topics: [{ topic: 'a/B.v1', url: 'ws://127.0.0.1:1' }],
    maxBatch: 10,
    handler: async () => {},
    lost: () => {},
  });
  await eventually('it has tried', () => consumer.problem !== undefined);
  await consumer.close();
  const failed = await consumer.subscribed.then(
    () => '',
    (error: Error) => error.message,
  );
  assert.is(failed, 'The bus is closed');
});

scenario(
  'a reader begins at the latest message and goes on after the last that came',
  async ({ endpoint, seen }) => {
    const first = await endpoint.peer(0);
    assert.is(first.url, '/b?x=y&messageId=latest');
    deliver(first, 'k', '1', '2');
    await eventually('both are handled', () => seen.length === 2);
    first.socket.terminate();
    const second = await endpoint.peer(1);
    const id = Buffer.from('id of 2').toString('base64');
    assert.is(second.url, `/b?x=y&messageId=${encodeURIComponent(id)}`);
    deliver(second, 'k', '3');
    await eventually('it goes on', () => seen.length === 3);
    assert.equal(seen, ['1', '2', '3']);
  },
  { open: openReader },
);

{
  const gate = door();
  scenario(
    'a reader asks for one more for each that it has handled, and for none over another connection',
    async ({ endpoint, seen }) => {
      const first = await endpoint.peer(0);
      deliver(first, 'k', '1');
      await eventually('it is under way', () => seen.length === 1);
      assert.equal(first.frames, []);
      first.socket.terminate();
      const second = await endpoint.peer(1);
      gate.open();
      deliver(second, 'k', '2');
      await eventually('it is handled', () => second.frames.length > 0);
      assert.equal(acknowledged(second), ['2']);
    },
    { open: openReader, handler: () => gate.opened },
  );
}

test.run();
