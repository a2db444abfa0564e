import { Writable } from 'node:stream';
import { manualRuntime } from '@cordada/infra/testing/test-server.ts';
import type { FastifyReply } from 'fastify';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openEventStream } from './event-stream.ts';

const test = suite('an event stream');

/** A response whose client takes what is written, until it is told to take no more. */
class Response extends Writable {
  text = '';
  headers: Record<string, string> = {};
  deaf = false;
  #untaken: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 64, decodeStrings: false });
  }

  writeHead(status: number, headers: Record<string, string>): void {
    this.headers = { status: String(status), ...headers };
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    const take = (): void => {
      this.text += chunk;
      done();
    };
    if (this.deaf) this.#untaken = take;
    else take();
  }

  listen(): void {
    this.deaf = false;
    this.#untaken?.();
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const opened = () => {
  const runtime = manualRuntime();
  const raw = new Response();
  let hijacked = false;
  const reply = {
    raw,
    hijack() {
      hijacked = true;
    },
    getHeaders: () => ({ 'x-request-id': 'r-1' }),
  } as unknown as FastifyReply;
  const stream = openEventStream(reply, runtime);
  assert.ok(hijacked);
  return { runtime, raw, stream };
};

/** The outcome of a promise so far. */
const stateOf = async (promise: Promise<unknown>): Promise<unknown> => {
  await settle();
  return Promise.race([promise, Promise.resolve('pending')]);
};

test('begins with its headers, those of every answer among them, and when to connect again', () => {
  const { raw } = opened();
  assert.match(raw.headers['content-type'] ?? '', /^text\/event-stream/);
  assert.is(raw.headers.status, '200');
  assert.is(raw.headers['x-request-id'], 'r-1');
  assert.is(raw.headers.connection, 'close');
  assert.is(raw.text, 'retry: 1000\n\n');
});

test('says every 15 s that it lives, and stops saying so at its end', async () => {
  const { runtime, raw, stream } = opened();
  const comments = (): number => raw.text.split(':\n\n').length - 1;
  runtime.advance(14_999);
  assert.is(comments(), 0);
  runtime.advance(1);
  assert.is(comments(), 1);
  runtime.advance(15_000);
  assert.is(comments(), 2);
  stream.close();
  await stream.ended;
  runtime.advance(60_000);
  assert.is(comments(), 2);
});

test('a write waits while the client takes nothing, and no comment piles up meanwhile', async () => {
  const { runtime, raw, stream } = opened();
  raw.deaf = true;
  const written = stream.write('x'.repeat(200));
  assert.is(await stateOf(written), 'pending');
  const { writableLength } = raw;
  runtime.advance(45_000);
  assert.is(raw.writableLength, writableLength);
  raw.listen();
  assert.is(await written, true);
  assert.match(raw.text, 'x'.repeat(200));
});

test('a client that takes nothing for a minute is cut off', async () => {
  const { runtime, raw, stream } = opened();
  raw.deaf = true;
  const written = stream.write('x'.repeat(200));
  runtime.advance(59_999);
  assert.is(await stateOf(written), 'pending');
  runtime.advance(1);
  assert.is(await written, false);
  await stream.ended;
  assert.ok(raw.destroyed);
});

test('a client that goes while a write waits ends the wait', async () => {
  const { raw, stream } = opened();
  raw.deaf = true;
  const written = stream.write('x'.repeat(200));
  raw.destroy();
  assert.is(await written, false);
  await stream.ended;
  assert.is(await stream.write('more'), false);
});

for (const length of [10, 200])
  test(`is closed to a client that does not take the last ${length} characters after a second`, async () => {
    const { runtime, raw, stream } = opened();
    raw.deaf = true;
    void stream.write('x'.repeat(length));
    stream.close();
    runtime.advance(999);
    assert.not(raw.destroyed);
    runtime.advance(1);
    await stream.ended;
    assert.ok(raw.destroyed);
  });

test.run();
