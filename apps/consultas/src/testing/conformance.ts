import { decodeUtf8 } from '@cordada/infra/http/utf8.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { refOf } from '../item.ts';
import { Desk, eventually, type MakeCache, pause, Warehouse } from './desk.ts';

/**
 * What holds of reads, whatever the cache.
 * @param make an empty cache for each sentence, where it is not shared
 */
export const cacheConformance = (name: string, make: () => Promise<MakeCache>) => {
  const test = suite(`reading through ${name}`);

  const holds = (sentence: string, body: (desk: Desk) => Promise<void>): void => {
    test(sentence, async () => {
      const desk = new Desk(await make());
      await eventually('the cache can be used', () => desk.cache.usable());
      try {
        await body(desk);
      } finally {
        desk.close();
      }
    });
  };

  holds('what was read is kept, for every name that it was asked by', async (desk) => {
    const { id, sku, numero, name: called } = desk.warehouse.add();
    assert.is(await desk.read(id), 'MISS 10');
    assert.is(await desk.read(id.toUpperCase()), 'HIT 10');
    assert.is(await desk.read(id, 'stock'), 'HIT 10', 'one entry for both views');
    for (const ref of [sku, String(numero), called]) {
      assert.is(await desk.read(ref), 'MISS 10', ref);
      assert.is(await desk.read(ref.toUpperCase()), 'HIT 10', ref);
    }
    assert.is(await desk.readSku(sku), 'MISS 10');
    assert.is(await desk.readSku(sku), 'HIT 10');
    assert.is(await desk.page(), 'MISS 10');
    assert.is(await desk.page(), 'HIT 10');
  });

  holds('what is kept is told letter by letter as it was read', async (desk) => {
    const item = desk.warehouse.add({ name: 'Canasta «ñ» 山' });
    for (const hit of [false, true]) {
      const one = await desk.reader.one(refOf(item.id), 'item');
      assert.equal([one?.hit, one && JSON.parse(decodeUtf8(one.body))], [hit, item]);
      const page = await desk.reader.page(1, 10);
      assert.equal([page.hit, JSON.parse(decodeUtf8(page.body)).items], [hit, [item]]);
    }
    assert.is(await desk.read(item.name), 'MISS 10');
    assert.is(await desk.read(item.name), 'HIT 10');
  });

  holds('what is not there is not kept: once it is there it is found', async (desk) => {
    assert.is(await desk.read('SKU-1'), undefined);
    desk.warehouse.add();
    assert.is(await desk.read('SKU-1'), 'MISS 10');
  });

  holds('a stampede on a cold key reads once', async (desk) => {
    const { id } = desk.warehouse.add();
    const answers = await Promise.all(Array.from({ length: 500 }, () => desk.read(id)));
    assert.is(desk.warehouse.reads.length, 1);
    assert.ok(answers.every((answer) => answer?.endsWith(' 10')));
    await Promise.all(Array.from({ length: 100 }, () => desk.page()));
    assert.is(desk.warehouse.reads.length, 2);
  });

  holds('a stampede on a key whose time has run out reads once', async (desk) => {
    const { id } = desk.warehouse.add();
    await desk.read(id);
    await desk.hear(desk.warehouse.change(id));
    const answers = await Promise.all(Array.from({ length: 500 }, () => desk.read(id, 'stock')));
    assert.is(desk.warehouse.reads.length, 2);
    assert.ok(answers.every((answer) => answer?.endsWith(' 11')));
  });

  holds('news drop what is older than they are, and nothing else', async (desk) => {
    const { id, sku } = desk.warehouse.add();
    const other = desk.warehouse.add({ quantity: 5 });
    for (const ref of [id, sku, other.id]) await desk.read(ref);
    const changed = desk.warehouse.change(id);
    assert.is(await desk.read(id), 'HIT 10', 'until it is heard of');
    await desk.hear(changed);
    assert.is(await desk.read(id), 'MISS 11');
    assert.is(await desk.read(sku), 'HIT 11', 'its SKU still means it');
    assert.is(await desk.read(other.id), 'HIT 5');
    await desk.hear(changed);
    assert.is(await desk.read(id), 'HIT 11', 'late news of what is kept drop nothing');
  });

  holds('a slow reader brings nothing old back', async (desk) => {
    const { id } = desk.warehouse.add();
    desk.warehouse.holding = true;
    const slow = desk.read(id);
    await eventually('it has read', () => desk.warehouse.held.length === 1);
    await desk.hear(desk.warehouse.change(id));
    desk.warehouse.holding = false;
    desk.warehouse.held[0]?.release();
    assert.is(await slow, 'MISS 11', 'what it read is older than what was heard: it reads again');
    assert.is(await desk.read(id), 'HIT 11');
  });

  holds('a slow reader of a page brings nothing old back', async (desk) => {
    const { id } = desk.warehouse.add();
    desk.warehouse.holding = true;
    const slow = desk.page();
    await eventually('it has read', () => desk.warehouse.held.length === 1);
    await desk.hear(desk.warehouse.change(id));
    desk.warehouse.holding = false;
    desk.warehouse.held[0]?.release();
    assert.is(await slow, 'MISS 11');
    assert.is(await desk.page(), 'HIT 11');
  });

  holds('a page is dropped with what is on it, and with what comes, goes or is renamed', async (desk) => {
    const { id } = desk.warehouse.add();
    assert.is(await desk.page(), 'MISS 10');
    await desk.hear(desk.warehouse.change(id));
    assert.is(await desk.page(), 'MISS 11');
    const added = desk.warehouse.add({ quantity: 7 });
    assert.is(await desk.page(), 'HIT 11');
    await desk.hear(added, 'item');
    assert.is(await desk.page(), 'MISS 11,7');
    assert.is(await desk.page(), 'HIT 11,7');
  });

  holds(
    'nothing is shown that is older than what was shown, whichever way it was asked for',
    async (desk) => {
      const { id } = desk.warehouse.add();
      await desk.read(id);
      await desk.page();
      desk.warehouse.change(id); // nobody hears of it
      assert.is(await desk.page(2, 1), 'MISS ');
      assert.is(await desk.page(1, 5), 'MISS 11', 'another page was not kept');
      assert.is(await desk.read(id), 'MISS 11', 'the page has shown it');
      assert.is(await desk.page(), 'MISS 11');
    },
  );

  holds(
    'a SKU that another item has now means that one; a renamed item is not found by its old name',
    async (desk) => {
      const { id, sku } = desk.warehouse.add({ name: 'viejo' });
      await desk.read(sku);
      await desk.read('viejo');
      desk.warehouse.items.delete(id);
      await desk.reader.learn({ versions: [{ id, version: 2 }], refs: [`sku:${sku.toLowerCase()}`] });
      assert.is(await desk.read(sku), undefined, 'it is gone');
      assert.is(await desk.read(id), undefined);
      const heir = desk.warehouse.add({ sku, quantity: 3 });
      await desk.hear(heir, 'item');
      assert.is(await desk.read(sku), 'MISS 3');
      const renamed = desk.warehouse.change(heir.id, { name: 'nuevo', quantity: 4 });
      await desk.read(heir.name);
      await desk.hear(renamed, 'item');
      assert.is(await desk.read(heir.name), undefined);
      assert.is(await desk.read('nuevo'), 'MISS 4');
    },
  );

  holds('an item that is called as another one’s SKU gives way to it once it is heard of', async (desk) => {
    const named = desk.warehouse.add({ name: 'x-1', quantity: 1 });
    assert.is(await desk.read('X-1'), 'MISS 1');
    const owner = desk.warehouse.add({ sku: 'X-1', quantity: 2 });
    await desk.hear(owner, 'item');
    assert.is(await desk.read('X-1'), 'MISS 2');
    assert.is(await desk.read(named.id), 'HIT 1');
  });

  holds('what is kept is answered while consolidador is away; what is not is its 503', async (desk) => {
    const { id } = desk.warehouse.add();
    const other = desk.warehouse.add();
    await desk.read(id);
    desk.warehouse.away = true;
    assert.is(await desk.read(id), 'HIT 10');
    const refused = await desk.read(other.id).then(
      () => undefined,
      (error: { statusCode: number }) => error.statusCode,
    );
    assert.is(refused, 503);
    desk.warehouse.away = false;
    assert.is(await desk.read(other.id), 'MISS 10', 'a failed read is not remembered');
  });

  test('what is kept is shown for its time to live, stock for less, and a read that took long for less still', async () => {
    const lasts = { itemMs: 1_200, stockMs: 500 };
    const desk = new Desk(await make(), new Warehouse(), lasts);
    await eventually('the cache can be used', () => desk.cache.usable());
    const { id } = desk.warehouse.add();
    const began = performance.now();
    await desk.read(id);
    desk.warehouse.change(id); // nobody hears of it
    let shown = 'HIT 10';
    while (shown === 'HIT 10') {
      shown = (await desk.read(id, 'stock')) ?? '';
      await pause(20);
    }
    assert.is(shown, 'MISS 11');
    assert.ok(performance.now() - began >= 500 - 20, 'not before its time');

    desk.warehouse.change(id);
    desk.warehouse.holding = true;
    const slow = new Desk(await make(), desk.warehouse, lasts);
    await eventually('the cache can be used', () => slow.cache.usable());
    const other = desk.warehouse.add();
    const reading = slow.read(other.id);
    await eventually('it has read', () => desk.warehouse.held.length === 1);
    desk.warehouse.change(other.id);
    await pause(lasts.itemMs + 50);
    desk.warehouse.holding = false;
    desk.warehouse.held[0]?.release();
    await reading;
    assert.is(await slow.read(other.id), 'MISS 11', 'what is as old as that is not kept');
    desk.close();
    slow.close();
  });

  return test;
};
