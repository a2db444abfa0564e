import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '../../testing/observation.ts';
import { handClock, localEndpoint } from '../testing/local-endpoint.ts';
import { openLink } from './link.ts';

const test = suite('link to the WebSocket API');

const open = (url: string, { runtime } = handClock()) => {
  const seen = {
    opened: 0,
    frames: [] as string[],
    lost: [] as { reason: string; status?: number | undefined }[],
  };
  const link = openLink(
    { runtime, client: { headers: { authorization: 'Bearer t' } } },
    {
      url: () => url,
      opened: () => void seen.opened++,
      received: (frame) => void seen.frames.push(frame),
      lost: (reason, status) => void seen.lost.push({ reason, status }),
    },
  );
  return { link, seen };
};

test('it connects with its headers, sends and receives', async () => {
  let authorization: string | undefined;
  const endpoint = await localEndpoint({
    verifyClient: ({ req }: { readonly req: IncomingMessage }) => {
      authorization = req.headers.authorization;
      return true;
    },
  });
  const { link, seen } = open(`${endpoint.url}/a?b=c`);
  const peer = await endpoint.peer(0);
  await eventually('it is open', () => link.isOpen);
  assert.is(peer.url, '/a?b=c');
  assert.is(authorization, 'Bearer t');
  link.send('{"n":1}');
  peer.send('hello');
  await eventually('both arrive', () => peer.frames.length === 1 && seen.frames.length === 1);
  await link.close();
  await eventually('the server sees the end', () => peer.socket.readyState === peer.socket.CLOSED);
  assert.equal(seen.lost, [], 'closing is no loss');
  await endpoint.close();
});

test('a lost connection is made again, and nothing of the old one comes through', async () => {
  const endpoint = await localEndpoint();
  const { link, seen } = open(endpoint.url);
  await eventually('it is open', () => link.isOpen);
  (await endpoint.peer(0)).socket.close(1011, 'ill');
  await endpoint.peer(1);
  await eventually('it is open again', () => link.isOpen && seen.opened === 2);
  assert.equal(seen.lost, [{ reason: 'the broker closed the connection (1011 ill)', status: 1011 }]);
  assert.is(link.problem, undefined);
  link.drop('not wanted');
  assert.is(link.problem, 'not wanted');
  (await endpoint.peer(2)).send('new');
  await eventually('the new one receives', () => seen.frames.length === 1);
  assert.is(seen.lost.length, 2);
  await link.close();
  await endpoint.close();
});

test('a refusal is told by its status and in the words of the page', async () => {
  const server = createServer((_, response) => response.end());
  server.on('upgrade', (_, socket) => {
    socket.on('error', () => undefined); // who is refused may be gone before it has read all
    const page =
      '<html><tr><th>STATUS:</th><td>404</td></tr><tr><th>MESSAGE:</th><td>Failed: {&quot;errorMsg&quot;:&quot;Topic &lt;x&gt;\n not found&quot;,&quot;reqId&quot;:1}</td></tr>';
    socket.end(`HTTP/1.1 404 Not Found\r\ncontent-length: ${page.length}\r\n\r\n${page}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { link, seen } = open(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await eventually('it is refused', () => seen.lost.length > 0);
  assert.equal(seen.lost[0], {
    reason: 'the broker refuses the connection (404): Topic <x> not found',
    status: 404,
  });
  assert.is(link.problem, seen.lost[0]?.reason);
  await link.close();
  server.close();
});

test('where nobody listens it goes on trying, says why, and can be closed', async () => {
  const { link, seen } = open('ws://127.0.0.1:1');
  await eventually('it has tried thrice', () => seen.lost.length >= 3);
  assert.match(link.problem ?? '', /ECONNREFUSED/);
  await link.close();
  const attempts = seen.lost.length;
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.is(seen.lost.length, attempts, 'a closed link does not try');
});

test('a connection that answers no ping is dropped', async () => {
  const endpoint = await localEndpoint({ autoPong: false });
  const clock = handClock();
  const { link, seen } = open(endpoint.url, clock);
  const peer = await endpoint.peer(0);
  await eventually('it is open', () => link.isOpen);
  let pings = 0;
  peer.socket.on('ping', () => pings++);
  clock.advance(10_000);
  await eventually('it is asked', () => pings === 1);
  assert.equal(seen.lost, []);
  clock.advance(10_000);
  assert.is(seen.lost.length, 1);
  assert.match(seen.lost[0]?.reason ?? '', /has not answered/);
  await endpoint.peer(1);
  await link.close();
  await endpoint.close();
});

test('a connection that answers pings, or sends anything, is kept', async () => {
  const endpoint = await localEndpoint();
  const silent = await localEndpoint({ autoPong: false });
  for (const { url, speak } of [
    { url: endpoint.url, speak: false },
    { url: silent.url, speak: true },
  ]) {
    const clock = handClock();
    const { link, seen } = open(url, clock);
    const peer = await (speak ? silent : endpoint).peer(0);
    await eventually('it is open', () => link.isOpen);
    let pings = 0;
    peer.socket.on('ping', () => pings++);
    for (let round = 1; round <= 3; round++) {
      clock.advance(10_000);
      await eventually('it is asked', () => pings === round);
      if (speak) peer.send(`${round}`);
      await eventually('it speaks', () => !speak || seen.frames.length === round);
      await new Promise((resolve) => setTimeout(resolve, 50)); // the pong
    }
    assert.equal(seen.lost, []);
    await link.close();
  }
  await endpoint.close();
  await silent.close();
});

test('a paused link reads nothing more, and its silence is not taken for death', async () => {
  const endpoint = await localEndpoint({ autoPong: false });
  const clock = handClock();
  const { link, seen } = open(endpoint.url, clock);
  const peer = await endpoint.peer(0);
  await eventually('it is open', () => link.isOpen);
  link.pause();
  peer.send('later');
  clock.advance(30_000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(seen, { opened: 1, frames: [], lost: [] });
  link.resume();
  await eventually('it comes', () => seen.frames.length === 1);
  await link.close();
  await endpoint.close();
});

test('what was sent reaches the server before a closing ends, also of a link that is paused', async () => {
  const endpoint = await localEndpoint();
  const { link } = open(endpoint.url);
  const peer = await endpoint.peer(0);
  await eventually('it is open', () => link.isOpen);
  for (let n = 0; n < 1_000; n++) link.send(`{"n":${n}}`);
  link.pause();
  await Promise.all([link.close(), link.close()]);
  assert.is(peer.frames.length, 1_000);
  await endpoint.close();
});

test('closing ends also where the server never answers', async () => {
  const server = createTcpServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { link } = open(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await link.close();
  await new Promise((resolve) => server.close(resolve));
});

test.run();
