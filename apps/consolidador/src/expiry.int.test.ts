// time limit: 300 s
import { testDatabases } from '@cordada/infra/database/testing/databases.ts';
import { contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkLedger } from './ledger.ts';
import { type StockUnderTest, serveStock } from './testing/stock-under-test.ts';

/** Milliseconds that a reservation of these tests lives. */
const TTL = 1_500;

const expiry = (served: StockUnderTest): void => {
  const { name, database, deps, send, of, untilTold, get, item, direct, buyer, start, stop, close } = served;
  const test = suite(`reservations that run out on ${name}`);

  test.after(close);
  test.after.each(async () => {
    assert.equal(
      (await checkLedger(database)).flatMap((finding) => finding.differences),
      [],
    );
  });

  const hold = (id_item: string, cantidad: number) =>
    direct(contracts.ReservarExistencia, { id_item, id_reserva: deps.runtime.uuid(), cantidad });

  test('one made by hand ends by itself; a purchase’s is announced once and goes on', async () => {
    const { id } = await item(10);
    const b = buyer([{ id_item: id, cantidad: 2 }]);
    await send(hold(id, 3), b.reservar);
    await untilTold(contracts.ReservaVencida, 1);
    await untilTold(contracts.ExistenciaLiberada, 1);
    assert.equal(of(contracts.ReservaVencida)[0]?.id_compra, b.saga);
    const vencida = served.seen.find(({ topic }) => topic === contracts.ReservaVencida.topic);
    assert.is(vencida?.properties.correlationid, b.saga);
    const freed = of(contracts.ExistenciaLiberada)[0];
    assert.equal([freed?.unidades, freed?.cantidad, freed?.reservada], [3, 10, 2]);
    const { movimientos } = (await get(`/movimientos?item=${id}&limit=1`)).body;
    assert.is(movimientos[0].tipo, 'VENCIMIENTO');
    const { reservas } = (await get(`/reservas?compra=${b.saga}`)).body;
    assert.equal([reservas[0].estado, reservas[0].vencida], ['VIGENTE', true]);
    assert.ok(reservas[0].edad_s >= 1);
    await new Promise((resolve) => setTimeout(resolve, 2 * TTL));
    assert.is(of(contracts.ReservaVencida).length, 1);
    await send(b.confirmar);
    await untilTold(contracts.ReservaConfirmada, 1);
    assert.equal((await get(`/items/${id}`)).body.available, 8);
  });

  test('what runs out while nobody is there is found by the next start', async () => {
    const { id } = await item(10);
    await send(hold(id, 3));
    await untilTold(contracts.ExistenciaReservada, 1);
    await stop();
    await new Promise((resolve) => setTimeout(resolve, TTL));
    assert.is(of(contracts.ExistenciaLiberada).length, 0);
    await start();
    await untilTold(contracts.ExistenciaLiberada, 1);
    assert.is((await get(`/items/${id}`)).body.available, 10);
  });

  test('many at once end each once, however many replicas look', async () => {
    const { id } = await item(500);
    await send(...Array.from({ length: 250 }, () => hold(id, 2)));
    await untilTold(contracts.ExistenciaLiberada, 250);
    assert.equal((await get(`/items/${id}`)).body.available, 500);
    const keys = served.seen
      .filter(({ topic }) => topic === contracts.ExistenciaLiberada.topic)
      .map(({ properties }) => properties.idempotencykey);
    assert.is(new Set(keys).size, 250);
  });

  test.run();
};

const served = [];
for (const each of await testDatabases('expiry'))
  served.push(
    await serveStock(each, {
      replicas: each.database.kind === 'postgres' ? 3 : 1,
      env: { RESERVA_TTL_MS: String(TTL) },
    }),
  );
for (const each of served) expiry(each);
