// time limit: 300 s
import { type Row, type Statement, statement } from '@cordada/infra/database/database.ts';
import { migrate } from '@cordada/infra/database/migrate.ts';
import { type TestDatabase, testDatabases } from '@cordada/infra/database/testing/databases.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stockReads } from './reads.ts';
import type { ReservaFilter } from './reservas.ts';
import { migrations } from './service.ts';
import { loadStock } from './stock-store.ts';

/** Items, and ended reservations of the first of them. */
const GROWN = 5_000;
/** How many of those were released: they are the oldest. */
const RARE = 3;
/** No step of a plan may touch more rows than this: none of the questions is about so many. */
const MOST_ROWS = 200;

const GROW = `
  INSERT INTO item SELECT gen_random_uuid(), n, 'P-' || n, 'p-' || n, 'Producto ' || n, 'producto ' || n, NULL, 1000, 0,
    1, now(), now() FROM generate_series(1, ${GROWN}) n;
  INSERT INTO existencia SELECT id, 'principal', 1000, 0, 1 FROM item;
  INSERT INTO precio SELECT id, 5, 1, now() FROM item;
  INSERT INTO reserva SELECT gen_random_uuid(), 'COMPRA', gen_random_uuid(), 'saga ' || n,
    CASE WHEN n > ${GROWN - RARE} THEN 'LIBERADA' ELSE 'CONFIRMADA' END,
    date_trunc('milliseconds', now()) - n * interval '1 second', now(), NULL, now() FROM generate_series(1, ${GROWN}) n;
  INSERT INTO reserva_linea SELECT id, (SELECT id FROM item WHERE numero = 1), 'principal', 1 FROM reserva;
  INSERT INTO movimiento (tipo, item, bodega, delta_cantidad, delta_reservada, reserva, origen, fecha)
    SELECT tipo, (SELECT id FROM item WHERE numero = 1), 'principal', cantidad, reservada, id, origen, creada
    FROM reserva, (VALUES ('RESERVA', 0, 1), ('VENTA', -1, -1)) t (tipo, cantidad, reservada) ORDER BY creada, tipo;`;

interface Plan {
  readonly 'Node Type': string;
  readonly 'Actual Rows': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
}

const steps = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(steps)];

const plans = ({ name, database, close }: TestDatabase): void => {
  const test = suite(`what is asked of a grown stock on ${name}`);
  test.before(async () => {
    await migrate(database, migrations, systemRuntime());
    await database.transaction((tx) => tx.script(GROW));
  });
  test.after(close);

  type Ask = (sql: Statement, parameters: readonly unknown[]) => Promise<Row[]>;
  /** Asks, and refuses a plan that looks at many rows. Often enough that a plan for any parameters is made. */
  const watched =
    (ask: Ask): Ask =>
    async (sql, parameters) => {
      const explained = statement(`explain_${sql.name}`, `EXPLAIN (ANALYZE, FORMAT JSON) ${sql.text}`);
      for (let round = 0; round < 7; round += 1) {
        const [row] = await ask(explained, parameters);
        for (const step of steps(row['QUERY PLAN'][0].Plan)) {
          const rows = Math.max(step['Actual Rows'], step['Rows Removed by Filter'] ?? 0);
          assert.ok(rows <= MOST_ROWS, `${sql.name}: ${step['Node Type']} of ${rows} rows`);
        }
      }
      return ask(sql, parameters);
    };

  const one = (sql: string) => database.query(statement(`one_${sql.length}`, sql), []);

  test('a batch finds what it needs by an index, whatever it needs and although nobody has analysed the tables', async () => {
    const [{ id }] = (await one('SELECT id FROM item WHERE numero = 1')) as [Row];
    const [reserva] = (await one('SELECT id FROM reserva LIMIT 1')) as [Row];
    await database.transaction(async (tx) => {
      const query = watched((sql, parameters) => tx.query(sql, parameters));
      const stock = await loadStock(
        { query, write: query },
        {
          references: new Set(['1', 'p-77', 'PRODUCTO 5', 'nada', id]),
          items: new Set([id]),
          reservas: new Set([reserva.id]),
          manual: new Set([id]),
          precios: new Set([id]),
        },
      );
      assert.is(stock.items.find('producto 5')?.numero, 5);
      assert.is(stock.reservas.get(reserva.id)?.lineas.length, 1);
    });
    const reads = stockReads({ query: watched((sql, parameters) => database.query(sql, parameters)) });
    assert.is((await reads.itemsWithIds([id]))[0]?.numero, 1);
  });

  test('so does who reads an item, a purchase’s reservations, the live ones, or, once they are analysed, the movements of a hot item', async () => {
    await database.transaction((tx) => tx.script('ANALYZE'));
    const [{ id, compra }] = (await one(
      'SELECT l.item AS id, r.compra FROM reserva r JOIN reserva_linea l ON l.reserva = r.id LIMIT 1',
    )) as [Row];
    const reads = stockReads({ query: watched((sql, parameters) => database.query(sql, parameters)) });
    const now = new Date();
    assert.is((await reads.item('Producto 9'))?.numero, 9);
    assert.is((await reads.itemWithSku('p-9'))?.numero, 9);
    const reservas = (filter: ReservaFilter) => reads.reservas(filter, now);
    assert.is((await reservas({ compra })).reservas.length, 1);
    assert.equal(await reservas({ estado: 'VIGENTE', item: id }), { reservas: [] });
    for (const filter of [
      {},
      { item: id },
      { estado: 'CONFIRMADA' },
      { item: id, estado: 'CONFIRMADA' },
    ] as const) {
      const first = await reservas({ ...filter, limit: 10 });
      assert.is(first.reservas.length, 10);
      const second = await reservas({ ...filter, limit: 10, ...(first.cursor && { cursor: first.cursor }) });
      const ages = [...first.reservas, ...second.reservas].map(
        ({ creada }) => now.getTime() - creada.getTime(),
      );
      assert.is(new Set(ages).size, 20);
      assert.equal(
        ages,
        ages.toSorted((a, b) => a - b),
      );
    }
    const released = await reservas({ estado: 'LIBERADA', limit: 10 });
    assert.equal([released.reservas.length, released.cursor], [RARE, undefined]);
    assert.is((await reads.movimientos({ item: id, limit: 10 })).length, 10);
    assert.is((await reads.movimientos({ limit: 10 })).length, 10);
    assert.is(await reads.leftAfter(id, 'saga 1'), 1000);
  });

  test.run();
};

for (const each of await testDatabases('plans')) plans(each);
