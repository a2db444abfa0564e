import type { Delivery } from '@cordada/infra/bus/bus.ts';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import { statement } from '@cordada/infra/database/database.ts';
import { type TestDatabase, testDatabases } from '@cordada/infra/database/testing/databases.ts';
import type { Outgoing } from '@cordada/infra/messaging/message.ts';
import { busMessage } from '@cordada/infra/messaging/wire.ts';
import { testServiceDeps } from '@cordada/infra/testing/service-deps.ts';
import { type Contract, contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build, migrations } from './service.ts';

/** Long enough for a loaded machine. */
const PATIENCE_MS = 60_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The service on a database, and all that it answers. */
const serve = async ({ name, database, close }: TestDatabase) => {
  const deps = await testServiceDeps('consolidador', migrations, database);
  const service = await build(deps);
  await service.start();
  const seen: Delivery[] = [];
  const told = new Set<string | undefined>();
  // All who listen: on this bus a message stays in the outbox until each of them has it.
  for (const { name: subscription, topics } of manifest.subscriptions.values())
    if (subscription !== 'consolidador')
      await deps.bus.subscribe(
        { topics, subscription, mode: 'shared-by-key', maxBatch: 100 },
        async (batch) => {
          const fresh = batch.filter(({ properties }) => !told.has(properties['ce-id']));
          for (const { properties } of fresh) told.add(properties['ce-id']);
          seen.push(...fresh);
        },
      );
  return { name, database, close, deps, service, seen };
};

const stock = ({ name, database, close, deps, service, seen }: Awaited<ReturnType<typeof serve>>): void => {
  const test = suite(`the stock over the bus on ${name}`);

  test.after(async () => {
    await service.drain();
    await service.stop();
    await deps.close();
    await close();
  });

  const send = async (...messages: readonly Outgoing[]): Promise<void> => {
    const settled = await deps.bus.publish(messages.map((each) => busMessage(each, 'test', deps.runtime)));
    assert.ok(settled.every(({ status }) => status === 'durable'));
  };
  const of = <Body>(contract: Contract<Body>): Body[] =>
    seen.filter(({ topic }) => topic === contract.topic).map(({ payload }) => contract.decode(payload));
  const until = async (count: number): Promise<void> => {
    for (const end = Date.now() + PATIENCE_MS; seen.length < count && Date.now() < end; ) await pause(5);
    assert.is(seen.length, count, seen.map(({ topic }) => topic).join(', '));
  };
  const get = async (url: string) => {
    const { statusCode, body } = await service.app.inject({
      method: 'GET',
      url,
      headers: { authorization: `Bearer ${deps.tokens.sign('bff', 'consolidador')}` },
    });
    return { statusCode, body: JSON.parse(body) };
  };

  let numero = 0;
  /** A new item with a price, and nothing seen yet. */
  const item = async (cantidad: number, precio: string | null = '10.00') => {
    numero += 1;
    const id = deps.runtime.uuid();
    const operation = deps.runtime.uuid();
    const before = seen.length;
    const command = {
      contract: contracts.CrearItem,
      body: {
        id_item: id,
        numero,
        sku: `P-${numero}`,
        nombre: `Producto ${numero}`,
        descripcion: null,
        precio,
        cantidad,
      },
      correlationId: operation,
      subject: id,
      idempotencyKey: operation,
    };
    await send(command);
    await until(before + 1);
    seen.length = 0;
    return { id, numero, operation, command };
  };
  const step = <Body>(contract: Contract<Body>, saga: string, name: string, body: Body): Outgoing => ({
    contract: contract as Contract<unknown>,
    body,
    correlationId: saga,
    subject: 'id_reserva' in (body as object) ? (body as { id_reserva: string }).id_reserva : saga,
    idempotencyKey: `${saga}/${name}/0`,
  });
  const buyer = (lineas: readonly { readonly id_item: string; readonly cantidad: number }[]) => {
    const saga = deps.runtime.uuid();
    const reserva = deps.runtime.uuid();
    const ids = { id_reserva: reserva, id_compra: saga };
    return {
      saga,
      reserva,
      reservar: step(contracts.ReservarInventario, saga, 'reserva', { ...ids, lineas }),
      liberar: step(contracts.LiberarInventario, saga, 'reserva', { id_reserva: reserva, motivo: 'no' }),
      confirmar: step(contracts.ConfirmarReserva, saga, 'confirmacion', { ...ids, id_orden: saga }),
      devolver: step(contracts.DevolverInventario, saga, 'devolucion', ids),
    };
  };

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
    assert.is((await get(`/operations/${operation}`)).body.estado, 'DONE');
    const page = (await get('/items?page_size=1')).body;
    assert.is(page.total, 1);
    assert.is(page.items[0].id, id);
  });

  test('validates, reserves, confirms and gives back a purchase, with every unit in the ledger', async () => {
    const { id } = await item(5);
    const b = buyer([{ id_item: id, cantidad: 2 }]);
    await send(
      step(contracts.ValidarInventario, b.saga, 'validacion', {
        id_compra: b.saga,
        lineas: [{ producto: id, cantidad: 2 }],
      }),
    );
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

  test.run();
};

const served = [];
for (const each of await testDatabases('stock')) served.push(await serve(each));
for (const each of served) stock(each);
