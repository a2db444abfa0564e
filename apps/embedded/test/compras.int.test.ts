// time limit: 180 s
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { entityId } from '@cordada/sagas/engine/turn.ts';
import { readEvents, type StreamEvent } from '@cordada/sagas/scenarios/event-stream.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { apiUnderTest, isRefused } from './api-fleet.ts';
import { eventually, shopOf, wait } from './shop.ts';

const api = await apiUnderTest();
const { fleet, call } = api;
const { product, stock, buy, orden } = shopOf(api, [1, 2, 3, 4, 5, 6]);
const uuid = systemRuntime().uuid;
const nobody = '00000000-0000-4000-8000-000000000000';
const line = (numero: number, cantidad: number) => ({ producto: String(numero), cantidad });
const keyed = (): Record<string, string> => ({ 'idempotency-key': uuid() });

const buying = suite('buying');

buying('answers 202 with a Location that can be read at once, and comes to be CONFIRMADA', async () => {
  const { numero } = await product(5);
  const idUsuario = uuid();
  const answer = await buy([line(numero, 2)], { idUsuario, headers: {} });
  assert.is(answer.status, 202, answer.text);
  const { id } = answer.json;
  const enlace = `/api/compras/${id}`;
  assert.equal(answer.json, { id, estado: 'COMPRA_CREADA', enlace, saga: `/api/sagas/compra/${id}` });
  assert.is(answer.header('location'), enlace);
  assert.is((await call('GET', enlace)).status, 200);
  const ended = await eventually(
    () => call('GET', enlace),
    ({ json }) => json.estado === 'CONFIRMADA',
  );
  assert.is(ended.json.estado, 'CONFIRMADA', ended.text);
  assert.is(ended.json.idUsuario, idUsuario);
  assert.is(ended.json.idOrden, entityId(id, 'orden', 0));
  const left = await stock(numero);
  assert.equal([left.quantity, left.reserved], [3, 0]);
});

buying('costs what was validated, with every digit, in the purchase and in the order', async () => {
  const [one, two] = [await product(5), await product(5)];
  const { json } = await buy([line(one.numero, 3), { producto: two.sku.toLowerCase(), cantidad: 2 }]);
  assert.is(json.estado, 'CONFIRMADA');
  const prices = json.lineas.map(
    (l: { precio_unitario: number; cantidad: number }) => l.precio_unitario * l.cantidad,
  );
  assert.is(json.total, prices[0] + prices[1]);
  assert.equal(
    json.lineas.map((l: { id_item: string }) => l.id_item),
    [one.id, two.id],
  );
  const { total, lineas, cliente } = await orden(json, 'CONFIRMED');
  assert.equal([total, cliente], [json.total, 'ana']);
  assert.equal(
    lineas.map((l: Record<string, unknown>) => [l.id_item, l.cantidad, l.precio_unitario]),
    json.lineas.map((l: Record<string, unknown>) => [l.id_item, l.cantidad, l.precio_unitario]),
  );
});

buying('takes the same product twice for its sum, however it is called', async () => {
  const { numero, sku } = await product(5);
  const fits = await buy([line(numero, 2), { producto: sku, cantidad: 3 }]);
  assert.is(fits.json.estado, 'CONFIRMADA', fits.text);
  assert.equal(
    fits.json.lineas.map(({ cantidad }: { cantidad: number }) => cantidad),
    [5],
  );
  const other = await product(5);
  const { json } = await buy([line(other.numero, 3), { producto: other.sku, cantidad: 3 }]);
  assert.is(json.estado, 'RECHAZADA');
  assert.is(json.faltantes.length, 1);
  assert.is((await stock(other.numero)).available, 5);
});

buying('tells all that is missing, as it was asked for, and takes nothing of the rest', async () => {
  const [short, enough] = [await product(1), await product(9)];
  const { status, json } = await buy([
    line(enough.numero, 1),
    { producto: short.sku, cantidad: 2 },
    { producto: 'no existe', cantidad: 1 },
  ]);
  assert.is(status, 200);
  assert.is(json.estado, 'RECHAZADA');
  assert.is(json.codigo, 'INVENTARIO_INSUFICIENTE');
  assert.equal(json.faltantes, [
    { producto: short.sku, pedido: 2, disponible: 1 },
    { producto: 'no existe', pedido: 1, disponible: 0 },
  ]);
  assert.is(json.total, undefined);
  const rejected = await orden(json, 'REJECTED');
  assert.equal([rejected.codigo, rejected.total], ['INVENTARIO_INSUFICIENTE', null]);
  const left = await stock(enough.numero);
  assert.equal([left.quantity, left.reserved], [9, 0]);
});

buying('is refused for an item that has no price', async () => {
  const sku = `SIN-${uuid()}`;
  const made = await call('POST', '/api/v1/inventory/items', { sku, name: sku, quantity: 5 }, wait);
  assert.is(made.status, 201, made.text);
  const { json } = await buy([{ producto: sku, cantidad: 1 }]);
  assert.equal([json.estado, json.codigo], ['RECHAZADA', 'SIN_PRECIO']);
});

buying('goes through as soon as the item has been given a price, and money keeps every digit', async () => {
  const [sku, idUsuario, price] = [`CARO-${uuid()}`, uuid(), '1234567890123456.78'];
  await call('POST', '/api/v1/inventory/items', { sku, name: sku, quantity: 5 }, wait);
  await call('PUT', `/api/clientes/${idUsuario}`, { activo: true, limite: '9999999999999999.99' });
  const priced = await call('PUT', `/api/v1/inventory/items/${sku}`, { name: sku, price }, wait);
  assert.is(priced.status, 200, priced.text);
  const { json, text } = await buy([{ producto: sku, cantidad: 3 }], { idUsuario });
  assert.is(json.estado, 'CONFIRMADA', text);
  assert.match(text, `"precio_unitario":${price}`);
  assert.match(text, '"total":3703703670370370.34');
  const { text: order } = await call('GET', `/api/ordenes/${json.idOrden}`);
  assert.match(order, '"total":3703703670370370.34');
  const renamed = await call('PUT', `/api/v1/inventory/items/${sku}`, { name: `${sku} bis` }, wait);
  assert.is(renamed.status, 200, renamed.text);
  const same = await buy([{ producto: sku, cantidad: 1 }], { idUsuario });
  assert.is(same.json.estado, 'CONFIRMADA', same.text);
});

buying('goes through for an item that was made with a price, which must be money', async () => {
  const sku = `NUEVO-${uuid()}`;
  const make = (price: unknown) =>
    call('POST', '/api/v1/inventory/items', { sku, name: sku, quantity: 1, price }, wait);
  for (const price of [1.005, -1, 'x', null]) assert.is((await make(price)).status, 400, String(price));
  assert.is((await make('19.90')).status, 201);
  const { json, text } = await buy([{ producto: sku, cantidad: 1 }]);
  assert.equal([json.estado, json.total], ['CONFIRMADA', 19.9], text);
});

buying('is refused when its reservation would have to outlive the time that the buyer gave it', async () => {
  const { numero } = await product(5);
  const late = await buy([line(numero, 1)], { vence: '2020-01-01T00:00:00Z' });
  assert.equal([late.json.estado, late.json.codigo], ['RECHAZADA', 'RESERVA_VENCIDA'], late.text);
  await orden(late.json, 'REJECTED');
  const left = await stock(numero);
  assert.equal([left.quantity, left.reserved], [5, 0]);
  const soon = new Date(Date.now() + 600_000).toISOString();
  const { json } = await buy([line(numero, 1)], { vence: soon });
  assert.is(json.estado, 'CONFIRMADA');
  const reservas = (await call('GET', `/api/reservas?compra=${json.id}`)).json.reservas;
  assert.is(reservas[0].vence, soon);
});

buying('leaves a reservation that says whose it is and since when', async () => {
  const { numero, id } = await product(5);
  const { json } = await buy([line(numero, 4)]);
  const reservas = (await call('GET', `/api/reservas?compra=${json.id}`)).json.reservas;
  assert.is(reservas.length, 1);
  const [{ dueno, estado, edad_s, lineas }] = reservas;
  assert.equal([dueno, estado], [{ compra: json.id }, 'CONFIRMADA']);
  assert.ok(edad_s >= 0 && edad_s < 120, `${edad_s}`);
  assert.equal([lineas[0].item, lineas[0].cantidad], [id, 4]);
  assert.equal((await call('GET', `/api/reservas?compra=${nobody}`)).json.reservas, []);
});

buying('leaves reservations that are listed whole, by pages', async () => {
  const { numero } = await product(9);
  const bought: string[] = [];
  for (let n = 0; n < 3; n += 1) bought.push((await buy([line(numero, 1)])).json.id);
  const seen: string[] = [];
  for (let cursor = '', pages = 0; pages < 3; pages += 1) {
    const { json, text } = await call(
      'GET',
      `/api/reservas?item=${numero}&estado=CONFIRMADA&limit=1${cursor}`,
    );
    assert.is(json.reservas.length, 1, text);
    seen.push(json.reservas[0].dueno.compra);
    cursor = `&cursor=${encodeURIComponent(json.siguiente)}`;
  }
  assert.equal(seen, bought.reverse(), 'the newest first');
  isRefused(await call('GET', '/api/reservas?cursor=ayer'), 400, 'POSICION_DESCONOCIDA', {
    parameter: 'cursor',
  });
});

buying("lists a user's purchases, whole unless a limit is given, from the oldest to the newest", async () => {
  const { numero } = await product(9);
  const idUsuario = `ñandú ${uuid()}`;
  const path = `/usuarios/${encodeURIComponent(idUsuario)}/compras`;
  assert.equal((await call('GET', path)).json, []);
  const ids: string[] = [];
  for (const units of [1, 99, 1]) ids.push((await buy([line(numero, units)], { idUsuario })).json.id);
  const all = await call('GET', `${path}/`);
  assert.equal(
    all.json.map((one: Record<string, unknown>) => [one.id, one.estado]),
    [
      [ids[0], 'CONFIRMADA'],
      [ids[1], 'RECHAZADA'],
      [ids[2], 'CONFIRMADA'],
    ],
  );
  assert.equal(
    (await call('GET', `${path}?limit=2`)).json.map(({ id }: { id: string }) => id),
    ids.slice(0, 2),
  );
});

buying('knows no purchase of an id that is none: 404, and never 400', async () => {
  for (const id of ['1', 'x', nobody, '%20', "'--", 'ñ'.repeat(100)]) {
    const answer = await call('GET', `/api/compras/${encodeURIComponent(id)}`);
    isRefused(answer, 404, 'NO_ENCONTRADO');
    isRefused(await call('DELETE', `/api/compras/${encodeURIComponent(id)}`), 404, 'NO_ENCONTRADO');
  }
});

buying('once under a key, however often it is asked for', async () => {
  const { numero } = await product(5);
  const headers = keyed();
  const first = await buy([line(numero, 2)], { headers });
  assert.is(first.status, 202);
  const again = await buy([line(numero, 2)], { headers });
  assert.equal([again.status, again.json, again.header('idempotent-replayed')], [202, first.json, 'true']);
  const ended = await buy([line(numero, 2)], { headers: { ...headers, ...wait } });
  assert.equal([ended.status, ended.json.id, ended.json.estado], [200, first.json.id, 'CONFIRMADA']);
  isRefused(await buy([line(numero, 3)], { headers }), 422, 'CLAVE_REUTILIZADA');
  assert.is((await stock(numero)).quantity, 3);
});

const rules = suite('the rules of a customer');

rules('refuse a total above the limit, by a cent, and release what was reserved', async () => {
  const { numero } = await product(5);
  const idUsuario = uuid();
  const price: number = (await buy([line(numero, 1)])).json.total;
  const set = (limite: string) => call('PUT', `/api/clientes/${idUsuario}`, { activo: true, limite });
  assert.equal((await call('GET', `/api/clientes/${idUsuario}`)).json, {
    id: idUsuario,
    activo: true,
    limite: 1_000_000,
  });
  assert.is((await set((2 * price - 0.01).toFixed(2))).status, 200);
  const { json } = await buy([line(numero, 2)], { idUsuario });
  assert.equal([json.estado, json.codigo, json.faltantes], ['RECHAZADA', 'LIMITE_EXCEDIDO', []]);
  assert.match(json.motivo, new RegExp(idUsuario));
  assert.is((await orden(json, 'REJECTED')).codigo, 'LIMITE_EXCEDIDO');
  const left = await stock(numero);
  assert.equal([left.quantity, left.reserved], [4, 0]);
  const reservas = (await call('GET', `/api/reservas?compra=${json.id}`)).json.reservas;
  assert.is(reservas[0].estado, 'LIBERADA');
  await set((2 * price).toFixed(2));
  assert.is((await buy([line(numero, 2)], { idUsuario })).json.estado, 'CONFIRMADA');
});

rules('refuse who is inactive, until that is taken back', async () => {
  const { numero } = await product(5);
  const idUsuario = uuid();
  const set = (activo: boolean) => call('PUT', `/api/clientes/${idUsuario}`, { activo, limite: 1_000_000 });
  assert.equal((await set(false)).json, { id: idUsuario, activo: false, limite: 1_000_000 });
  const refused = await buy([line(numero, 1)], { idUsuario });
  assert.equal([refused.json.estado, refused.json.codigo], ['RECHAZADA', 'CLIENTE_INACTIVO']);
  await set(true);
  assert.is((await buy([line(numero, 1)], { idUsuario })).json.estado, 'CONFIRMADA');
});

rules('keep every digit of the limit', async () => {
  const id = uuid();
  const text = '{"activo":true,"limite":9007199254740993.25}';
  assert.match((await call('PUT', `/api/clientes/${id}`, text)).text, /"limite":9007199254740993\.25/);
  assert.match((await call('GET', `/api/clientes/${id}`)).text, /"limite":9007199254740993\.25/);
});

rules('are audited', async () => {
  const id = uuid();
  await call('PUT', `/api/clientes/${id}`, { activo: false, limite: 5 });
  const [line] = (await call('GET', '/api/auditoria')).json.filter((one: object) =>
    JSON.stringify(one).includes(id),
  );
  assert.equal([line.que, line.quien], ['cliente.desactivar', 'demo'], JSON.stringify(line));
});

const undoing = suite('undoing a purchase');

undoing('that is confirmed cancels its order and returns its stock, once', async () => {
  const { numero } = await product(5);
  const { json } = await buy([line(numero, 2)]);
  await orden(json, 'CONFIRMED');
  assert.is((await stock(numero)).quantity, 3);
  const undone = await call('DELETE', `/api/compras/${json.id}`, undefined, wait);
  assert.is(undone.status, 200, undone.text);
  assert.equal([undone.json.estado, undone.json.deshace], ['COMPLETED', json.id]);
  assert.is(undone.header('location'), `/api/sagas/compra/${undone.json.id}`);
  const now = (await call('GET', `/api/compras/${json.id}`)).json;
  assert.equal([now.estado, now.codigo, now.faltantes], ['RECHAZADA', 'DESHECHA', []]);
  assert.is((await orden(json, 'CANCELLED')).codigo, 'DESHECHA');
  const left = await stock(numero);
  assert.equal([left.quantity, left.reserved], [5, 0]);
  isRefused(await call('DELETE', `/api/compras/${json.id}`), 409, 'YA_RECHAZADA');
  assert.is((await stock(numero)).quantity, 5);
});

undoing('whose order is on its way is a 409, and leaves all as it was', async () => {
  const { numero } = await product(5);
  const { json } = await buy([line(numero, 2)]);
  await orden(json, 'CONFIRMED');
  const path = `/api/ordenes/${json.idOrden}/estado`;
  isRefused(await call('PUT', path, { status: 'DELIVERED' }), 409, 'TRANSICION_INVALIDA');
  for (const [status, code] of [
    ['IN_TRANSIT', 'ORDEN_EN_CAMINO'],
    ['DELIVERED', 'ORDEN_ENTREGADA'],
  ] as const) {
    assert.is((await call('PUT', path, { status })).json.status, status);
    assert.is((await call('PUT', path, { status })).status, 200);
    isRefused(await call('DELETE', `/api/compras/${json.id}`, undefined, wait), 409, code);
  }
  assert.is((await call('GET', `/api/compras/${json.id}`)).json.estado, 'CONFIRMADA');
  assert.is((await stock(numero)).quantity, 3);
  isRefused(
    await call('PUT', `/api/ordenes/${nobody}/estado`, { status: 'DELIVERED' }),
    404,
    'NO_ENCONTRADO',
  );
});

undoing('that was refused is a 409', async () => {
  const { numero } = await product(1);
  const { json } = await buy([line(numero, 2)]);
  isRefused(await call('DELETE', `/api/compras/${json.id}`), 409, 'YA_RECHAZADA');
});

undoing('at any moment ends with all of it undone, or with a 409 and all of it confirmed', async () => {
  const { numero } = await product(40);
  let kept = 0;
  for (let round = 0; round < 12; round += 1) {
    const { json } = await buy([line(numero, 1)], { headers: {} });
    await new Promise((resolve) => setTimeout(resolve, round * 6));
    const answer = await call('DELETE', `/api/compras/${json.id}`, undefined, wait);
    if (answer.status === 409) {
      assert.is(answer.json.errors[0].code, 'SAGA_EN_CURSO', answer.text);
      kept += 1;
    } else assert.is(answer.status, 200, answer.text);
    const end = await eventually(
      () => call('GET', `/api/compras/${json.id}`),
      (seen) => seen.json.estado === (answer.status === 409 ? 'CONFIRMADA' : 'RECHAZADA'),
    );
    assert.is(end.json.estado, answer.status === 409 ? 'CONFIRMADA' : 'RECHAZADA', answer.text);
    if (answer.status === 200) assert.is(end.json.codigo, 'DESHECHA');
  }
  const left = await eventually(
    () => stock(numero),
    ({ reserved }) => reserved === 0,
  );
  assert.equal([left.quantity, left.reserved], [40 - kept, 0]);
});

undoing('twice at once is one undoing', async () => {
  const { numero } = await product(5);
  const { json } = await buy([line(numero, 2)]);
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => call('DELETE', `/api/compras/${json.id}`)),
  );
  const sagas = new Set(answers.filter(({ status }) => status === 202).map((one) => one.json.id));
  assert.is(sagas.size, 1);
  for (const one of answers) if (one.status !== 202) isRefused(one, 409, 'YA_RECHAZADA');
  const left = await eventually(
    () => stock(numero),
    ({ quantity }) => quantity === 5,
  );
  assert.is(left.quantity, 5);
});

const both = suite('both kinds of sagas');

both('stand in one list, in the order in which they began, page by page', async () => {
  const { numero } = await product(9);
  const wanted: string[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    wanted.push((await buy([line(numero, 1)])).json.id);
    wanted.push((await api.completed(api.campaign(1))).saga);
  }
  const seen: string[] = [];
  let cursor = '';
  do {
    const { json } = await call(
      'GET',
      `/api/sagas?limit=2${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    seen.push(...json.sagas.map(({ id }: { id: string }) => id));
    cursor = json.siguiente ?? '';
  } while (cursor !== '' && seen.length < 6);
  assert.equal(seen.slice(0, 6), wanted.reverse());
  const of = async (tipo: string) =>
    (await call('GET', `/api/sagas?limit=3&tipo=${tipo}`)).json.sagas.map(({ id }: { id: string }) => id);
  assert.equal(await of('compra'), [wanted[1], wanted[3], wanted[5]]);
  assert.equal(await of('campaign'), [wanted[0], wanted[2], wanted[4]]);
});

both('are each found under their own kind only', async () => {
  const { numero } = await product(9);
  const { id } = (await buy([line(numero, 1)])).json;
  const { json } = await call('GET', `/api/sagas/compra/${id}`);
  assert.equal([json.tipo, json.estado], ['compra', 'COMPLETED']);
  assert.equal(
    json.pasos.map(({ nombre, estado }: Record<string, string>) => [nombre, estado]),
    ['validacion', 'reserva', 'orden', 'confirmacion'].map((nombre) => [nombre, 'HECHO']),
  );
  isRefused(await call('GET', `/api/sagas/campaign/${id}`), 404, 'NO_ENCONTRADO');
  const found = (await call('GET', `/api/sagas?clave=${numero}&limit=500`)).json.sagas;
  assert.ok(found.some((one: { id: string }) => one.id === id));
});

both('are shown as they move in one stream, which goes on for both from where it was left', async () => {
  const { numero } = await product(9);
  const follow = async (lastId: string, work: () => Promise<string[]>) => {
    const stop = new AbortController();
    const response = await fetch(`${fleet.urls.bff}/stream`, {
      signal: stop.signal,
      headers: lastId === '' ? {} : { 'last-event-id': lastId },
    });
    const events: StreamEvent[] = [];
    const following = (async () => {
      for await (const event of readEvents(response.body as never)) events.push(event);
    })().catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    const sagas = await work();
    const moves = () => events.filter(({ data }) => data !== '').map(({ data }) => JSON.parse(data));
    const over = (saga: string) => moves().some((one) => one.saga === saga && one.estado === 'COMPLETED');
    await eventually(
      async () => sagas.every(over),
      (all) => all,
    );
    stop.abort();
    await following;
    return { sagas, moves: moves(), last: events.at(-1)?.id ?? '' };
  };
  const pair = async () => [
    (await buy([line(numero, 1)])).json.id,
    (await api.completed(api.campaign(1))).saga,
  ];
  const first = await follow('', pair);
  const between = await pair();
  const second = await follow(first.last, pair);
  const shown = (moves: readonly { saga: string; n: number }[], saga: string | undefined) =>
    moves.filter((one) => one.saga === saga).map(({ n }) => n);
  for (const [seen, sagas] of [
    [first, first.sagas],
    [second, between],
    [second, second.sagas],
  ] as const)
    for (const saga of sagas) {
      const places = shown(seen.moves, saga);
      assert.ok(places.length >= 3, `${saga}: ${places}`);
      assert.equal(
        places,
        places.map((_, index) => index + 1),
      );
    }
  for (const saga of first.sagas) assert.equal(shown(second.moves, saga), []);
});

for (const one of [buying, rules, undoing, both]) one.run();

const end = suite('afterwards');
end.after(() => fleet.stop());
end('nothing is held, and nothing stands still', async () => {
  assert.equal((await call('GET', '/api/mensajes-retenidos')).json, []);
  assert.equal((await call('GET', '/api/sagas?estado=PARKED')).json.sagas, []);
});
end.run();
