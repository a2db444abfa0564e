import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { acknowledgeFrame, permitFrame, publishFrame, readDelivery, readPublishAnswer } from './frames.ts';

const test = suite('frames of the WebSocket API');

const delivered = (changed: Record<string, unknown> = {}): string =>
  JSON.stringify({
    messageId: 'CAcQAA==',
    payload: 'AP+A',
    properties: { 'ce-id': 'x' },
    publishTime: '2026-01-02T03:04:05.678Z',
    redeliveryCount: 0,
    key: 'k',
    ...changed,
  });

test('a message is published with its key, properties and bytes, whatever is in them', () => {
  const message = {
    topic: 'a/B.v1',
    key: 'café "1"\n',
    properties: { 'ce-subject': 'ñandú 🪶 \u2028', traceparent: '' },
    payload: Buffer.from([0, 255, 128, 10, 34]),
  };
  assert.equal(JSON.parse(publishFrame(message, 7)), {
    payload: 'AP+ACiI=',
    properties: message.properties,
    key: message.key,
    context: '7',
  });
});

test('a payload that is part of a larger buffer is published alone', () => {
  const payload = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
  const { payload: sent } = JSON.parse(
    publishFrame({ topic: 'a/B.v1', key: '', properties: {}, payload }, 0),
  );
  assert.equal([...Buffer.from(sent, 'base64')], [2, 3]);
});

test('acknowledgements and permits are what the broker reads', () => {
  assert.equal(JSON.parse(acknowledgeFrame('CAcQAA==')), { messageId: 'CAcQAA==' });
  assert.equal(JSON.parse(permitFrame(5)), { type: 'permit', permitMessages: 5 });
});

test('a message is read with all that it bears, and without key and properties where it has none', () => {
  assert.equal(readDelivery(delivered()), {
    messageId: 'CAcQAA==',
    key: 'k',
    properties: { 'ce-id': 'x' },
    payload: Buffer.from([0, 255, 128]),
    publishedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  });
  const bare = readDelivery(delivered({ key: undefined, properties: null }));
  assert.is(bare.key, '');
  assert.equal(bare.properties, {});
});

test('an answer says how its message ended', () => {
  assert.equal(readPublishAnswer('{"result":"ok","messageId":"CAcQAA==","context":"12"}'), {
    context: 12,
    error: 0,
    reason: '',
  });
  assert.equal(readPublishAnswer('{"result":"send-error:7","errorMsg":"no base64","context":"3"}'), {
    context: 3,
    error: 7,
    reason: 'no base64',
  });
  assert.equal(readPublishAnswer('{"result":"send-error:3","errorMsg":null,"context":null}'), {
    context: undefined,
    error: 3,
    reason: 'send-error:3',
  });
});

const isRefused = (read: () => unknown): boolean => {
  try {
    read();
    return false;
  } catch (error) {
    return (
      error instanceof Error &&
      error.message.startsWith('the broker sent what is not') &&
      !/\n/.test(error.message)
    );
  }
};

for (const frame of [
  '',
  'null',
  '[]',
  '3',
  '{"result":1}',
  '{"result":"sent"}',
  '{"result":"send-error:x"}',
  '<html>\n',
]) {
  test(`${JSON.stringify(frame)} is no answer`, () => {
    assert.ok(isRefused(() => readPublishAnswer(frame)));
  });
}

for (const [name, values] of Object.entries({
  messageId: [undefined, null, 3, '', 'no"base64'],
  payload: [undefined, null, 3, {}],
  properties: ['x', [], { a: 1 }, { a: null }],
  key: [3, {}],
  publishTime: [undefined, 'yesterday', 3],
})) {
  for (const value of values) {
    test(`a message whose ${name} is ${JSON.stringify(value)} is not taken`, () => {
      assert.ok(isRefused(() => readDelivery(delivered({ [name]: value }))));
    });
  }
}

test('what is not JSON is no message', () => {
  for (const frame of ['', '{', 'null', '[{}]', '"x"'])
    assert.ok(
      isRefused(() => readDelivery(frame)),
      frame,
    );
});

test.run();
