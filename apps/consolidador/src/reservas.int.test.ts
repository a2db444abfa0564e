// time limit: 300 s
import { migrate } from '@cordada/infra/database/migrate.ts';
import { type TestDatabase, testDatabases } from '@cordada/infra/database/testing/databases.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ReservaFilter, reservaPage } from './reservas.ts';
import { migrations } from './service.ts';

const ITEMS = ['0190d5a0-0000-7000-8000-000000000001', '0190d5a0-0000-7000-8000-000000000002'] as const;
const [ITEM, OTHER] = ITEMS;
const states = ['VIGENTE', 'LIBERADA', 'CONFIRMADA', 'DEVUELTA', 'VENCIDA'] as const;
const COUNT = 40;

/** The n-th of them has the n-th state, in turn; three are made at the same instant; every second one is of two warehouses. */
const FILL = `
  INSERT INTO item SELECT id::uuid, n, 'P-' || n, 'p-' || n, 'Uno', 'uno', NULL, 1000, 500, 1, now(), now()
    FROM (VALUES ('${ITEM}', 1), ('${OTHER}', 2)) v (id, n);
  INSERT INTO reserva SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'COMPRA', gen_random_uuid(), n::text,
    (ARRAY['VIGENTE', 'LIBERADA', 'CONFIRMADA', 'DEVUELTA', 'VENCIDA'])[1 + n % 5],
    '2026-03-01T00:00:00Z'::timestamptz + (n / 3) * interval '1 second', now(), NULL, now() FROM generate_series(1, ${COUNT}) n;
  INSERT INTO reserva_linea SELECT id, CASE WHEN origen::int % 4 = 3 THEN '${OTHER}'::uuid ELSE '${ITEM}'::uuid END, bodega, 1
    FROM reserva, (VALUES ('norte'), ('sur')) b (bodega) WHERE bodega = 'norte' OR origen::int % 2 = 0;
  INSERT INTO movimiento (tipo, item, bodega, delta_cantidad, delta_reservada, reserva, origen, fecha)
    SELECT tipo, item, bodega, 0, delta, r.id, r.origen, r.creada FROM reserva r JOIN reserva_linea l ON l.reserva = r.id,
    (VALUES ('RESERVA', 1), ('LIBERACION', -1)) t (tipo, delta) ORDER BY r.creada, r.id, tipo DESC, bodega;`;

const paged = ({ name, database, close }: TestDatabase): void => {
  const test = suite(`reservations by pages on ${name}`);
  const now = new Date('2026-03-02T00:00:00Z');
  test.before(async () => {
    await migrate(database, migrations, systemRuntime());
    await database.transaction((tx) => tx.script(FILL));
  });
  test.after(close);

  /** All of them, so many at a time. */
  const all = async (filter: ReservaFilter, limit: number): Promise<number[]> => {
    const found: number[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await reservaPage(database, { ...filter, limit, ...(cursor && { cursor }) }, now);
      assert.ok(page.reservas.length <= limit);
      found.push(...page.reservas.map(({ id }) => Number(id.slice(-12))));
      cursor = page.cursor;
      if (cursor === undefined) return found;
    }
  };
  const numbers = Array.from({ length: COUNT }, (_, at) => at + 1);
  const isLive = (n: number): boolean => n % 5 === 0;
  const isOf = (item: string | undefined, n: number): boolean =>
    item === undefined || (item === OTHER) === (n % 4 === 3);
  const expected = (item: string | undefined): number[] => [
    ...numbers.filter((n) => isLive(n) && isOf(item, n)),
    ...numbers.filter((n) => !isLive(n) && isOf(item, n)).reverse(),
  ];

  test('the live ones come first, the oldest first, then the others, the newest first, each once', async () => {
    for (const item of [undefined, ...ITEMS])
      for (const limit of [1, 3, 7, COUNT, 1_000])
        assert.equal(
          await all(item === undefined ? {} : { item }, limit),
          expected(item),
          `${item} by ${limit}`,
        );
  });

  test('of one state all of that state come, and no other', async () => {
    for (const [at, estado] of states.entries())
      for (const item of [undefined, ITEM])
        assert.equal(
          await all({ estado, ...(item && { item }) }, 2),
          expected(item).filter((n) => n % 5 === at),
          `${estado} ${item}`,
        );
  });

  test('a cursor that this list has not given out is refused', async () => {
    const id = '00000000-0000-7000-8000-000000000001';
    for (const [cursor, item] of [
      ['', undefined],
      ['v', undefined],
      [`v_ayer_${id}`, undefined],
      ['v_2026-03-01T00:00:00.000Z_1', undefined],
      [`x_2026-03-01T00:00:00.000Z_${id}`, undefined],
      ['m_7', undefined],
      [`t_2026-03-01T00:00:00.000Z_${id}`, ITEM],
      ['m_7_8', ITEM],
      ["m_7'", ITEM],
    ] as const)
      await reservaPage(database, { cursor, ...(item && { item }) }, now).then(
        () => assert.unreachable(cursor),
        (error: Error) => assert.is(error.name, 'CursorUnknown', error.message),
      );
  });

  test.run();
};

for (const each of await testDatabases('reservas')) paged(each);
