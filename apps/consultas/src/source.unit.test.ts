import { HttpError } from '@cordada/infra/http/errors.ts';
import type { ServiceRequest } from '@cordada/infra/http/service-client.ts';
import { manualRuntime } from '@cordada/infra/testing/test-server.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { idRefOf, refOf } from './item.ts';
import { sourceAt } from './source.ts';

const test = suite('reading items at consolidador');

const id = (n: number): string => `0199a1f0-7c3e-7000-8000-${String(n).padStart(12, '0')}`;
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Consolidador with items 1 to 9, the first of which has the SKUs `SKU-1` and the tenth id, whose answers are held back until they are let go. */
const open = () => {
  const asked: string[] = [];
  const held: { release(): void; fail(): void }[] = [];
  const item = (n: number) => ({ id: id(n), name: `Nombre ${n}`, precio: 12.5 });
  const answer = async <Body>(what: string, body: unknown): Promise<Body> => {
    asked.push(what);
    await new Promise<void>((release, reject) =>
      held.push({
        release,
        fail: () => reject(new HttpError({ status: 503, code: 'NO_DISPONIBLE', detail: 'away' })),
      }),
    );
    return body as Body;
  };
  const all = Array.from({ length: 9 }, (_, n) => item(n + 1));
  const runtime = manualRuntime();
  const source = sourceAt(
    {
      call: <Body>({ query }: ServiceRequest): Promise<Body> => {
        const ids = String(query?.ids).split(',');
        const items = all.filter((one) => ids.includes(one.id)).reverse();
        return answer(ids.map((one) => Number(one.slice(-3))).join(' '), { items });
      },
      find: <Body>({ path }: ServiceRequest): Promise<Body | undefined> =>
        answer(path.join('/'), path[1] === 'SKU-1' || path[1] === id(10) ? item(1) : undefined),
    },
    runtime,
  );
  const read = (n: number): Promise<string | undefined> =>
    source.item(idRefOf(id(n))).then((found) => found?.name);
  return { asked, held, runtime, source, read };
};

test('one item is asked for at once; those that are missed soon after it share the next request', async () => {
  const { asked, held, runtime, read } = open();
  const reads = [read(1)];
  await settled();
  assert.equal(asked, ['1']);
  reads.push(read(2));
  runtime.advance(9);
  held[0]?.release();
  reads.push(read(3), read(4));
  await settled();
  assert.equal(asked, ['1']);
  runtime.advance(1);
  await settled();
  assert.equal(asked, ['1', '2 3 4']);
  held[1]?.release();
  assert.equal(await Promise.all(reads), ['Nombre 1', 'Nombre 2', 'Nombre 3', 'Nombre 4']);
});

test('a request that is not answered holds no other one up', async () => {
  const { asked, held, runtime, read } = open();
  const slow = read(1);
  await settled();
  const others = [read(2), read(3)];
  await settled();
  runtime.advance(10);
  await settled();
  assert.equal(asked, ['1', '2 3']);
  held[1]?.release();
  assert.equal(await Promise.all(others), ['Nombre 2', 'Nombre 3']);
  held[0]?.release();
  assert.is(await slow, 'Nombre 1');
  runtime.advance(10);
  const later = read(4);
  await settled();
  assert.equal(asked, ['1', '2 3', '4'], 'what was waited for is over');
  held[2]?.release();
  await later;
});

test('a clock that goes back holds nothing up', async () => {
  const { asked, held, runtime, read } = open();
  const reads = [read(1)];
  await settled();
  runtime.advance(-60_000);
  reads.push(read(2));
  runtime.advance(10);
  await settled();
  assert.equal(asked, ['1', '2']);
  for (const { release } of held) release();
  await Promise.all(reads);
});

test('what there is not is undefined, and the price is not shown', async () => {
  const { held, source } = open();
  const found = [source.item(idRefOf(id(12))), source.item(idRefOf(id(1)))];
  await settled();
  held[0]?.release();
  await settled();
  held[1]?.release();
  assert.equal(await Promise.all(found), [undefined, { id: id(1), name: 'Nombre 1' }]);
});

test('a UUID that is no id is looked for as what it may be besides: a SKU, a name', async () => {
  const { asked, held, source } = open();
  const found = source.item(idRefOf(id(10)));
  await settled();
  held[0]?.release();
  await settled();
  held[1]?.release();
  assert.equal(await found, { id: id(1), name: 'Nombre 1' });
  assert.equal(asked, ['10', `items/${id(10)}`]);
});

test('a request that fails fails for those who share it, and for nobody after them', async () => {
  const { held, read, runtime } = open();
  const failed = [read(1), read(2)].map((one) => one.catch((error: HttpError) => error.statusCode));
  await settled();
  held[0]?.fail();
  assert.equal(await Promise.all(failed), [503, 503]);
  runtime.advance(10);
  const next = read(3);
  await settled();
  held[1]?.release();
  assert.is(await next, 'Nombre 3');
});

test('no request asks for more than consolidador answers at once', async () => {
  const { asked, held, read, runtime } = open();
  const reads = Array.from({ length: 250 }, (_, n) => read(n));
  for (let i = 0; i < 4; i += 1) {
    await settled();
    runtime.advance(10);
  }
  assert.equal(
    asked.map((ids) => ids.split(' ').length),
    [100, 100, 50],
  );
  for (; held.length > 0; await settled()) for (const { release } of held.splice(0)) release();
  await Promise.all(reads);
});

test('what an item is called by otherwise is asked for by itself', async () => {
  const { asked, held, source } = open();
  const found = source.item(refOf('SKU-1'));
  await settled();
  assert.equal(asked, ['items/SKU-1']);
  held[0]?.release();
  assert.equal(await found, { id: id(1), name: 'Nombre 1' });
});

test.run();
