// time limit: 300 s
import { statement } from '@cordada/infra/database/database.ts';
import { testDatabases } from '@cordada/infra/database/testing/databases.ts';
import { contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkLedger } from './ledger.ts';
import { type StockUnderTest, serveStock } from './testing/stock-under-test.ts';

const stock = (served: StockUnderTest): void => {
  const { name, database, deps, send, of, until, get, item, direct, buyer, close } = served;
  const test = suite(`the stock over the bus on ${name}`);

  test.after(close);

  /** What the ledger says is wrong. */
  const differences = async (): Promise<string[]> =>
    (await checkLedger(database)).flatMap((finding) => finding.differences);

  test('makes an item once, however often its command comes, and answers it by all that it is called by', async () => {
    const { id, numero: number, command, operation } = await item(5, '1250000.50');
    await send(command);
    await until(1);
    assert.equal(of(contracts.ItemCreado)[0]?.cantidad, 5);
    for (const ref of [id, id.toUpperCase(), number, `p-${number}`, `PRODUCTO%20${number}`]) {
      const { statusCode, body } = await get(`/items/${ref}`);
      assert.is(statusCode, 200, String(ref));
      assert.is(body.id, id);
      assert.is(body.available, 5);
      assert.is(body.precio, 1250000.5);
    }
    assert.is((await get(`/items/sku/P-${number}`)).body.id, id);
    assert.is((await get(`/items/${deps.runtime.uuid()}`)).statusCode, 404);
    const nobody = deps.runtime.uuid();
    const known = (await get(`/items-by-id?ids=${nobody},${id}`)).body.items;
    assert.equal(known, [(await get(`/items/${id}`)).body]);
    for (const ids of ['', 'P-1', `${id},`, Array(101).fill(id).join(',')])
      assert.is((await get(`/items-by-id?ids=${ids}`)).statusCode, 400, ids);
    assert.is((await get(`/operations/${operation}`)).body.estado, 'DONE');
    const page = (await get('/items?page_size=1')).body;
    assert.is(page.total, 1);
    assert.is(page.items[0].id, id);
  });

  test('validates, reserves, confirms and gives back a purchase, with every unit in the ledger', async () => {
    const { id } = await item(5);
    const b = buyer([{ id_item: id, cantidad: 2 }]);
    await send(b.validar);
    await until(1);
    assert.is(of(contracts.InventarioValidado)[0]?.total, '20.00');
    await send(b.reservar, b.reservar);
    await until(3);
    const [first, again] = of(contracts.InventarioReservado);
    assert.equal(again, first);
    assert.equal(first?.lineas, [{ id_item: id, bodega: 'principal', cantidad: 2 }]);
    const { reservas } = (await get(`/reservas?compra=${b.saga}`)).body;
    assert.equal(reservas[0].dueno, { compra: b.saga });
    assert.is(reservas[0].vencida, false);
    assert.is((await get(`/items/${id}`)).body.available, 3);
    await send(b.confirmar);
    await until(4);
    assert.equal(
      (await get(`/items/${id}`)).body,
      Object.assign((await get(`/items/${id}`)).body, { quantity: 3, reserved: 0 }),
    );
    await send(b.devolver);
    await until(5);
    const { movimientos } = (await get(`/movimientos?item=${id}`)).body;
    assert.equal(
      movimientos.map((m: Record<string, unknown>) => [m.tipo, m.delta_cantidad, m.delta_reservada]),
      [
        ['DEVOLUCION', 2, 0],
        ['VENTA', -2, -2],
        ['RESERVA', 0, 2],
        ['ALTA', 5, 0],
      ],
    );
    assert.is((await get(`/items/${id}`)).body.available, 5);
  });

  test('of 500 buyers of an item with 100 units exactly 100 get one, and 400 are told what is left', async () => {
    const { id, numero: number } = await item(100);
    const buyers = Array.from({ length: 500 }, () => buyer([{ id_item: id, cantidad: 1 }]));
    await send(...buyers.map((b) => b.reservar));
    await until(500);
    assert.is(of(contracts.InventarioReservado).length, 100);
    const refused = of(contracts.ReservaInventarioFallida);
    assert.is(refused.length, 400);
    for (const { codigo, faltantes } of refused) {
      assert.is(codigo, 'INVENTARIO_INSUFICIENTE');
      assert.equal(faltantes, [{ producto: String(number), pedido: 1, disponible: 0 }]);
    }
    const { quantity, reserved, version } = (await get(`/items/${id}`)).body;
    assert.equal({ quantity, reserved }, { quantity: 100, reserved: 100 });
    const versions = of(contracts.InventarioReservado).map(({ existencias }) => existencias[0]?.version);
    assert.is(new Set(versions).size, 100, 'every change has a version of its own');
    assert.is(Math.max(...(versions as number[])), version);
    assert.equal(await differences(), []);
  });

  test('a database that is written behind its back sells nothing that is not there', async () => {
    const { id } = await item(3);
    const b = buyer([{ id_item: id, cantidad: 3 }]);
    await send(b.reservar);
    await until(1);
    for (const sql of [
      'UPDATE existencia SET reservada = reservada + 1 WHERE item = $1',
      'UPDATE item SET cantidad = cantidad - 1 WHERE id = $1',
      'UPDATE existencia SET reservada = -1 WHERE item = $1',
    ]) {
      const refusal = await database.query(statement(`test ${sql.length}`, sql), [id]).catch((e: Error) => e);
      assert.instance(refusal, Error, sql);
      assert.match((refusal as Error).message, /_reservada_check/);
    }
  });

  test('an undo that comes before its command leaves nothing reserved, in one batch or in two', async () => {
    const { id } = await item(5);
    const [a, b] = [buyer([{ id_item: id, cantidad: 2 }]), buyer([{ id_item: id, cantidad: 2 }])];
    await send(a.liberar);
    await send(a.reservar);
    await until(2);
    await send(b.liberar, b.reservar);
    await until(4);
    assert.is(of(contracts.InventarioReservado).length, 0);
    assert.is(of(contracts.InventarioLiberado).length, 4, 'the late command is answered as its undo was');
    assert.is((await get(`/items/${id}`)).body.reserved, 0);
    await send(a.liberar);
    await until(5);
    assert.equal(await differences(), []);
  });

  test('a command and its undo at once leave all free, whichever is first', async () => {
    const { id } = await item(50);
    const buyers = Array.from({ length: 50 }, () => buyer([{ id_item: id, cantidad: 1 }]));
    await send(...buyers.flatMap((b, i) => (i % 2 ? [b.reservar, b.liberar] : [b.liberar, b.reservar])));
    await until(100);
    assert.equal((await get(`/items/${id}`)).body.reserved, 0);
    assert.equal(await differences(), []);
  });

  test('a price that comes before its item waits for it', async () => {
    const id = deps.runtime.uuid();
    const price = {
      id_producto: id,
      numero: 77,
      sku: 'S',
      nombre: 'n',
      descripcion: null,
      fecha: new Date(),
    };
    await send({
      contract: contracts.ProductoCreado,
      body: { ...price, precio: '7.25', version: 1 },
      correlationId: id,
      subject: id,
      idempotencyKey: `${id}/1`,
    });
    const { body } = (await item(1, null)).command;
    await send(
      direct(contracts.CrearItem, { ...body, id_item: id, numero: 900, sku: 'Antes', precio: null }),
    );
    await until(1);
    assert.is((await get('/items/antes')).body.precio, 7.25);
  });

  test('of many items that want one SKU at once one gets it, and the others are refused', async () => {
    const { command } = await item(1);
    const wanted = Array.from({ length: 20 }, (_, i) => {
      const id_item = deps.runtime.uuid();
      return direct(contracts.CrearItem, { ...command.body, id_item, numero: 1_000 + i, sku: 'Único' });
    });
    await Promise.all(wanted.map((each) => send(each)));
    await until(20);
    assert.is(of(contracts.ItemCreado).length, 1);
    const codes = of(contracts.OperacionInventarioRechazada).map(({ codigo }) => codigo);
    assert.equal([...new Set(codes)], ['SKU_DUPLICADO']);
  });

  test('commands by hand are operations that tell how they ended', async () => {
    const { id } = await item(5);
    const hold = direct(contracts.ReservarExistencia, {
      id_item: id,
      id_reserva: deps.runtime.uuid(),
      cantidad: 3,
    });
    const release = direct(contracts.LiberarExistencia, { id_item: id, cantidad: 4 });
    const adjust = direct(contracts.AjustarExistencia, { id_item: id, delta: -3, disponible: null });
    await send(hold, release, adjust, direct(contracts.EliminarItem, { id_item: id }));
    const outcome = async ({ correlationId }: { readonly correlationId: string }) =>
      (await get(`/operations/${correlationId}`)).body;
    assert.is((await outcome(hold)).estado, 'DONE');
    assert.is((await outcome(release)).error.codigo, 'RESERVA_INSUFICIENTE');
    assert.is((await outcome(adjust)).error.codigo, 'EXISTENCIA_INSUFICIENTE');
    const { reservas } = (await get(`/reservas?item=${id}&estado=VIGENTE`)).body;
    assert.equal(reservas[0].dueno, { operacion: hold.correlationId });
    assert.equal(reservas[0].lineas, [{ item: id, bodega: 'principal', cantidad: 3 }]);
    const free = direct(contracts.LiberarExistencia, { id_item: id, cantidad: 3 });
    const remove = direct(contracts.EliminarItem, { id_item: id });
    await send(free, remove);
    assert.is((await outcome(remove)).estado, 'DONE');
    assert.is((await get(`/items/${id}`)).statusCode, 404);
    assert.equal(await differences(), []);
  });

  test('the ledger tells a quantity that nothing explains, and a constraint that is gone', async () => {
    const { id } = await item(5);
    assert.equal(await differences(), []);
    const sql = async (text: string) => {
      await database.transaction((tx) => tx.script(text.replaceAll('$1', `'${id}'`)));
    };
    const holds = async (tamper: string, mend: string, told: RegExp): Promise<void> => {
      await sql(tamper);
      const found = await differences();
      assert.ok(
        found.some((line) => told.test(line)),
        `${tamper}: ${found.join('; ')}`,
      );
      await sql(mend);
      assert.equal(await differences(), [], mend);
    };
    await holds(
      'UPDATE existencia SET cantidad = 6 WHERE item = $1; UPDATE item SET cantidad = 6 WHERE id = $1',
      'UPDATE existencia SET cantidad = 5 WHERE item = $1; UPDATE item SET cantidad = 5 WHERE id = $1',
      /has 6 units.*movements add up to 5/,
    );
    await holds(
      'UPDATE item SET cantidad = 4 WHERE id = $1',
      'UPDATE item SET cantidad = 5 WHERE id = $1',
      /4 units.*warehouses have 5/,
    );
    await holds(
      `UPDATE existencia SET reservada = 1 WHERE item = $1; UPDATE item SET reservada = 1 WHERE id = $1;
       INSERT INTO movimiento (tipo, item, bodega, delta_cantidad, delta_reservada, origen, fecha)
       VALUES ('RESERVA', $1, 'principal', 0, 1, 'x', now())`,
      `UPDATE existencia SET reservada = 0 WHERE item = $1; UPDATE item SET reservada = 0 WHERE id = $1;
       DELETE FROM movimiento WHERE origen = 'x'`,
      /1 units are reserved.*live reservations add up to 0/,
    );
    await holds(
      `UPDATE movimiento SET delta_cantidad = 7 WHERE item = $1`,
      `UPDATE movimiento SET delta_cantidad = 5 WHERE item = $1`,
      /has 5 units.*add up to 7/,
    );
    await holds(
      'ALTER TABLE existencia DROP CONSTRAINT existencia_reservada_check',
      'ALTER TABLE existencia ADD CONSTRAINT existencia_reservada_check CHECK (0 <= reservada AND reservada <= cantidad)',
      /existencia_reservada_check of existencia is missing/,
    );
  });

  test('a row that another writer has changed since it was read is not overwritten', async () => {
    const { id } = await item(5);
    const write = (read: number) =>
      database.query(
        statement(
          'test_optimistic',
          `WITH escritas AS (UPDATE item SET version = version + 1 WHERE id = $1 AND version = $2 RETURNING 1)
           SELECT exigir_filas(count(*), 1) FROM escritas`,
        ),
        [id, read],
      );
    const { version } = (await get(`/items/${id}`)).body;
    await write(version);
    const refusal = await write(version).catch((error: { code?: string }) => error);
    assert.is((refusal as { code?: string }).code, '40001', 'which the pipeline waits out and tries again');
  });

  test.run();
};

/** Three replicas where several processes may share a database. */
const served = [];
for (const each of await testDatabases('stock'))
  served.push(await serveStock(each, { replicas: each.database.kind === 'postgres' ? 3 : 1 }));
for (const each of served) stock(each);
