// time limit: 300 s
/** What the API promises whichever replica answers: of the services that `npm run test:distributed` starts, two or three each. */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { forServices } from '@cordada/infra/config/services.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { apiUnderTest, isRefused } from '../api-fleet.ts';
import { runningFleet } from '../running-fleet.ts';

const running = runningFleet();
const { fleet, call, campaign } = await apiUnderTest();
/** Of a fleet in this process each service has one. */
const urls = running?.urls ?? forServices((name) => [fleet.urls[name]]);
const keepsNothing = new Set(['bff', 'consultas']);
const test = suite('replicas');

test('every replica of every service says that it is ready, and which service it is', async () => {
  for (const [service, replicas] of Object.entries(urls)) {
    assert.is(replicas.length > 1, running !== undefined);
    for (const url of replicas) {
      const answer = await fetch(`${url}/ready`);
      assert.is(answer.status, 200);
      const report = (await answer.json()) as { service: string; checks: Record<string, string> };
      assert.is(report.service, service);
      assert.is(report.checks.bus, 'ok');
      if (!keepsNothing.has(service)) assert.is(report.checks.database, 'ok');
    }
  }
});

test('a saga that any BFF took can be read and waited for at once by the other one', async () => {
  for (let turn = 0; turn < 10; turn += 1) {
    const taken = await call('POST', '/registrar-campaign', campaign(2));
    assert.is(taken.status, 202, taken.text);
    const read = await call('GET', taken.header('location') ?? '');
    assert.ok(read.status === 200 || (read.status === 404 && read.header('retry-after') !== undefined));
  }
  for (let turn = 0; turn < 10; turn += 1) {
    const waited = await call('POST', '/registrar-campaign', campaign(2), { prefer: 'wait=60' });
    assert.is(waited.status, 200, waited.text);
    assert.is(waited.json.estado, 'COMPLETED');
  }
});

test('one key at both BFFs at the same time makes one saga', async () => {
  for (let turn = 0; turn < 10; turn += 1) {
    const body = campaign(1);
    const key = { 'idempotency-key': randomUUID() };
    const answers = await Promise.all([0, 1, 2, 3].map(() => call('POST', '/registrar-campaign', body, key)));
    const taken = answers.filter(({ status }) => status === 202);
    assert.ok(taken.length >= 1);
    assert.is(new Set(taken.map(({ json }) => json.id)).size, 1);
    for (const other of answers.filter(({ status }) => status !== 202))
      isRefused(other, 409, 'PETICION_EN_CURSO');
    const again = await call('POST', '/registrar-campaign', body, key);
    assert.is(again.status, 202);
    assert.is(again.header('idempotent-replayed'), 'true');
    assert.is(again.json.id, taken[0]?.json.id);
    const { sagas } = (await call('GET', `/api/sagas?clave=${encodeURIComponent(body.marca_id)}`)).json;
    assert.is(sagas.length, 1);
    isRefused(
      await call('POST', '/registrar-campaign', { ...body, nombre: 'otra' }, key),
      422,
      'CLAVE_REUTILIZADA',
    );
  }
});

test('a stream goes on at the other BFF after the last event of this one, without a gap or a repeat', async () => {
  const [first = ''] = urls.bff;
  const second = urls.bff.at(-1) ?? '';
  const seen: { id: string; saga: string; n: number }[] = [];
  const follow = async (base: string, lastId: string | undefined, until: () => boolean): Promise<void> => {
    const stop = new AbortController();
    const answer = await fetch(`${base}/stream`, {
      signal: stop.signal,
      headers: lastId === undefined ? {} : { 'last-event-id': lastId },
    });
    assert.is(answer.status, 200);
    let text = '';
    let id = '';
    try {
      for await (const chunk of answer.body ?? []) {
        text += Buffer.from(chunk).toString();
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const block = text.slice(0, end);
          text = text.slice(end + 2);
          id = /^id: (.*)$/m.exec(block)?.[1] ?? id;
          const data = /^data: (.*)$/m.exec(block)?.[1];
          if (data === undefined) cursors.push(id);
          else {
            const { saga, n } = JSON.parse(data) as { saga: string; n: number };
            seen.push({ id, saga, n });
          }
        }
        if (until()) break;
      }
    } finally {
      stop.abort();
    }
  };
  const cursors: string[] = [];
  const ours: string[] = [];
  const register = async (): Promise<void> => {
    const { json } = await call('POST', '/registrar-campaign', campaign(3), { prefer: 'wait=60' });
    ours.push(json.id);
  };
  const longEnough = (saga: string): boolean => seen.filter((one) => one.saga === saga).length >= 3;
  const opened = follow(first, undefined, () => ours.length === 3 && ours.every(longEnough));
  while (cursors.length === 0) await wait(20);
  for (let turn = 0; turn < 3; turn += 1) await register();
  await opened;
  // Both BFFs are asked for what comes after the same event: nobody listens while it happens.
  const last = seen.at(-1)?.id ?? '';
  for (let turn = 0; turn < 3; turn += 1) await register();
  const before = seen.length;
  await follow(second, last, () => ours.slice(3).every(longEnough));
  const atSecond = seen.splice(before);
  await follow(first, last, () => seen.length - before >= atSecond.length);
  assert.equal(seen.slice(before, before + atSecond.length), atSecond, 'both tell the same');
  for (const saga of ours) {
    const steps = seen.filter((one) => one.saga === saga).map(({ n }) => n);
    assert.equal(
      steps,
      [...new Set(steps)].sort((a, b) => a - b),
      'in order, each once',
    );
  }
});

test.after(() => fleet.stop());

test.run();
