import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BffUnreachable, bffClient } from './bff-client.ts';
import { followStream, readEvents, type StreamEvent, StreamRefused } from './event-stream.ts';

const pause = async (ms: number, signal?: AbortSignal): Promise<void> =>
  delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

const read = async (chunks: AsyncIterable<Uint8Array>): Promise<StreamEvent[]> => {
  const events: StreamEvent[] = [];
  for await (const event of readEvents(chunks)) events.push(event);
  return events;
};

const parser = suite('an event stream');

parser('is read the same however the network split it', async () => {
  const text =
    ': hello\nid: 7\nevent: saga\ndata: {"ñ":\ndata: 1}\n\nretry: 40\ndata: two\r\n\r\nid: 8\rdata: three\r\r';
  const whole = [
    { id: '7', event: 'saga', data: '{"ñ":\n1}' },
    { id: '7', event: 'message', data: 'two', retry: 40 },
    { id: '8', event: 'message', data: 'three' },
  ];
  assert.equal(await read(pieces(text, '\n')), whole);
  const bytes = [...Buffer.from(`${text}\n`)].map((byte) => Uint8Array.of(byte));
  async function* oneByOne(): AsyncGenerator<Uint8Array> {
    yield* bytes;
  }
  assert.equal(await read(oneByOne()), whole);
});

parser('drops the block it ended within, so that it is asked for again', async () => {
  assert.equal(await read(pieces('id: 1\ndata: a\n\nid: 2\ndata: b\n')), [
    { id: '1', event: 'message', data: 'a' },
  ]);
});

parser('moves the cursor by a block without data', async () => {
  assert.equal(await read(pieces('id: 5\n\n: only a comment\n\n')), [
    { id: '5', event: 'message', data: '' },
  ]);
});

parser('takes no id with a NUL in it', async () => {
  assert.equal((await read(pieces('id: a\nid: b\0\ndata: x\n\n')))[0]?.id, 'a');
});

parser.run();

interface Context {
  server: Server;
  base: string;
  answer: RequestListener;
}

const overHttp = suite<Context>('the client of the BFF, over a real connection', {} as Context);

overHttp.before(async (context) => {
  context.server = createServer((request, response) => context.answer(request, response));
  await new Promise<void>((resolve) => context.server.listen(0, '127.0.0.1', resolve));
  context.base = `http://127.0.0.1:${(context.server.address() as AddressInfo).port}`;
});

overHttp.after(async ({ server }) => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const client = (base: string) => bffClient({ base, fetch, pause, timeoutMs: 300 });

overHttp(
  'resumes after the last event it saw when the connection breaks, and stops on abort',
  async (context) => {
    const asked: (string | undefined)[] = [];
    context.answer = (request, response) => {
      asked.push(request.headers['last-event-id'] as string | undefined);
      const connection = asked.length;
      if (connection === 2) {
        response.writeHead(503).end();
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      response.write(
        `retry: 5\nid: ${connection}\nevent: saga\ndata: from ${connection}\n\nid: lost\ndata: half`,
      );
      if (connection < 4) setTimeout(() => response.destroy(), 10);
    };
    const stop = new AbortController();
    const seen: string[] = [];
    let opened = 0;
    const stream = client(context.base).follow(stop.signal, () => {
      opened += 1;
    });
    for await (const { id, event, data } of stream) {
      seen.push(`${id} ${event} ${data}`);
      if (seen.length === 3) stop.abort();
    }
    assert.equal(seen, ['1 saga from 1', '3 saga from 3', '4 saga from 4']);
    assert.equal(asked, [undefined, '1', '1', '3']);
    assert.is(opened, 3);
  },
);

overHttp('gives up on a stream that is refused', async (context) => {
  context.answer = (_, response) => {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
  };
  const stream = followStream({
    open: () => fetch(context.base),
    pause,
    signal: new AbortController().signal,
  });
  try {
    await stream.next();
    assert.unreachable();
  } catch (error) {
    assert.instance(error, StreamRefused);
  }
});

overHttp(
  'sends a body as JSON, keeps the path of its address, and hands back status, headers and text',
  async (context) => {
    context.answer = async (request, response) => {
      const body: Buffer[] = [];
      for await (const chunk of request) body.push(chunk as Buffer);
      response.writeHead(409, { 'content-type': 'application/json', location: '/there' });
      const { method, url, headers } = request;
      response.end(
        `{"method":"${method}","url":"${url}","type":"${headers['content-type']}","key":"${headers['idempotency-key']}","body":${Buffer.concat(body)}}`,
      );
    };
    const answer = await client(`${context.base}/under/`).send(
      'POST',
      '/campaña-commando',
      { a: 'ñ' },
      { 'idempotency-key': 'k' },
    );
    assert.is(answer.status, 409);
    assert.is(answer.headers.get('location'), '/there');
    assert.equal(answer.json, {
      method: 'POST',
      url: '/under/campa%C3%B1a-commando',
      type: 'application/json',
      key: 'k',
      body: { a: 'ñ' },
    });
  },
);

overHttp('keeps the digits that a double would lose in the text', async (context) => {
  context.answer = (_, response) => {
    response.end('{"presupuesto":9007199254740993.25}');
  };
  assert.is((await client(context.base).send('GET', '/')).text, '{"presupuesto":9007199254740993.25}');
});

overHttp('says so when nothing answers, and when the answer does not come in time', async (context) => {
  context.answer = () => undefined;
  for (const [base, says] of [
    [context.base, /no answer in time/],
    ['http://127.0.0.1:1', /ECONNREFUSED|bad port/],
  ] as const) {
    try {
      await client(base).send('GET', '/health');
      assert.unreachable();
    } catch (error) {
      assert.instance(error, BffUnreachable);
      assert.match((error as Error).message, says);
    }
  }
});

overHttp.run();
