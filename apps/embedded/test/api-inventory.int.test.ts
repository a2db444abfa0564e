// time limit: 180 s
import { setTimeout as pause } from 'node:timers/promises';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Answer, type ApiFleet, apiUnderTest, isEmbedded, isRefused } from './api-fleet.ts';

const test = suite('the inventory over HTTP (systems.md §3)');
const api = await apiUnderTest();
const { call } = api as ApiFleet<never>;
const { uuid } = systemRuntime();
const ITEMS = '/api/v1/inventory/items';
const wait = { prefer: 'wait=20' };

test.after(() => api.fleet.stop());

const eventually = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 400; i += 1) {
    if (await holds()) return;
    await pause(25);
  }
  assert.unreachable(`it did not come to be that ${what}`);
};

/** An item of this test's own. */
const created = async (quantity: number): Promise<Record<string, never> & { id: string; sku: string }> => {
  const body = { sku: `SKU-${uuid()}`, name: `Nombre ${uuid()}`, description: 'así', quantity };
  const answer = await call('POST', ITEMS, body, wait);
  assert.is(answer.status, 201, answer.text);
  return answer.json;
};
const stockOf = async (id: string): Promise<[number, number, number]> => {
  const { json } = await call('GET', `${ITEMS}/${id}/stock`);
  return [json.quantity, json.reserved, json.available];
};
const becomes = (id: string, expected: [number, number, number]) =>
  eventually(`the stock is ${expected}`, async () => String(await stockOf(id)) === String(expected));

test('the document’s flow: create, read, reserve, read again, each command a 202 with an operation', async () => {
  const sku = `PROD-${uuid()}`;
  const create = { sku, name: 'Producto de Prueba', description: 'Descripción del producto', quantity: 100 };
  const accepted = await call('POST', ITEMS, create);
  assert.is(accepted.status, 202, accepted.text);
  const { operationId, id, numero, estado, enlace } = accepted.json;
  assert.is(estado, 'PENDING');
  assert.is(enlace, `/api/v1/operations/${operationId}`);
  assert.is(accepted.header('location'), enlace);
  assert.ok(Number.isInteger(numero));

  const reserved = await call('POST', `${ITEMS}/${id}/reserve`, { quantity: 10 });
  assert.is(reserved.status, 202, 'right after it was created');
  for (const { json } of [accepted, reserved])
    for (const path of ['/api/v1/operations', '/api/operations'])
      await eventually('the operation is done', async () => {
        const operation = await call('GET', `${path}/${json.operationId}`);
        assert.is(operation.status, 200, operation.text);
        return operation.json.estado === 'DONE' && operation.json.recurso === id;
      });
  await becomes(id, [100, 10, 90]);
  const stock = (await call('GET', `${ITEMS}/sku/${sku}/stock`)).json;
  assert.equal(Object.keys(stock).sort(), ['available', 'id', 'quantity', 'reserved', 'sku', 'updated_at']);
  assert.is(stock.id, id);
});

test('who waits gets the item: 201 for a new one, 200 for another command', async () => {
  const item = (await created(5)) as unknown as Record<string, unknown>;
  assert.equal([item.quantity, item.reserved, item.available, item.description], [5, 0, 5, 'así']);
  assert.not('precio' in item);
  const reserved = await call('POST', `${ITEMS}/${item.id}/reserve`, { quantity: 2 }, wait);
  assert.is(reserved.status, 200, reserved.text);
  assert.equal([reserved.json.reserved, reserved.json.available], [2, 3]);
  assert.is(reserved.header('preference-applied'), 'wait=20');
  const released = await call('POST', `${ITEMS}/${item.id}/release`, { quantity: 1 }, wait);
  assert.equal([released.json.reserved, released.json.available], [1, 4]);
  const adjusted = await call('POST', `${ITEMS}/${item.id}/adjust`, { quantity: -4 }, wait);
  assert.equal([adjusted.json.quantity, adjusted.json.available], [1, 0]);
  const renamed = await call('PUT', `${ITEMS}/${item.id}`, { name: 'Otro' }, wait);
  assert.equal([renamed.json.name, renamed.json.description], ['Otro', null]);
  await call('POST', `${ITEMS}/${item.id}/release`, { quantity: 1 }, wait);
  const deleted = await call('DELETE', `${ITEMS}/${item.id}`, undefined, wait);
  assert.is(deleted.status, 200, deleted.text);
  assert.is(deleted.json.estado, 'DONE');
});

test('an item answers to its id, its number, its SKU and its name, with and without a slash at the end', async () => {
  const { id, numero, sku, name } = (await created(1)) as unknown as Record<string, string>;
  for (const ref of [id, id?.toUpperCase(), numero, sku, sku?.toLowerCase(), name, `${name}/`]) {
    const path = String(ref).split('/').map(encodeURIComponent).join('/');
    const answer = await call('GET', `${ITEMS}/${path}`);
    assert.is(answer.status, 200, `${ref}: ${answer.text}`);
    assert.is(answer.json.id, id);
  }
  assert.is((await call('GET', `${ITEMS}/sku/${sku}`)).json.id, id);
  isRefused(await call('GET', `${ITEMS}/sku/${encodeURIComponent(name ?? '')}`), 404, 'NO_ENCONTRADO');
});

test('what consolidador refuses is a REJECTED operation, and a 409 for who waits', async () => {
  const { id, sku } = await created(5);
  const refusals: [string, string, object, number, RegExp][] = [
    ['POST', `${ITEMS}/${id}/reserve`, { quantity: 6 }, 409, /./],
    ['POST', `${ITEMS}/${id}/release`, { quantity: 1 }, 409, /./],
    ['POST', `${ITEMS}/${id}/adjust`, { quantity: -6 }, 409, /./],
    ['POST', ITEMS, { sku: sku.toLowerCase(), name: 'x', quantity: 1 }, 409, /SKU/],
  ];
  for (const [method, path, body, status, detail] of refusals) {
    const waited = await call(method, path, body, wait);
    assert.is(waited.status, status, waited.text);
    assert.match(waited.json.errors[0].detail, detail);
    const accepted = await call(method, path, body);
    assert.is(accepted.status, 202, accepted.text);
    await eventually('it is rejected', async () => {
      const { json } = await call('GET', `/api/v1/operations/${accepted.json.operationId}`);
      return json.estado === 'REJECTED' && json.error.codigo === waited.json.errors[0].code;
    });
  }
  assert.equal(await stockOf(id), [5, 0, 5]);
});

test('an item is not deleted while anything of it is reserved; deleted, its SKU is free and nothing finds it', async () => {
  const { id, sku } = await created(3);
  await call('POST', `${ITEMS}/${id}/reserve`, { quantity: 1 }, wait);
  assert.is((await call('DELETE', `${ITEMS}/${id}`, undefined, wait)).status, 409);
  await call('POST', `${ITEMS}/${id}/release`, { quantity: 1 }, wait);
  assert.is((await call('DELETE', `${ITEMS}/${sku}`, undefined, wait)).status, 200);
  await eventually('nothing finds it', async () => (await call('GET', `${ITEMS}/${sku}`)).status === 404);
  await eventually('it takes no command', async () => {
    const answer = await call('POST', `${ITEMS}/${id}/reserve`, { quantity: 1 }, wait);
    return answer.status === 404;
  });
  const again = await call('POST', ITEMS, { sku, name: 'el segundo', quantity: 1 }, wait);
  assert.is(again.status, 201, again.text);
  await eventually('its SKU is the new one’s', async () => {
    const found = await call('GET', `${ITEMS}/sku/${sku}`);
    return found.json?.id === again.json.id;
  });
});

test('a repeat under a key gets the same status and body, another body 422; both headers are the same', async () => {
  const { id } = await created(50);
  for (const header of ['idempotency-key', 'x-request-id']) {
    const key = { [header]: uuid() };
    const body = { quantity: 3 };
    const first = await call('POST', `${ITEMS}/${id}/adjust`, body, key);
    const second = await call('POST', `${ITEMS}/${id}/adjust`, body, key);
    assert.is(first.status, 202);
    assert.is(first.header('idempotent-replayed'), undefined);
    assert.equal([second.status, second.text], [first.status, first.text]);
    assert.is(second.header('idempotent-replayed'), 'true');
    isRefused(await call('POST', `${ITEMS}/${id}/adjust`, { quantity: 4 }, key), 422, 'CLAVE_REUTILIZADA');
    const elsewhere = await call('POST', `${ITEMS}/${id}/reserve`, body, key);
    assert.is(elsewhere.header('idempotent-replayed'), undefined, 'a key is of one route');
  }
  await becomes(id, [56, 6, 50]);
});

test('where both headers come Idempotency-Key wins; X-Request-ID is echoed on every answer', async () => {
  const { id } = await created(0);
  const request = uuid();
  const adjust = (headers: Record<string, string>) =>
    call('POST', `${ITEMS}/${id}/adjust`, { quantity: 1 }, { ...headers, ...wait });
  const first = await adjust({ 'x-request-id': request, 'idempotency-key': uuid() });
  const second = await adjust({ 'x-request-id': request, 'idempotency-key': uuid() });
  assert.is(second.header('idempotent-replayed'), undefined);
  assert.equal([first.json.quantity, second.json.quantity], [1, 2]);
  for (const answer of [
    first,
    await call('GET', `${ITEMS}/nada`, undefined, { 'x-request-id': request }),
    await call('POST', ITEMS, '{', { 'x-request-id': request }),
    await call('GET', '/no/hay', undefined, { 'x-request-id': request }),
  ])
    assert.is(answer.header('x-request-id'), request);
  isRefused(await adjust({ 'x-request-id': 'con espacio dentro ñ' }), 400, 'CABECERA_INVALIDA');
});

test('a repeated creation makes one item, also when it comes at once', async () => {
  const key = { 'idempotency-key': uuid() };
  const body = { sku: `SKU-${uuid()}`, name: 'una vez', quantity: 1 };
  const answers = await Promise.all(Array.from({ length: 5 }, () => call('POST', ITEMS, body, key)));
  const taken = answers.filter(({ status }) => status === 202);
  assert.ok(taken.length > 0);
  assert.is(new Set(taken.map(({ json }) => json.id)).size, 1);
  for (const answer of answers) if (answer.status !== 202) isRefused(answer, 409, 'PETICION_EN_CURSO');
  const later = await call('POST', ITEMS, body, { ...key, ...wait });
  assert.is(later.status, 201, later.text);
  assert.is(later.json.id, taken[0]?.json.id);
});

test('the list is paged: 10 by default, at most 100, the sum of the pages is the total', async () => {
  for (let i = 0; i < 3; i += 1) await created(1);
  const first = await call('GET', ITEMS);
  assert.is(first.status, 200, first.text);
  assert.equal([first.json.page, first.json.page_size, first.json.items.length], [1, 10, 10]);
  assert.is(first.json.total_pages, Math.ceil(first.json.total / 10));
  assert.is((await call('GET', `${ITEMS}?page_size=1000`)).json.page_size, 100);
  assert.is((await call('GET', `${ITEMS}?page=100000`)).json.items.length, 0);
  await eventually('all of them are on some page', async () => {
    const seen = new Set<string>();
    const { total, total_pages } = (await call('GET', `${ITEMS}?page_size=7`)).json;
    for (let page = 1; page <= total_pages; page += 1)
      for (const { id } of (await call('GET', `${ITEMS}?page_size=7&page=${page}`)).json.items) seen.add(id);
    return seen.size === total;
  });
  for (const query of [
    'page=0',
    'page=-1',
    'page=x',
    'page_size=0',
    'page_size=1.5',
    'limit=3',
    'page=1&page=2',
  ])
    assert.is((await call('GET', `${ITEMS}?${query}`)).status, 400, query);
});

test('a second read is a HIT, and a change is seen: what was shown is never shown older again', async () => {
  const { id } = await created(10);
  const cache = async (path: string): Promise<string | undefined> =>
    (await call('GET', `${ITEMS}/${path}`)).header('x-cache');
  await eventually('it is kept', async () => (await cache(id)) === 'HIT');
  assert.ok(['HIT', 'MISS'].includes((await call('GET', ITEMS)).header('x-cache') ?? ''));
  let newest = 0;
  for (let i = 0; i < 5; i += 1) {
    const adjusted = await call('POST', `${ITEMS}/${id}/adjust`, { quantity: 1 }, wait);
    await eventually('it is seen', async () => {
      const { quantity } = (await call('GET', `${ITEMS}/${id}/stock`)).json;
      assert.ok(quantity >= newest, `${quantity} after ${newest}`);
      newest = quantity;
      return quantity === adjusted.json.quantity;
    });
  }
});

const bad: [string, string, unknown, string?][] = [
  ['an empty SKU', ITEMS, { sku: '', name: 'x', quantity: 1 }, '/sku'],
  ['no SKU', ITEMS, { name: 'x', quantity: 1 }, '/sku'],
  ['no name', ITEMS, { sku: 'x', quantity: 1 }, '/name'],
  ['no quantity', ITEMS, { sku: 'x', name: 'x' }, '/quantity'],
  ['a quantity below 0', ITEMS, { sku: 'x', name: 'x', quantity: -1 }, '/quantity'],
  ['half a unit', ITEMS, { sku: 'x', name: 'x', quantity: 1.5 }, '/quantity'],
  ['a quantity as a text', ITEMS, { sku: 'x', name: 'x', quantity: '1' }, '/quantity'],
  ['no units at all', ITEMS, { sku: 'x', name: 'x', quantity: null }, '/quantity'],
  ['more units than a stock holds', ITEMS, { sku: 'x', name: 'x', quantity: 3_000_000_000 }, '/quantity'],
  ['an unknown field', ITEMS, { sku: 'x', name: 'x', quantity: 1, precio: 5 }, '/precio'],
  ['a SKU that is too long', ITEMS, { sku: 'x'.repeat(201), name: 'x', quantity: 1 }, '/sku'],
  ['a list', ITEMS, [], ''],
  ['a body of null', ITEMS, 'null', ''],
  ['reserving nothing', `${ITEMS}/1/reserve`, { quantity: 0 }, '/quantity'],
  ['reserving less than nothing', `${ITEMS}/1/reserve`, { quantity: -1 }, '/quantity'],
  ['releasing nothing', `${ITEMS}/1/release`, { quantity: 0 }, '/quantity'],
  ['adjusting by nothing', `${ITEMS}/1/adjust`, { quantity: 0 }, '/quantity'],
  ['adjusting by half', `${ITEMS}/1/adjust`, { quantity: 0.5 }, '/quantity'],
  ['adjusting by more than an integer', `${ITEMS}/1/adjust`, '{"quantity":99999999999999999999}'],
  ['a key twice', `${ITEMS}/1/adjust`, '{"quantity":1,"quantity":2}'],
  ['broken JSON', `${ITEMS}/1/adjust`, '{"quantity":'],
  ['no body', `${ITEMS}/1/adjust`, undefined],
];
for (const [what, path, body, pointer] of bad)
  test(`refuses ${what} with 400, naming the field`, async () => {
    const answer = await call('POST', path, body, { 'content-type': 'application/json' });
    assert.is(answer.status, 400, answer.text);
    if (pointer !== undefined)
      assert.ok(
        answer.json.errors.some(({ source }: { source: { pointer: string } }) => source.pointer === pointer),
        answer.text,
      );
  });

test('an id is opaque: an unknown or impossible one is a 404, whatever is asked of it', async () => {
  for (const id of [
    'nada',
    uuid(),
    '99999999',
    '-1',
    '0',
    "'; DROP TABLE item",
    'ñ'.repeat(50),
    '%F0%9F%8E%92',
  ]) {
    const ref = id.startsWith('%') ? id : encodeURIComponent(id);
    const asked: Answer[] = [
      await call('GET', `${ITEMS}/${ref}`),
      await call('GET', `${ITEMS}/${ref}/stock`),
      await call('GET', `${ITEMS}/sku/${ref}`),
      await call('POST', `${ITEMS}/${ref}/reserve`, { quantity: 1 }),
      await call('PUT', `${ITEMS}/${ref}`, { name: 'x' }),
      await call('DELETE', `${ITEMS}/${ref}`),
      await call('GET', `/api/v1/operations/${ref}`),
    ];
    for (const answer of asked) isRefused(answer, 404, 'NO_ENCONTRADO');
  }
});

test('another content type is 415, and `/api/v1/health` is the health of the BFF', async () => {
  const answer = await call('POST', ITEMS, 'sku=x', { 'content-type': 'application/x-www-form-urlencoded' });
  isRefused(answer, 415, 'TIPO_NO_ADMITIDO');
  const health = await call('GET', '/api/v1/health');
  assert.is(health.status, 200);
  assert.is(health.json.service, 'bff');
});

test('the demo has its products 1 to 18, with stock unless others have bought it', async () => {
  for (const numero of [1, 9, 18]) {
    const { json } = await call('GET', `${ITEMS}/${numero}`);
    assert.is(json.numero, numero);
    assert.is(json.sku, `P-${numero}`);
    assert.ok(isEmbedded ? json.quantity > 0 : json.quantity >= 0);
  }
});

test.run();
