import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BusMessage, Settled } from '../../bus.ts';
import { eventually } from '../../testing/observation.ts';
import {
  type HandClock,
  handClock,
  type LocalEndpoint,
  localEndpoint,
  type Peer,
} from '../testing/local-endpoint.ts';
import { openProducer, type Producer } from './producer.ts';

const test = suite('producer over WebSocket');

interface World {
  readonly endpoint: LocalEndpoint;
  readonly clock: HandClock;
  readonly producer: Producer;
  readonly lost: string[];
  /** Outcomes by payload, as they come. */
  readonly outcomes: Map<string, Settled>;
  send(payload: string, bytes?: number): void;
}

const scenario = (sentence: string, check: (world: World) => Promise<void>): void => {
  test(sentence, async () => {
    const endpoint = await localEndpoint();
    const clock = handClock();
    const lost: string[] = [];
    const producer = openProducer({
      link: { runtime: clock.runtime, client: {} },
      url: endpoint.url,
      lost: (reason) => void lost.push(reason),
    });
    const outcomes = new Map<string, Settled>();
    const send = (payload: string, bytes = payload.length): void => {
      const message: BusMessage = {
        topic: 'a/B.v1',
        key: 'k',
        properties: {},
        payload: Buffer.from(payload),
      };
      const settle = (outcome: Settled): void => {
        assert.not(outcomes.has(payload), `${payload} settles once`);
        outcomes.set(payload, outcome);
      };
      let returned = false;
      const refused = producer.send(message, bytes, (outcome) => {
        assert.ok(returned, `${payload} settles later`);
        settle(outcome);
      });
      returned = true;
      if (refused) settle(refused);
    };
    try {
      await check({ endpoint, clock, producer, lost, outcomes, send });
    } finally {
      const closed = producer.close();
      await endpoint.close();
      await closed;
    }
  });
};

const payloads = ({ frames }: Peer): string[] =>
  frames.map(({ payload }) => Buffer.from(String(payload), 'base64').toString());

const answer = (peer: Peer, n: number, result = 'ok', errorMsg?: string): void =>
  peer.send({ result, errorMsg, messageId: 'CAcQAA==', context: peer.frames[n]?.context });

const statusOf = ({ outcomes }: World, payload: string): string | undefined => outcomes.get(payload)?.status;

scenario(
  'what is sent before the connection stands goes out in order, and is durable once answered',
  async (world) => {
    for (const payload of ['1', '2', '3']) world.send(payload);
    const peer = await world.endpoint.peer(0);
    await eventually('all go out', () => peer.frames.length === 3);
    assert.equal(payloads(peer), ['1', '2', '3']);
    assert.is(world.outcomes.size, 0);
    answer(peer, 1);
    await eventually('one is durable', () => statusOf(world, '2') === 'durable');
    assert.is(world.outcomes.size, 1);
  },
);

scenario('no more than a thousand are sent and not answered', async (world) => {
  for (let n = 0; n < 1_500; n++) world.send(`${n}`);
  const peer = await world.endpoint.peer(0);
  await eventually('a window goes out', () => peer.frames.length >= 1_000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(peer.frames.length, 1_000);
  for (let n = 0; n < 10; n++) answer(peer, n);
  await eventually('ten more go out', () => peer.frames.length === 1_010);
});

scenario('large messages are sent few at a time, and one alone whatever its size', async (world) => {
  for (let n = 0; n < 4; n++) world.send(`${n}`, 5 * 1024 * 1024);
  const peer = await world.endpoint.peer(0);
  await eventually('one goes out', () => peer.frames.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(peer.frames.length, 1);
  answer(peer, 0);
  await eventually('the next goes out', () => peer.frames.length === 2);
});

scenario(
  'a lost connection settles all that was not answered as retryable, and the next one takes new ones',
  async (world) => {
    for (let n = 0; n < 1_100; n++) world.send(`${n}`);
    const peer = await world.endpoint.peer(0);
    await eventually('a window goes out', () => peer.frames.length === 1_000);
    answer(peer, 0);
    await eventually('one is durable', () => world.outcomes.size === 1);
    peer.socket.terminate();
    await eventually('all settle', () => world.outcomes.size === 1_100);
    assert.is(statusOf(world, '1'), 'retryable');
    assert.is(statusOf(world, '1099'), 'retryable');
    const next = await world.endpoint.peer(1);
    await eventually('it is open', () => world.producer.problem === undefined);
    world.send('again');
    await eventually('it goes out', () => next.frames.length === 1);
    assert.equal(payloads(next), ['again']);
  },
);

scenario('while there is no connection everything is retryable at once, with the reason', async (world) => {
  await world.endpoint.peer(0);
  await world.endpoint.close();
  await eventually('it is lost', () => world.producer.problem !== undefined);
  world.send('1');
  const outcome = world.outcomes.get('1');
  assert.is(outcome?.status, 'retryable');
  await eventually('it is told', () => world.lost.some((reason) => /ECONNREFUSED/.test(reason)));
});

scenario('a payload that the broker cannot read is refused, and the others go on', async (world) => {
  world.send('1');
  world.send('2');
  const peer = await world.endpoint.peer(0);
  await eventually('both go out', () => peer.frames.length === 2);
  answer(peer, 0, 'send-error:7', 'no base64');
  answer(peer, 1);
  await eventually('both settle', () => world.outcomes.size === 2);
  assert.equal(world.outcomes.get('1'), { status: 'refused', reason: 'no base64' });
  assert.is(statusOf(world, '2'), 'durable');
  assert.equal(world.lost, []);
});

scenario('what Pulsar says is too large is refused', async (world) => {
  world.send('1');
  const peer = await world.endpoint.peer(0);
  await eventually('it goes out', () => peer.frames.length === 1);
  answer(
    peer,
    0,
    'send-error:8',
    'The producer p of the topic t sends a message with 9 bytes that exceeds 5 bytes',
  );
  await eventually('it settles', () => statusOf(world, '1') === 'refused');
});

scenario('after any other failure nothing that was sent later counts as published', async (world) => {
  for (const payload of ['1', '2', '3']) world.send(payload);
  const peer = await world.endpoint.peer(0);
  await eventually('all go out', () => peer.frames.length === 3);
  answer(peer, 0, 'send-error:8', 'the ledger is fenced');
  answer(peer, 1);
  await eventually('all settle', () => world.outcomes.size === 3);
  assert.equal(
    ['1', '2', '3'].map((payload) => statusOf(world, payload)),
    ['retryable', 'retryable', 'retryable'],
  );
  await world.endpoint.peer(1);
});

for (const frame of ['<html>', '{"result":"send-error:3","errorMsg":"no JSON","context":null}', '{}']) {
  scenario(
    `after ${frame}, which belongs to no message, all is retryable over a new connection`,
    async (world) => {
      world.send('1');
      const peer = await world.endpoint.peer(0);
      await eventually('it goes out', () => peer.frames.length === 1);
      peer.send(frame);
      await eventually('it settles', () => statusOf(world, '1') === 'retryable');
      await world.endpoint.peer(1);
    },
  );
}

scenario('an answer to what was never sent changes nothing', async (world) => {
  world.send('1');
  const peer = await world.endpoint.peer(0);
  await eventually('it goes out', () => peer.frames.length === 1);
  peer.send({ result: 'ok', messageId: 'CAcQAA==', context: '99' });
  answer(peer, 0);
  await eventually('it settles', () => statusOf(world, '1') === 'durable');
});

for (const told of [
  'Text message size [2700] exceeds maximum size [1024]',
  'Resulting message size [2048] is too large for configured max of [1024]',
]) {
  scenario(
    `a frame larger than the broker reads (${told}) is refused with its limit; smaller ones are retryable`,
    async (world) => {
      world.send('x'.repeat(2_000));
      world.send('small');
      const peer = await world.endpoint.peer(0);
      await eventually('both go out', () => peer.frames.length === 2);
      peer.socket.close(1009, told);
      await eventually('both settle', () => world.outcomes.size === 2);
      const outcome = world.outcomes.get('x'.repeat(2_000));
      assert.is(outcome?.status, 'refused');
      assert.match(
        outcome?.status === 'refused' ? outcome.reason : '',
        /more than 1024, the broker's webSocketMaxTextFrameSize/,
      );
      assert.is(statusOf(world, 'small'), 'retryable');
    },
  );
}

scenario('where the broker does not tell its limit, the largest frame alone is refused', async (world) => {
  world.send('x'.repeat(2_000));
  world.send('x'.repeat(1_999));
  const peer = await world.endpoint.peer(0);
  await eventually('both go out', () => peer.frames.length === 2);
  peer.socket.close(1009);
  await eventually('both settle', () => world.outcomes.size === 2);
  assert.is(statusOf(world, 'x'.repeat(2_000)), 'refused');
  assert.is(statusOf(world, 'x'.repeat(1_999)), 'retryable');
});

scenario('what is not answered within 30 s is retryable, though the connection lives', async (world) => {
  const peer = await world.endpoint.peer(0);
  world.send('1');
  await eventually('it goes out', () => peer.frames.length === 1);
  for (let seconds = 0; seconds < 25; seconds += 5) {
    world.clock.advance(5_000);
    peer.send({ result: 'ok', messageId: 'CAcQAA==', context: '99' }); // it lives
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.is(world.outcomes.size, 0);
  world.clock.advance(5_000);
  await eventually('it settles', () => statusOf(world, '1') === 'retryable');
  await world.endpoint.peer(1);
});

scenario('closing waits for the answers, and takes no more', async (world) => {
  world.send('1');
  const peer = await world.endpoint.peer(0);
  await eventually('it goes out', () => peer.frames.length === 1);
  let isClosed = false;
  const closing = world.producer.close().then(() => {
    isClosed = true;
  });
  world.send('2');
  assert.is(statusOf(world, '2'), 'retryable');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.not(isClosed);
  answer(peer, 0);
  await closing;
  assert.is(statusOf(world, '1'), 'durable');
});

scenario('closing settles also what is never answered', async (world) => {
  world.send('1');
  const peer = await world.endpoint.peer(0);
  await eventually('it goes out', () => peer.frames.length === 1);
  const closing = world.producer.close();
  world.clock.advance(5_000);
  await closing;
  assert.is(statusOf(world, '1'), 'retryable');
});

test.run();
