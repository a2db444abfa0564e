import { clearInterval, setInterval } from 'node:timers';
import { setTimeout as pause } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BusMessage, Settled } from '../bus/bus.ts';
import { systemRuntime } from '../system-runtime.ts';
import type { Lease, LeaseListener } from './lease.ts';
import { MemoryDatabase, memoryStore } from './memory-store.ts';
import { createRelay, type RelaySettings } from './relay.ts';
import type { NewOutboxRow, OutboxRow } from './store.ts';
import { eventually } from './testing/pipeline.ts';
import { retryUnpublished, skipUnpublished } from './unpublished.ts';

const test = suite('the relay');
const runtime = systemRuntime();
const alive = setInterval(() => {}, 1_000); // the runtime's timers keep no process alive
test.after(() => clearInterval(alive));

const row = (key: string, label: string): NewOutboxRow => ({
  topic: 'partner/PartnerRegistrado.v1',
  key,
  id: runtime.uuid(),
  props: { t: 0, v: '1.0#0000000000000000', k: label, s: 'a', p: '' },
  payload: Buffer.alloc(0),
});

/** A relay on an outbox in memory, and a bus that answers when and what the test says. */
const harness = (settings: Partial<RelaySettings> = {}, lease?: Lease) => {
  const store = memoryStore(new MemoryDatabase());
  /** Calls that wait for their answer. */
  const calls: { labels: string[]; key: string; answer(settled?: Settled[]): void }[] = [];
  /** Labels that were durable, in order. */
  const published: string[] = [];
  const errors: string[] = [];
  const parked: string[] = [];
  const publish = (messages: readonly BusMessage[]): Promise<Settled[]> =>
    new Promise((resolve) => {
      const labels = messages.map((message) => message.properties.idempotencykey as string);
      const call = {
        labels,
        key: messages[0]?.key as string,
        answer(settled: Settled[] = labels.map(() => ({ status: 'durable' }))) {
          calls.splice(calls.indexOf(call), 1);
          published.push(...labels.filter((_, i) => settled[i]?.status === 'durable'));
          resolve(settled);
        },
      };
      calls.push(call);
    });
  const make = () =>
    createRelay({
      store,
      bus: { publish },
      service: 'partner',
      runtime,
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: (_, text) => void errors.push(text) },
      metrics: {
        batch: () => {},
        retried: () => {},
        held: () => {},
        published: () => {},
        parked: (where) => void parked.push(where),
      },
      settings: { backoff: { firstMs: 1, mostMs: 5 }, deleteAfterMs: 1, sweepEveryMs: 60_000, ...settings },
      ...(lease && { replicas: { lease, written: () => {}, released: () => {} } }),
    });
  const relay = make();
  const left = () => store.sweep(1_000, []);
  /** Writes rows as a transaction does; it is read as committed when the answer is called. */
  const commit = async (...rows: NewOutboxRow[]) => {
    const ticket = relay.announce(rows.map((each) => each.key));
    const seqs = await store.transaction((tx) => store.enqueue(tx, rows));
    const numbered: OutboxRow[] = rows.map((each, i) => ({ ...each, seq: seqs[i] as number }));
    return {
      answered: () => ticket.committed(numbered),
      lost: () => ticket.abandoned('unknown'),
    };
  };
  /** Answers every call until `count` labels are durable. */
  const flow = (count: number) =>
    eventually(`${count} are published`, () => {
      for (const call of [...calls]) call.answer();
      return published.length >= count;
    });
  const listed = () => store.listParked({ after: 0, limit: 10 });
  return { relay, make, store, calls, published, errors, parked, commit, flow, left, listed };
};

const started = async (settings?: Partial<RelaySettings>) => {
  const h = harness(settings);
  h.relay.start();
  await pause(2);
  return h;
};

test('a row of a later commit waits for an earlier one of its key whose answer is read after it', async () => {
  const { commit, calls, published, flow } = await started();
  const first = await commit(row('k', '1'));
  const second = await commit(row('k', '2'));
  second.answered();
  await pause(2);
  assert.is(calls.length, 0, 'nothing may go while a lower seq may be on its way');
  first.answered();
  await flow(2);
  assert.equal(published, ['1', '2']);
});

test('a transaction that is rolled back holds nobody up', async () => {
  const { relay, commit, published, flow } = await started();
  const ticket = relay.announce(['k']);
  const second = await commit(row('k', '2'));
  second.answered();
  ticket.abandoned('rolled-back');
  await flow(1);
  assert.equal(published, ['2']);
});

test('a transaction that began after a row was committed does not hold it up', async () => {
  const { relay, commit, published, flow } = await started();
  (await commit(row('k', '1'))).answered();
  (await commit(row('k', '2'))).answered(); // waits for the first's call to end
  relay.announce(['k']);
  await flow(2);
  assert.equal(published, ['1', '2']);
});

test('other keys do not wait for a transaction', async () => {
  const { relay, commit, published, flow } = await started();
  relay.announce(['k']);
  (await commit(row('j', '1'))).answered();
  await flow(1);
  assert.equal(published, ['1']);
});

test('a row committed in a transaction whose answer was lost goes before the next of its key', async () => {
  const { commit, published, flow, store } = await started();
  const { sweep } = store;
  let hidden = 1; // its commit takes effect after the sweep that the loss brings about
  store.sweep = async (...parameters) => (hidden-- > 0 ? [] : sweep(...parameters));
  const lost = await commit(row('k', '1'));
  lost.lost();
  await pause(5);
  (await commit(row('k', '2'))).answered();
  await flow(2);
  assert.equal(published, ['1', '2']);
});

test('one call per key is under way, with all its rows that are ready', async () => {
  const { commit, calls, published, flow } = await started();
  (await commit(row('k', '1'))).answered();
  (await commit(row('k', '2'), row('j', '3'))).answered();
  (await commit(row('k', '4'))).answered();
  assert.equal(
    calls.map((call) => call.labels),
    [['1'], ['3']],
  );
  calls[0]?.answer();
  await pause(1);
  assert.equal(
    calls.map((call) => call.labels),
    [['3'], ['2', '4']],
  );
  await flow(4);
  assert.equal(published, ['1', '3', '2', '4']);
});

test('what is retryable is published again, in order, and the later ones of its key wait', async () => {
  const { commit, calls, published, flow } = await started();
  const retryable: Settled = { status: 'retryable', reason: 'away' };
  (await commit(row('k', '1'), row('k', '2'), row('k', '3'))).answered();
  calls[0]?.answer([{ status: 'durable' }, retryable, retryable]);
  (await commit(row('k', '4'))).answered();
  await eventually('it is tried again', () => calls.length === 1);
  assert.equal(calls[0]?.labels, ['2', '3', '4']);
  calls[0]?.answer([retryable, retryable, retryable]);
  await flow(4);
  assert.equal(published, ['1', '2', '3', '4']);
});

test('a refused message parks its key with one alert, stalls no other, and is tried again by the next start', async () => {
  const { relay, make, commit, calls, published, errors, parked, flow, left } = await started();
  (await commit(row('k', '1'), row('k', '2'), row('k', '3'))).answered();
  calls[0]?.answer([
    { status: 'durable' },
    { status: 'refused', reason: 'too large' },
    { status: 'retryable', reason: 'an earlier one' },
  ]);
  (await commit(row('k', '4'), row('j', '5'))).answered();
  await flow(2);
  assert.equal(published, ['1', '5']);
  assert.equal(
    relay.parked().map(({ key, reason }) => [key, reason]),
    [['k', 'too large']],
  );
  assert.is(errors.length, 1);
  assert.equal(parked, ['outbox']);
  assert.is(relay.pending(), 0);
  assert.is(await relay.drain(1_000), 0, 'a stop does not wait for it');
  assert.equal(
    (await left()).map((each) => each.props.k),
    ['2', '3', '4'],
  );
  make().start();
  await flow(5);
  assert.equal(published.slice(2), ['2', '3', '4']);
});

const refused: Settled[] = [
  { status: 'refused', reason: 'too large' },
  { status: 'retryable', reason: 'an earlier one' },
];
const verbOn = (seq = 0) => ({ seq, who: 'ana', reason: 'x' });

for (const told of [true, false])
  test(`a refused message is listed, and goes on in order when it is retried, ${told ? 'at once' : 'even when nobody tells'}`, async () => {
    const h = await started({ sweepEveryMs: told ? 60_000 : 20 });
    (await h.commit(row('k', '1'), row('k', '2'))).answered();
    h.calls[0]?.answer(refused);
    await eventually('it is listed', async () => (await h.listed()).length === 1);
    const [listed] = await h.listed();
    assert.is(listed?.reason, 'too large');
    assert.is(listed?.key, 'k');
    assert.is((await retryUnpublished(h.store, verbOn(listed?.seq), new Date())).status, 'done');
    assert.equal(await h.listed(), []);
    if (told) h.relay.reconsider();
    await eventually('it is published again', () => h.calls.length === 1);
    assert.equal(h.calls[0]?.labels, ['1', '2']);
    (await h.commit(row('k', '3'))).answered();
    await h.flow(3);
    assert.equal(h.published, ['1', '2', '3']);
    assert.equal(h.relay.parked(), []);
    assert.is(await h.relay.drain(1_000), 0);
  });

test('a refused message that is skipped is published by nobody, and the next of its key goes on', async () => {
  const h = await started();
  (await h.commit(row('k', '1'), row('k', '2'))).answered();
  h.calls[0]?.answer(refused);
  await eventually('it is listed', async () => (await h.listed()).length === 1);
  const [{ seq } = { seq: 0 }] = await h.listed();
  assert.is((await skipUnpublished(h.store, verbOn(seq), new Date())).status, 'done');
  h.relay.reconsider();
  await h.flow(1);
  assert.equal(h.published, ['2']);
  await h.relay.drain(1_000);
  assert.equal(await h.left(), []);
});

test('who loses the lease has nothing parked, and tries what was refused again once it has it back', async () => {
  let leads = true;
  let listener: LeaseListener | undefined;
  const h = harness(
    {},
    {
      start(told) {
        listener = told;
      },
      held: () => leads,
      look: () => {},
      release: async () => {},
    },
  );
  h.relay.start();
  listener?.taken();
  (await h.commit(row('k', '1'), row('k', '2'))).answered();
  await eventually('it is published', () => h.calls.length === 1);
  h.calls[0]?.answer(refused);
  await eventually('it is listed', async () => (await h.listed()).length === 1);
  assert.is(h.relay.parked().length, 1);
  leads = false;
  listener?.lost();
  assert.equal(h.relay.parked(), []);
  leads = true;
  listener?.taken();
  await h.flow(2);
  assert.equal(h.published, ['1', '2']);
  await h.relay.drain(1_000);
});

test('a message that is refused again is parked and listed again', async () => {
  const h = await started();
  (await h.commit(row('k', '1'), row('k', '2'))).answered();
  for (let times = 1; times <= 2; times += 1) {
    await eventually('it is published', () => h.calls.length === 1);
    h.calls[0]?.answer(refused);
    await eventually('it is listed', async () => (await h.listed()).length === 1);
    assert.is(h.parked.length, times);
    const [listed] = await h.listed();
    await retryUnpublished(h.store, verbOn(listed?.seq), new Date());
    h.relay.reconsider();
  }
  await h.flow(2);
  assert.equal(h.published, ['1', '2']);
  await h.relay.drain(1_000);
});

test('what a process left that died is published first, and nothing twice', async () => {
  const { relay, commit, calls, published, flow, store, left } = harness();
  await store.transaction((tx) => store.enqueue(tx, [row('k', '1')]));
  (await commit(row('k', '2'))).answered();
  await pause(2);
  assert.is(calls.length, 0);
  relay.start();
  await flow(2);
  await eventually('they are deleted', async () => (await left()).length === 0);
  assert.equal(published, ['1', '2']);
});

test('what another process left is found by a later sweep', async () => {
  const { published, flow, store } = await started({ sweepEveryMs: 5 });
  await store.transaction((tx) => store.enqueue(tx, [row('k', '1')]));
  await flow(1);
  await pause(30);
  assert.equal(published, ['1']);
});

test('rows beyond the capacity wait in the outbox, and come in order', async () => {
  const { commit, published, flow, relay, left } = await started({ capacity: 4 });
  for (let n = 0; n < 30; n++) (await commit(row(n % 2 ? 'odd' : 'even', String(n)))).answered();
  assert.ok(relay.pending() <= 4, `${relay.pending()} rows are in memory`);
  await flow(30);
  const odd = published.filter((label) => Number(label) % 2);
  const even = published.filter((label) => Number(label) % 2 === 0);
  assert.is(published.length, 30, 'none twice');
  assert.equal(
    odd,
    [...odd].sort((a, b) => Number(a) - Number(b)),
  );
  assert.equal(
    even,
    [...even].sort((a, b) => Number(a) - Number(b)),
  );
  await eventually('they are deleted', async () => (await left()).length === 0);
});

test('durable rows are deleted together', async () => {
  const { commit, store, flow, left } = await started({ deleteAfterMs: 20 });
  const { deletePublished } = store;
  let deletes = 0;
  store.deletePublished = (seqs) => {
    deletes += 1;
    return deletePublished(seqs);
  };
  for (let n = 0; n < 10; n++) (await commit(row(`k${n}`, String(n)))).answered();
  await flow(10);
  await eventually('they are deleted', async () => (await left()).length === 0);
  assert.is(deletes, 1);
});

test('a database that is away is asked again, for the sweep and for the deletes', async () => {
  const h = harness();
  const { sweep, deletePublished } = h.store;
  let away = 3;
  const failing =
    <A extends unknown[], R>(ask: (...parameters: A) => Promise<R>) =>
    async (...parameters: A): Promise<R> => {
      if (away-- > 0) throw new Error('away');
      return ask(...parameters);
    };
  h.store.sweep = failing(sweep);
  await h.commit(row('k', '1')).then((lost) => lost.lost());
  h.relay.start();
  await h.flow(1);
  h.store.sweep = sweep;
  away = 2;
  h.store.deletePublished = failing(deletePublished);
  await eventually('it is deleted', async () => (await h.left()).length === 0);
});

test('a stop publishes what is left, and says how much stays behind when there is no time', async () => {
  const { commit, relay, calls, flow, left } = await started();
  (await commit(row('k', '1'))).answered();
  const drained = relay.drain(1_000);
  await flow(1);
  assert.is(await drained, 0);
  assert.equal(await left(), []);
  const other = await started();
  (await other.commit(row('k', '1'))).answered();
  assert.is(await other.relay.drain(5), 1);
  assert.is((await other.left()).length, 1);
  assert.is(calls.length, 0);
});

test.run();
