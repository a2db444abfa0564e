import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noDeletions, sendDelete } from './deletions.ts';

const test = suite('what a client knows of its DELETEs');

/** DELETEs of one thing, one after the other. @param answers their statuses; undefined where the server dies instead */
const after = async (...answers: readonly (number | undefined)[]) => {
  const left = [...answers];
  const server = createServer((request, response) => {
    const status = left.shift();
    if (status === undefined) request.socket.destroy();
    else response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const deletions = noDeletions();
  for (const _ of answers) await sendDelete(url, deletions);
  await new Promise((resolve) => server.close(resolve));
  return deletions;
};

test('a 202 promises it, and a refusal is none', async () => {
  assert.equal(await after(202), { promised: true, unanswered: 0 });
  assert.equal(await after(409), { promised: false, unanswered: 0 });
});

test('one without an answer, or with a 503, may have been obeyed', async () => {
  assert.equal(await after(undefined), { promised: false, unanswered: 1 });
  assert.equal(await after(503), { promised: false, unanswered: 1 });
});

test('one that was not answered may be why a later one is refused', async () => {
  assert.equal(await after(undefined, 409), { promised: false, unanswered: 1 });
  assert.equal(await after(undefined, 404, 202), { promised: true, unanswered: 1 });
});

test.run();
