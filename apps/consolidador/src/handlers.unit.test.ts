import type { Reaction } from '@cordada/infra/messaging/capability.ts';
import type { Envelope } from '@cordada/infra/messaging/message.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { type Contract, contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { expire } from './expiry.ts';
import { itemReactions } from './handlers-items.ts';
import { purchaseReactions, type StockRows } from './handlers-purchase.ts';
import { MOST_UNITS, Stock } from './stock.ts';

const test = suite('what consolidador decides');
const { uuid } = systemRuntime();
const TTL = 1_000;
// biome-ignore lint/suspicious/noExplicitAny: each reaction has the body of its own contract
const reactions = new Map<string, Reaction<StockRows, any>>(
  // biome-ignore lint/suspicious/noExplicitAny: as above
  ([...purchaseReactions, ...itemReactions] as readonly Reaction<StockRows, any>[]).map((reaction) => [
    reaction.contract.name,
    reaction,
  ]),
);

const envelopeOf = (contract: string, saga: string, subject: string): Envelope => ({
  id: uuid(),
  contract,
  source: '/test',
  time: new Date(0),
  subject,
  correlationId: saga,
  causationId: '',
  idempotencyKey: `${saga}/${contract}`,
  traceparent: '',
  requestHash: '',
});

const samePrice = { precio: null, version_producto: 0 };

/** One batch: a stock in memory, and what its messages are answered. */
const batch = () => {
  const stock = new Stock();
  const rows = { stock, ttlMs: TTL };
  let numero = 0;
  const tell = <Body>(contract: Contract<Body>, body: Body, saga: string = uuid(), at = 0) => {
    const reaction = reactions.get(contract.name);
    assert.ok(reaction);
    const message = { envelope: envelopeOf(contract.name, saga, saga), body };
    const answer = reaction.handle(rows, message, new Date(at));
    if (Array.isArray(answer)) return { name: '', body: {} as Record<string, never> };
    const { contract: told, body: said } = answer as { contract: Contract<unknown>; body: unknown };
    told.encode(said); // what cannot be written is no answer
    // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
    return { name: told.name, body: said as any };
  };
  const item = (cantidad: number, precio: string | null = '2.50', sku?: string) => {
    numero += 1;
    const id = uuid();
    const made = tell(contracts.CrearItem, {
      id_item: id,
      numero,
      sku: sku ?? `P-${numero}`,
      nombre: `Producto ${numero}`,
      descripcion: null,
      precio,
      cantidad,
    });
    assert.is(made.name, 'ItemCreado');
    return id;
  };
  const buyer = (...lineas: readonly (readonly [string, number])[]) => {
    const ids = { id_compra: uuid(), id_reserva: uuid() };
    return {
      ...ids,
      validate: () =>
        tell(contracts.ValidarInventario, {
          id_compra: ids.id_compra,
          lineas: lineas.map(([producto, cantidad]) => ({ producto, cantidad })),
        }),
      reserve: (at = 0, vence: Date | null = null) =>
        tell(
          contracts.ReservarInventario,
          { ...ids, lineas: lineas.map(([id_item, cantidad]) => ({ id_item, cantidad })), vence },
          ids.id_compra,
          at,
        ),
      release: () =>
        tell(contracts.LiberarInventario, { id_reserva: ids.id_reserva, motivo: 'no' }, ids.id_compra),
      confirm: () => tell(contracts.ConfirmarReserva, { ...ids, id_orden: 'o' }, ids.id_compra),
      giveBack: () => tell(contracts.DevolverInventario, ids, ids.id_compra),
    };
  };
  const quantities = (id: string) => {
    const { cantidad, reservada } = stock.items.get(id) as { cantidad: number; reservada: number };
    return [cantidad, reservada];
  };
  return { stock, tell, item, buyer, quantities };
};

/** Every quantity is the fold of the ledger, and what is reserved the sum of the live reservations. */
const folds = (stock: Stock): void => {
  const sums = new Map<string, [number, number]>();
  const add = (key: string, cantidad: number, reservada: number) => {
    const [c, r] = sums.get(key) ?? [0, 0];
    sums.set(key, [c + cantidad, r + reservada]);
  };
  for (const m of stock.movimientos) {
    add(`${m.item}/${m.bodega}`, m.deltaCantidad, m.deltaReservada);
    add(m.item, m.deltaCantidad, m.deltaReservada);
  }
  for (const { id, cantidad, reservada } of stock.existencias.filter(() => true))
    assert.equal(sums.get(id) ?? [0, 0], [cantidad, reservada], id);
  for (const { id, cantidad, reservada } of stock.items.inserted) {
    assert.equal(sums.get(id) ?? [0, 0], [cantidad, reservada], id);
    const held = stock.reservas
      .filter(({ estado }) => estado === 'VIGENTE')
      .flatMap(({ lineas }) => lineas)
      .filter((line) => line.item === id)
      .reduce((sum, line) => sum + line.cantidad, 0);
    assert.is(held, reservada);
  }
};

test('a product is found by its UUID, number, SKU or name, in that precedence, whatever its case', () => {
  const { item, buyer, tell } = batch();
  const first = item(5);
  const numbered = item(5, '1.00', '1'); // its SKU is the first one's number
  const named = uuid();
  tell(contracts.CrearItem, {
    id_item: named,
    numero: 99,
    sku: 'X',
    nombre: 'p-1', // the first one's SKU
    descripcion: null,
    precio: '1.00',
    cantidad: 5,
  });
  const found = (producto: string) => buyer([producto, 1]).validate().body.lineas?.[0]?.id_item;
  assert.is(found(first.toUpperCase()), first);
  assert.is(found('1'), first);
  assert.is(found('2'), numbered);
  assert.is(found('p-1'), first);
  assert.is(found('PRODUCTO 2'), numbered);
  assert.is(found('x'), named);
  assert.is(found('01'), undefined, 'no number is written so');
});

test('lines of one product are one, however it is called, and the total is exact', () => {
  const { item, buyer } = batch();
  const a = item(10, '0.10');
  const b = item(10, '9999999999999.99');
  const { name, body } = buyer([a, 1], ['P-2', 3], ['1', 2], [b, 1]).validate();
  assert.is(name, 'InventarioValidado');
  assert.equal(
    body.lineas.map((l: { id_item: string; cantidad: number }) => [l.id_item, l.cantidad]),
    [
      [a, 3],
      [b, 4],
    ],
  );
  assert.is(body.total, '40000000000000.26');
});

test('all that is missing or short is listed, with what was asked for and what there is', () => {
  const { item, buyer } = batch();
  const a = item(2);
  item(9);
  const short = buyer([a, 2], ['2', 9], ['nada', 1], ['p-1', 1], ['nada', 4]).validate();
  assert.is(short.name, 'ValidacionInventarioFallida');
  assert.is(short.body.codigo, 'INVENTARIO_INSUFICIENTE');
  assert.equal(short.body.faltantes, [
    { producto: a, pedido: 3, disponible: 2 },
    { producto: 'nada', pedido: 5, disponible: 0 },
  ]);
});

test('a purchase of nothing, of less than one, without a price or of an untellable total is refused', () => {
  const { item, buyer } = batch();
  const unpriced = item(5, null);
  const dear = item(MOST_UNITS, '9999999999999999.99');
  const codigo = (...lines: readonly (readonly [string, number])[]) => buyer(...lines).validate().body.codigo;
  assert.is(codigo(), 'SIN_PRODUCTOS');
  assert.is(codigo([dear, 0]), 'CANTIDAD_INVALIDA');
  assert.is(codigo([dear, -1]), 'CANTIDAD_INVALIDA');
  assert.is(codigo([unpriced, 1], [dear, 1]), 'SIN_PRECIO');
  assert.is(codigo([unpriced, 6]), 'INVENTARIO_INSUFICIENTE');
  assert.is(codigo([dear, 1]), undefined);
  assert.is(codigo([dear, 2]), 'TOTAL_EXCESIVO');
  const huge = buyer([dear, MOST_UNITS], [dear, MOST_UNITS]).validate();
  assert.equal(huge.body.faltantes, [{ producto: dear, pedido: MOST_UNITS, disponible: MOST_UNITS }]);
});

test('of two purchases of one unit in one batch the first gets it, and the second is told that none is left', () => {
  const { stock, item, buyer, quantities } = batch();
  const id = item(1);
  const [a, b] = [buyer([id, 1]), buyer([id, 1])];
  assert.is(a.validate().name, 'InventarioValidado');
  assert.is(b.validate().name, 'InventarioValidado');
  assert.is(a.reserve().name, 'InventarioReservado');
  const refused = b.reserve();
  assert.is(refused.name, 'ReservaInventarioFallida');
  assert.equal(refused.body.faltantes, [{ producto: '1', pedido: 1, disponible: 0 }]);
  assert.equal(quantities(id), [1, 1]);
  assert.is(b.validate().body.codigo, 'INVENTARIO_INSUFICIENTE');
  a.release();
  assert.is(buyer([id, 1]).reserve().name, 'InventarioReservado');
  folds(stock);
});

test('a purchase that is short of one product reserves none of the others', () => {
  const { stock, item, buyer, quantities } = batch();
  const [a, b] = [item(5), item(1)];
  const { body } = buyer([a, 5], [b, 2], [uuid(), 1]).reserve();
  assert.is(body.codigo, 'INVENTARIO_INSUFICIENTE');
  assert.is(body.faltantes.length, 2);
  assert.equal(
    [quantities(a), quantities(b)],
    [
      [5, 0],
      [1, 0],
    ],
  );
  folds(stock);
});

test('lines of one item are reserved together, or refused together', () => {
  const { item, buyer } = batch();
  const id = item(5);
  const { body } = buyer([id, 3], [id.toUpperCase(), 2]).reserve();
  assert.equal(body.lineas, [{ id_item: id, bodega: 'principal', cantidad: 5 }]);
  assert.equal(
    body.existencias.map((e: { reservada: number; version: number }) => [e.reservada, e.version]),
    [[5, 2]],
  );
  assert.is(buyer([item(5), 3], [id, 3]).reserve().body.codigo, 'INVENTARIO_INSUFICIENTE');
});

test('a reservation carries when it runs out', () => {
  const { item, buyer } = batch();
  assert.equal(buyer([item(1), 1]).reserve(5_000).body.vence, new Date(5_000 + TTL));
});

test('a buyer may want it to run out sooner, and not later; one that would have run out already is not made', () => {
  const { stock, item, buyer, quantities } = batch();
  const id = item(5);
  const reserved = (vence: number) => buyer([id, 1]).reserve(5_000, new Date(vence)).body;
  assert.equal(reserved(5_001).vence, new Date(5_001));
  assert.equal(reserved(5_001 + TTL).vence, new Date(5_000 + TTL));
  for (const late of [5_000, 1]) assert.is(reserved(late).codigo, 'RESERVA_VENCIDA');
  assert.equal(quantities(id), [5, 2]);
  folds(stock);
});

test('confirming takes the units out, once however often; releasing after it is held for an operator', () => {
  const { stock, item, buyer, quantities } = batch();
  const id = item(5);
  const a = buyer([id, 2]);
  assert.throws(() => a.confirm(), /does not exist/);
  a.reserve();
  const { name, body } = a.confirm();
  assert.is(name, 'ReservaConfirmada');
  assert.equal(body.existencias[0].cantidad, 3);
  a.confirm();
  assert.equal(quantities(id), [3, 0]);
  assert.throws(() => a.release(), /is CONFIRMADA/);
  assert.equal(quantities(id), [3, 0]);
  folds(stock);
});

test('releasing frees the units, once however often, and what was never reserved frees nothing', () => {
  const { stock, item, buyer, quantities } = batch();
  const id = item(5);
  const [a, b] = [buyer([id, 2]), buyer([id, 3])];
  a.reserve();
  b.reserve();
  assert.is(a.release().body.existencias[0].reservada, 3);
  a.release();
  assert.equal(quantities(id), [5, 3]);
  assert.equal(buyer([id, 1]).release().body.existencias, []);
  assert.throws(() => a.confirm(), /is LIBERADA/);
  assert.is(a.reserve().body.codigo, 'RESERVA_TERMINADA');
  folds(stock);
});

test('the units of an undone purchase come back once, and only if they were taken', () => {
  const { stock, item, buyer, quantities } = batch();
  const id = item(5);
  const a = buyer([id, 2]);
  a.reserve();
  assert.throws(() => a.giveBack(), /is VIGENTE/);
  a.confirm();
  assert.is(a.giveBack().name, 'InventarioDevuelto');
  a.giveBack();
  assert.equal(quantities(id), [5, 0]);
  assert.is(stock.movimientos.at(-1)?.tipo, 'DEVOLUCION');
  assert.throws(() => a.confirm(), /is DEVUELTA/);
  folds(stock);
});

test('of several warehouses the one that has all units gives them, else each gives what it has', () => {
  const { stock, item, buyer } = batch();
  const id = item(3);
  const cause = { tipo: 'AJUSTE', reserva: null, origen: 'test', now: new Date(0) } as const;
  stock.move({ item: id, bodega: 'norte', cantidad: 5 }, { cantidad: 5, reservada: 0 }, cause);
  stock.move({ item: id, bodega: 'este', cantidad: 1 }, { cantidad: 1, reservada: 0 }, cause);
  const lines = (units: number) => {
    const b = buyer([id, units]);
    const { lineas } = b.reserve().body;
    folds(stock);
    b.release();
    return lineas?.map((l: { bodega: string; cantidad: number }) => `${l.bodega} ${l.cantidad}`);
  };
  assert.equal(lines(3), ['principal 3']);
  assert.equal(lines(4), ['norte 4']);
  assert.equal(lines(6), ['principal 3', 'este 1', 'norte 2']);
  assert.is(lines(10), undefined);
});

test('an item is refused that bears what another bears, or less than nothing', () => {
  const { item, tell } = batch();
  const id = item(1, null, 'Ñandú');
  const make = (over: object) =>
    tell(contracts.CrearItem, {
      id_item: uuid(),
      numero: 50,
      sku: 'Z',
      nombre: 'z',
      descripcion: null,
      precio: null,
      cantidad: 0,
      ...over,
    }).body.codigo;
  assert.is(make({ sku: 'n\u0303andu\u0301'.toUpperCase() }), 'SKU_DUPLICADO');
  assert.is(make({ id_item: id }), 'ITEM_DUPLICADO');
  assert.is(make({ numero: 1 }), 'NUMERO_DUPLICADO');
  assert.is(make({ cantidad: -1 }), 'CANTIDAD_INVALIDA');
  assert.is(make({ id_item: 'x' }), 'ID_INVALIDO');
  assert.is(make({}), undefined);
});

test('an item is not deleted while anything of it is reserved; then its SKU is free and its number is not', () => {
  const { item, tell, buyer } = batch();
  const id = item(3, '1.00', 'A');
  const a = buyer([id, 1]);
  a.reserve();
  const remove = () => tell(contracts.EliminarItem, { id_item: id });
  assert.is(remove().body.codigo, 'ITEM_RESERVADO');
  a.release();
  const gone = remove();
  assert.is(gone.name, 'ItemEliminado');
  assert.is(remove().body.codigo, 'ITEM_DESCONOCIDO');
  assert.is(buyer(['A', 1]).validate().body.codigo, 'INVENTARIO_INSUFICIENTE');
  assert.is(
    tell(contracts.ActualizarItem, { id_item: id, nombre: 'x', descripcion: null, ...samePrice }).body.codigo,
    'ITEM_DESCONOCIDO',
  );
  const again = item(1, '1.00', 'a');
  assert.is(buyer(['A', 1]).validate().body.lineas[0].id_item, again);
});

test('an item is called by its new name, and its version grows', () => {
  const { item, tell, buyer } = batch();
  const id = item(1);
  const described = { id_item: id, nombre: 'Ñandú', descripcion: 'd', ...samePrice };
  const { body } = tell(contracts.ActualizarItem, described);
  assert.equal([body.nombre, body.version], ['Ñandú', 2]);
  assert.is(buyer(['ñandú', 1]).validate().name, 'InventarioValidado');
  assert.is(buyer(['producto 1', 1]).validate().name, 'ValidacionInventarioFallida');
});

test('a price comes with the command, so that an item without one can be bought from then on, and an older one is late', () => {
  const { item, tell, buyer } = batch();
  const id = item(1, null);
  const describe = (precio: string | null, version_producto: number) =>
    tell(contracts.ActualizarItem, { id_item: id, nombre: 'x', descripcion: null, precio, version_producto });
  assert.is(buyer([id, 1]).validate().body.codigo, 'SIN_PRECIO');
  describe('12.50', 3);
  assert.is(buyer([id, 1]).validate().body.lineas[0].precio_unitario, '12.50');
  describe('9.00', 2);
  describe(null, 4);
  assert.is(buyer([id, 1]).validate().body.lineas[0].precio_unitario, '12.50');
});

test('units are adjusted by a difference or to what is to be available, never below what is reserved', () => {
  const { stock, item, tell, buyer, quantities } = batch();
  const id = item(5);
  buyer([id, 2]).reserve();
  const adjust = (delta: number, disponible: number | null = null) =>
    tell(contracts.AjustarExistencia, { id_item: id, delta, disponible }).body;
  assert.is(adjust(0).codigo, 'CANTIDAD_INVALIDA');
  assert.is(adjust(-4).codigo, 'EXISTENCIA_INSUFICIENTE');
  assert.is(adjust(MOST_UNITS).codigo, 'CANTIDAD_EXCESIVA');
  assert.is(adjust(0, -1).codigo, 'CANTIDAD_INVALIDA');
  assert.equal(adjust(-3).unidades, -3);
  assert.equal(quantities(id), [2, 2]);
  assert.equal(adjust(0, 7).unidades, 7);
  assert.equal(quantities(id), [9, 2]);
  const { version } = adjust(0, 7);
  assert.is(adjust(0, 7).version, version, 'what is so already does not change');
  assert.is(
    tell(contracts.AjustarExistencia, { id_item: 'x', delta: 1, disponible: null }).body.codigo,
    'ITEM_DESCONOCIDO',
  );
  folds(stock);
});

test('only what was reserved by hand is released by hand, the oldest first', () => {
  const { stock, item, tell, buyer, quantities } = batch();
  const id = item(10);
  buyer([id, 4]).reserve();
  const hold = (cantidad: number, at: number, id_reserva = uuid()) => ({
    id_reserva,
    answer: tell(contracts.ReservarExistencia, { id_item: id, id_reserva, cantidad }, uuid(), at),
  });
  const free = (cantidad: number) => tell(contracts.LiberarExistencia, { id_item: id, cantidad }).body;
  const younger = hold(2, 20);
  const older = hold(3, 10);
  assert.is(older.answer.name, 'ExistenciaReservada');
  assert.is(hold(2, 30).answer.body.codigo, 'EXISTENCIA_INSUFICIENTE');
  assert.is(hold(0, 30).answer.body.codigo, 'CANTIDAD_INVALIDA');
  assert.is(hold(1, 30, older.id_reserva).answer.body.codigo, 'RESERVA_DUPLICADA');
  assert.is(free(6).codigo, 'RESERVA_INSUFICIENTE');
  assert.is(free(0).codigo, 'CANTIDAD_INVALIDA');
  assert.equal([free(4).unidades, quantities(id)], [4, [10, 5]]);
  assert.is(stock.reservas.get(older.id_reserva)?.estado, 'LIBERADA');
  assert.is(stock.reservas.get(younger.id_reserva)?.estado, 'VIGENTE');
  assert.is(free(1).reservada, 4);
  assert.is(free(1).codigo, 'RESERVA_INSUFICIENTE', 'the purchase keeps its own');
  folds(stock);
});

test('a reservation by hand is no purchase’s to confirm or release', () => {
  const { item, tell, buyer } = batch();
  const id = item(5);
  const b = buyer([id, 1]);
  tell(contracts.ReservarExistencia, { id_item: id, id_reserva: b.id_reserva, cantidad: 1 });
  assert.throws(() => b.release(), /by hand/);
  assert.throws(() => b.confirm(), /by hand/);
  assert.is(b.reserve().body.codigo, 'RESERVA_TERMINADA');
});

test('a purchase neither releases nor takes nor gives back the units of another', () => {
  const { stock, item, tell, buyer, quantities } = batch();
  const id = item(5);
  const a = buyer([id, 2]);
  a.reserve();
  const ids = { id_reserva: a.id_reserva, id_compra: uuid() };
  const release = () =>
    tell(contracts.LiberarInventario, { id_reserva: a.id_reserva, motivo: '' }, ids.id_compra);
  assert.throws(release, /is of purchase/);
  assert.throws(() => tell(contracts.ConfirmarReserva, { ...ids, id_orden: 'o' }), /is of purchase/);
  a.confirm();
  assert.throws(() => tell(contracts.DevolverInventario, ids), /is of purchase/);
  const lineas = [{ id_item: id, cantidad: 1 }];
  assert.is(
    tell(contracts.ReservarInventario, { ...ids, lineas, vence: null }).body.codigo,
    'RESERVA_TERMINADA',
  );
  assert.equal(quantities(id), [3, 0]);
  folds(stock);
});

test('what runs out by hand is freed; a purchase’s is announced once and keeps its units', () => {
  const { stock, item, tell, buyer, quantities } = batch();
  const id = item(10);
  const b = buyer([id, 2]);
  b.reserve();
  const manual = uuid();
  tell(contracts.ReservarExistencia, { id_item: id, id_reserva: manual, cantidad: 3 });
  tell(contracts.LiberarExistencia, { id_item: id, cantidad: 1 });
  const at = (ms: number) =>
    expire(stock, [b.id_reserva, manual, uuid()], new Date(ms)).map(({ contract, body, correlationId }) => {
      contract.encode(body);
      return [contract.name, correlationId, (body as { unidades?: number }).unidades];
    });
  assert.equal(at(TTL - 1), []);
  const told = at(TTL);
  assert.equal(told[0], ['ReservaVencida', b.id_compra, undefined]);
  assert.equal([told[1]?.[0], told[1]?.[2]], ['ExistenciaLiberada', 2]);
  assert.equal(quantities(id), [10, 2]);
  assert.equal(at(TTL * 9), []);
  assert.is(b.confirm().name, 'ReservaConfirmada', 'past the pivot its purchase goes on');
  assert.equal(quantities(id), [8, 0]);
  folds(stock);
});

test('the newest price of a product counts, whichever comes first', () => {
  const { item, tell, buyer } = batch();
  const announced = (id: string, precio: string | null, version: number) =>
    tell(contracts.ProductoActualizado, {
      id_producto: id,
      numero: 1,
      sku: 'x',
      nombre: 'x',
      descripcion: null,
      precio,
      version,
      fecha: new Date(0),
    });
  const id = item(5, '1.00');
  const total = () => buyer([id, 1]).validate().body.total;
  assert.is(total(), '1.00');
  announced(id, '3.00', 3);
  announced(id, '2.00', 2);
  assert.is(total(), '3.00');
  announced(id, null, 4);
  assert.is(buyer([id, 1]).validate().body.codigo, 'SIN_PRECIO');
});

test('a command that cannot be handled is answered with its failure', () => {
  for (const reaction of reactions.values()) {
    if (reaction.kind !== 'command') continue;
    const envelope = envelopeOf(reaction.contract.name, 'saga', 'entity');
    for (const kind of ['undecodable', 'failed'] as const) {
      const { contract, body } = reaction.fail(envelope, { kind, cause: 'x' }, new Date(0));
      contract.encode(body);
      assert.is(body.codigo, 'ERROR_INTERNO');
    }
  }
});

test.run();
