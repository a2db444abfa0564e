// time limit: 300 s
import { statement } from '@cordada/infra/database/database.ts';
import { testDatabases } from '@cordada/infra/database/testing/databases.ts';
import { contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkLedger } from './ledger.ts';
import { keepLedgerShort } from './ledger-retention.ts';
import { type StockUnderTest, serveStock } from './testing/stock-under-test.ts';

const DAY_MS = 86_400_000;
const AGE = statement(
  'test_age',
  `WITH r AS (UPDATE reserva SET creada = creada - interval '3 years', actualizada = actualizada - interval '3 years')
   UPDATE movimiento SET fecha = fecha - interval '3 years'`,
);
const ROWS = statement(
  'test_rows',
  `SELECT tipo, delta_cantidad AS cantidad, delta_reservada AS reservada FROM movimiento ORDER BY id`,
);
const RESERVAS = statement('test_reservas', 'SELECT id, estado FROM reserva ORDER BY id');

const retention = (served: StockUnderTest): void => {
  const { name, database, deps, send, untilTold, item, direct, buyer, close } = served;
  const test = suite(`old movements on ${name}`);

  test.after(close);

  /** Sweeps until a batch was not full. */
  const sweep = async (batch: number): Promise<void> => {
    for (let round = 0; round < 30; round += 1) {
      let task: (() => void) | undefined;
      const runtime = {
        now: () => deps.runtime.now(),
        after: (_: number, then: () => void) => {
          task = then;
          return () => {};
        },
      };
      const end = keepLedgerShort({ database, runtime, log: deps.log, keptMs: 730 * DAY_MS, batch });
      task?.();
      await end();
    }
  };
  const rows = () => database.query(ROWS, []);

  test('are added up in small batches, without those of live reservations, and the ledger still proves every quantity', async () => {
    const { id } = await item(100);
    const [sold, given, live] = [1, 2, 3].map((cantidad) => buyer([{ id_item: id, cantidad }]));
    assert.ok(sold && given && live);
    await send(sold.reservar, given.reservar, live.reservar);
    await send(sold.confirmar, given.confirmar);
    await send(given.devolver);
    await untilTold(contracts.InventarioDevuelto, 1);
    await sweep(2);
    assert.is((await rows()).length, 7, 'nothing is old yet');
    await database.query(AGE, []);
    await send(direct(contracts.AjustarExistencia, { id_item: id, delta: 5, disponible: null }));
    await sweep(2);
    const kept = await rows();
    assert.equal(
      kept.map(({ tipo, cantidad, reservada }) => [tipo, cantidad, reservada]),
      [
        ['RESERVA', 0, 3],
        ['SALDO', 99, 0],
        ['AJUSTE', 5, 0],
      ],
    );
    assert.equal(
      (await database.query(RESERVAS, [])).map(({ id: reserva, estado }) => [reserva, estado]),
      [[live.reserva, 'VIGENTE']],
    );
    assert.equal(
      (await checkLedger(database)).flatMap((finding) => finding.differences),
      [],
    );
    await send(live.confirmar);
    await untilTold(contracts.ReservaConfirmada, 3);
    await database.query(AGE, []);
    await sweep(2);
    assert.equal(
      (await rows()).map(({ tipo, cantidad, reservada }) => [tipo, cantidad, reservada]),
      [['SALDO', 101, 0]],
    );
    await sweep(2);
    assert.is((await rows()).length, 1, 'what is added up already stays');
    assert.equal(
      (await checkLedger(database)).flatMap((finding) => finding.differences),
      [],
    );
  });

  test.run();
};

const served = [];
for (const each of await testDatabases('retention'))
  served.push(await serveStock(each, { env: { RETAIN_LEDGER_DAYS: '0' } }));
for (const each of served) retention(each);
