import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BusMessage, Settled } from '../bus.ts';
import { publishByKey } from './publish-by-key.ts';

const test = suite('publish by key');

const message = (topic: string, key: string, payload: string): BusMessage => ({
  topic,
  key,
  properties: {},
  payload: Buffer.from(payload),
});

/** A broker that is told when, and how, each message is settled. */
class Broker {
  readonly sent: string[] = [];
  readonly #settle = new Map<string, (outcome: Settled) => void>();
  readonly #refused: ReadonlySet<string>;

  constructor(refused: readonly string[] = []) {
    this.#refused = new Set(refused);
  }

  send = ({ payload }: BusMessage, settle: (outcome: Settled) => void): Settled | undefined => {
    const name = Buffer.from(payload).toString();
    if (this.#refused.has(name)) return { status: 'refused', reason: name };
    this.sent.push(name);
    this.#settle.set(name, settle);
    return undefined;
  };

  settle(name: string, status: 'durable' | 'retryable' = 'durable'): void {
    this.#settle.get(name)?.(status === 'durable' ? { status } : { status, reason: 'away' });
  }
}

const statuses = async (published: Promise<Settled[]>): Promise<string[]> =>
  (await published).map(({ status }) => status);

test('nothing is settled as nothing', async () => {
  assert.equal(await publishByKey([], new Broker().send), []);
});

test('messages of one key and topic are all sent before the first is durable', async () => {
  const broker = new Broker();
  const published = publishByKey(
    ['1', '2', '3'].map((name) => message('t', 'a', name)),
    broker.send,
  );
  assert.equal(broker.sent, ['1', '2', '3']);
  for (const name of broker.sent) broker.settle(name);
  assert.equal(await statuses(published), ['durable', 'durable', 'durable']);
});

test('a message waits where an earlier one of its key, on another topic, is not durable yet', async () => {
  const broker = new Broker();
  const published = publishByKey(
    [message('t', 'a', '1'), message('u', 'a', '2'), message('t', 'a', '3'), message('u', 'b', '4')],
    broker.send,
  );
  assert.equal(broker.sent, ['1', '4']);
  broker.settle('1');
  assert.equal(broker.sent, ['1', '4', '2']);
  broker.settle('2');
  broker.settle('3');
  broker.settle('4');
  assert.equal(await statuses(published), ['durable', 'durable', 'durable', 'durable']);
});

test('what waits for a message that fails is not sent', async () => {
  const broker = new Broker();
  const published = publishByKey([message('t', 'a', '1'), message('u', 'a', '2')], broker.send);
  broker.settle('1', 'retryable');
  assert.equal(await statuses(published), ['retryable', 'retryable']);
  assert.equal(broker.sent, ['1']);
});

test('after one that failed a later one of its key is told to be published again, whatever became of it', async () => {
  const broker = new Broker();
  const published = publishByKey([message('t', 'a', '1'), message('t', 'a', '2')], broker.send);
  broker.settle('1', 'retryable');
  broker.settle('2');
  assert.equal(await statuses(published), ['retryable', 'retryable']);
});

test('after one that is not taken nothing of its key is sent, and other keys are', async () => {
  const broker = new Broker(['2']);
  const published = publishByKey(
    [message('t', 'a', '1'), message('t', 'a', '2'), message('t', 'a', '3'), message('t', 'b', '4')],
    broker.send,
  );
  assert.equal(broker.sent, ['1', '4']);
  broker.settle('1');
  broker.settle('4');
  assert.equal(await statuses(published), ['durable', 'refused', 'retryable', 'durable']);
});

test.run();
