import { statement } from '@cordada/infra/database/database.ts';
import { uuidV5 } from '@cordada/infra/uuid-v5.ts';
import { contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { campaignSaga } from '../campaign.saga.ts';
import { coordinatorSuite } from '../testing/coordinator-suite.ts';
import { type TestDatabase, testDatabases } from '../testing/databases.ts';
import { Desk } from '../testing/desk.ts';
import { PositionUnknown, type SagaReads, sagaReads } from './reads.ts';
import { retainedSagas } from './retention.ts';

/** Of the sagas of these tests. */
const NAMESPACE = '6ba7b811-9dad-11d1-80b4-00c04fd430c8';
const HOT_UPDATES = statement(
  'test_hot_updates',
  `SELECT pg_stat_get_xact_tuples_hot_updated('saga'::regclass)::int4 AS hot,
     pg_stat_get_xact_tuples_updated('saga'::regclass)::int4 AS "all"`,
);

const ROWS_READ = statement(
  'test_rows_read',
  `SELECT (pg_stat_get_xact_tuples_fetched('saga'::regclass) + pg_stat_get_xact_tuples_returned('saga'::regclass))::int4
     AS rows`,
);

const saga = (n: number): string => uuidV5(`saga ${n}`, NAMESPACE);

for (const [name, open] of await testDatabases()) {
  // Not before its first sentence: the suites of the other database run in this process, too.
  let opened: Promise<TestDatabase> | undefined;
  const opening = (): Promise<TestDatabase> => {
    opened ??= open();
    return opened;
  };
  coordinatorSuite(name, opening, async () => {}).run();

  const test = suite(`what is read of sagas on ${name}`);
  let on: TestDatabase;
  test.before(async () => {
    on = await opening();
  });
  test.before.each(() => on.clear());
  test.after(() => on.close());

  const reads = (desk: Desk<never>): SagaReads =>
    sagaReads({
      database: on.database,
      definitions: [campaignSaga],
      runtime: desk.runtime,
      onCommitted: (listener) => desk.coordinator.onCommitted(listener),
    });
  const desk = (): Desk<never> => new Desk(on) as unknown as Desk<never>;

  test('shows a saga with its steps, what remains, and every message once, oldest first', async () => {
    const d = desk();
    await d.handle(d.begin(saga(1), ['ana', 'beto']));
    const begun = await reads(d).view(saga(1), 'campaign');
    assert.is(begun?.estado, 'RUNNING');
    assert.is(begun?.clave, 'Marca Ñ · Otoño');
    assert.is(begun?.traza, '0af7651916cd43dd8448eb211c80319c');
    assert.is(begun?.vence, '2030-01-01T00:01:00.000Z');
    assert.equal(begun?.restantes, [
      { nombre: 'evento', comando: 'RegistrarEvento' },
      { nombre: 'aprobacion', comando: 'AprobarReserva' },
    ]);
    d.runtime.advance(1_000);
    const [ana, beto] = d.take('RegistrarPartner');
    assert.ok(ana && beto);
    await d.handle(
      d.answer(ana, contracts.PartnerRegistrado),
      d.answer(beto, contracts.RegistroPartnerFallido, { codigo: 'SUSPENDIDO', motivo: 'está suspendido' }),
    );
    await d.settle();
    const view = await reads(d).view(saga(1));
    assert.is(view?.estado, 'COMPENSATED');
    assert.equal(view?.motivo, { codigo: 'SUSPENDIDO', motivo: 'está suspendido' });
    assert.equal(view?.restantes, []);
    assert.is(view?.vence, null);
    const started = '2030-01-01T00:00:00.000Z';
    const later = '2030-01-01T00:00:01.000Z';
    assert.equal(view?.pasos, [
      {
        nombre: 'campaign',
        estado: 'COMPENSADO',
        comando: 'RegistrarCampaign',
        evento: 'CampaignRegistrada',
        compensacion: 'CancelarCampaign',
        intentos: 1,
        desde: started,
        hasta: later,
      },
      {
        nombre: 'partner',
        item: 0,
        estado: 'COMPENSADO',
        comando: 'RegistrarPartner',
        evento: 'PartnerRegistrado',
        compensacion: 'CancelarPartner',
        intentos: 1,
        desde: started,
        hasta: later,
      },
      {
        nombre: 'partner',
        item: 1,
        estado: 'RECHAZADO',
        comando: 'RegistrarPartner',
        evento: 'RegistroPartnerFallido',
        intentos: 1,
        desde: started,
        hasta: later,
        motivo: 'está suspendido',
      },
    ]);
    assert.equal(
      view?.mensajes.map(({ contrato, direccion }) => `${contrato} ${direccion}`),
      [
        'IniciarCampaign recibido',
        'RegistrarCampaign enviado',
        'CampaignRegistrada recibido',
        'RegistrarPartner enviado',
        'RegistrarPartner enviado',
        'PartnerRegistrado recibido',
        'RegistroPartnerFallido recibido',
        'CancelarPartner enviado',
        'PartnerCancelado recibido',
        'CancelarCampaign enviado',
        'CampaignCancelada recibido',
      ],
    );
    const ids = view?.mensajes.map(({ id }) => id) ?? [];
    assert.is(new Set(ids).size, ids.length);
    assert.ok(ids.includes(ana.id ?? ''), 'a message is shown under the id that it was published with');
  });

  test('shows an undo saga and the one that it undoes, each with the other', async () => {
    const d = desk();
    await d.handle(d.begin(saga(1), ['ana']));
    await d.settle();
    const undo = await d.coordinator.deshacer({ saga: saga(1), quien: 'ana', motivo: 'ya no' });
    assert.ok(undo.taken);
    await d.settle();
    const shown = await reads(d).view(undo.saga, 'campaign');
    assert.is(shown?.deshace, saga(1));
    assert.equal(
      shown?.pasos.map(({ nombre, comando, evento }) => [nombre, comando, evento]),
      [
        ['evento', 'CancelarEvento', 'EventoCancelado'],
        ['partner', 'CancelarPartner', 'PartnerCancelado'],
        ['campaign', 'CancelarCampaign', 'CampaignCancelada'],
      ],
    );
    assert.equal((await reads(d).view(saga(1)))?.deshechaPor, [{ saga: undo.saga }]);
  });

  test('knows no saga by a malformed id, an unknown one, or another tipo', async () => {
    const d = desk();
    const begin = d.begin(saga(1), []);
    await d.handle(begin);
    for (const [id, tipo] of [['x'], [saga(2)], [saga(1), 'compra']] as const)
      assert.is(await reads(d).view(id ?? '', tipo), undefined);
    assert.equal(await reads(d).start(saga(1)), {
      id: saga(1),
      requestHash: 'hash',
      messageId: begin.envelope.id,
      estado: 'COMPLETED',
    });
  });

  test('lists the newest first, in pages, by status, by time, and by words of the key in any case', async () => {
    const d = desk();
    for (let n = 1; n <= 5; n += 1) {
      await d.handle(d.begin(saga(n), n % 2 ? ['p'] : [], `Campaña ${n}`));
      d.runtime.advance(1_000);
    }
    const ids = async (filter: Partial<Parameters<SagaReads['list']>[0]>) =>
      (await reads(d).list({ limit: 10, ...filter })).sagas.map(({ id }) => id);
    const all = [5, 4, 3, 2, 1].map(saga);
    assert.equal(await ids({}), all);
    assert.equal(await ids({ estado: 'COMPLETED' }), [saga(4), saga(2)]);
    assert.equal(await ids({ clave: 'CAMPAN\u0303A 3' }), [saga(3)]);
    assert.equal(await ids({ clave: 'marca ñ' }), all);
    assert.equal(await ids({ clave: 'marca' }), []);
    assert.equal(await ids({ tipo: 'compra' }), []);
    const second = new Date(Date.UTC(2030, 0, 1, 0, 0, 1));
    assert.equal(await ids({ desde: second, hasta: new Date(second.getTime() + 2_000) }), [saga(3), saga(2)]);
    const pages: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await reads(d).list({ limit: 2, ...(cursor && { cursor }) });
      pages.push(page.sagas.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor);
    assert.equal(pages, [[saga(5), saga(4)], [saga(3), saga(2)], [saga(1)]]);
    assert.equal(await reads(d).counts(), [{ tipo: 'campaign', estado: 'RUNNING', sagas: 3 }]);
    try {
      await reads(d).list({ limit: 1, cursor: 'x' });
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof PositionUnknown);
    }
  });

  test('streams every transition once, in order, from where it is asked', async () => {
    const d = desk();
    const before = await reads(d).end();
    await d.handle(d.begin(saga(1), ['ana']));
    await d.handle(d.begin(saga(2), []));
    await d.settle();
    const seen: [string, number, string][] = [];
    let after = before;
    for (;;) {
      const page = await reads(d).stream(after, 2);
      if (page.moves.length === 0) break;
      seen.push(...page.moves.map(({ saga, n, estado }): [string, number, string] => [saga, n, estado]));
      after = page.after;
    }
    assert.equal(seen, [
      [saga(1), 1, 'RUNNING'],
      [saga(2), 1, 'COMPLETED'],
      [saga(1), 2, 'RUNNING'],
      [saga(1), 3, 'COMPLETED'],
    ]);
    assert.equal((await reads(d).stream(await reads(d).end(), 10)).moves, []);
    const [first] = (await reads(d).stream(before, 1)).moves;
    assert.equal(first?.entradas.map(({ paso, estado, comando }) => [paso, estado, comando]).slice(1), [
      ['campaign', 'COMANDO', 'RegistrarCampaign'],
      ['campaign', 'EVENTO', undefined],
      ['partner', 'COMANDO', 'RegistrarPartner'],
    ]);
  });

  if (name === 'Postgres')
    test('does not stream past a transaction that is under way, and so skips none that commits late', async () => {
      const d = desk();
      const before = await reads(d).end();
      let finish = () => {};
      const held = new Promise<void>((resolve) => {
        finish = resolve;
      });
      let written = () => {};
      const slow = new Promise<void>((resolve) => {
        written = resolve;
      });
      const late = on.transaction(async (tx) => {
        const outcome = await d.coordinator.handle(tx as never, [d.begin(saga(1), [])], new Date(0));
        assert.is((await on.store.log(tx, saga(1))).length, 1); // by now the database has what was only sent
        written();
        await held;
        return outcome;
      });
      await slow;
      await d.handle(d.begin(saga(2), []));
      assert.equal((await reads(d).stream(before, 10)).moves, []);
      finish();
      await late;
      const moves = (await reads(d).stream(before, 10)).moves;
      assert.equal(new Set(moves.map((move) => move.saga)), new Set([saga(1), saga(2)]));
    });

  if (name === 'Postgres')
    test('lets one of two replicas begin a saga, and both carry it on in turn', async () => {
      // Neither commits before both have looked for the saga, and found none.
      let looked = 0;
      let open = (): void => {};
      const bothHaveLooked = new Promise<void>((resolve) => {
        open = resolve;
      });
      const slow: TestDatabase = {
        ...on,
        transaction: (work) =>
          on.transaction(async (tx) => {
            const result = await work(tx);
            looked += 1;
            if (looked === 2) open();
            await bothHaveLooked;
            return result;
          }),
      };
      const replicas = [new Desk(slow), new Desk(slow)] as const;
      const [d, e] = replicas;
      const taken = (name: string) => replicas.flatMap((replica) => replica.take(name));
      const begin = d.begin(saga(1), ['ana', 'beto']);
      await Promise.all(replicas.map((replica) => replica.handle(begin)));
      assert.is(d.conflicts + e.conflicts, 1);
      const [ana, beto, ...more] = taken('RegistrarPartner').map((one) =>
        d.answer(one, contracts.PartnerRegistrado),
      );
      assert.ok(ana && beto && more.length === 0);
      await Promise.all([d.handle(ana), e.handle(beto)]);
      assert.is(taken('RegistrarEvento').length, 2);
    });

  test('waits for a saga to end, is told by the hint, and says how it stands when the wait is over', async () => {
    const d = desk();
    await d.handle(d.begin(saga(1), ['ana']));
    const over = reads(d).settled(saga(1), 1_000);
    await d.until(async () => {
      d.runtime.advance(1_000);
      return (await Promise.race([over, undefined])) !== undefined;
    });
    assert.is((await over)?.estado, 'RUNNING');
    const ended = reads(d).settled(saga(1), 60_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await d.settle();
    assert.is((await ended)?.estado, 'COMPLETED');
    assert.is(await reads(d).settled(saga(9), 0), undefined);
  });

  test('moves a saga on without touching its indexes', async () => {
    const d = desk();
    await d.handle(d.begin(saga(1), ['ana']));
    const answers = d.take('RegistrarPartner').map((one) => d.answer(one, contracts.PartnerRegistrado));
    const { before, after } = await on.transaction(async (tx) => {
      const [before] = await tx.query(HOT_UPDATES, []);
      await d.coordinator.handle(tx as never, answers, new Date(d.runtime.now()));
      const [after] = await tx.query(HOT_UPDATES, []);
      return { before, after };
    });
    assert.equal({ hot: after.hot - before.hot, all: after.all - before.all }, { hot: 1, all: 1 });
  });

  test('reads the rows of its own sagas alone, by plans that were made when there were none', async () => {
    const d = new Desk(on);
    const rowsRead = async (n: number): Promise<number> => {
      await d.handle(d.begin(saga(n), ['ana']));
      const answers = d.take('RegistrarPartner').map((sent) => d.answer(sent, contracts.PartnerRegistrado));
      return on.database.transaction(async (tx) => {
        const [before] = await tx.query(ROWS_READ, []);
        await d.coordinator.handle(tx as never, answers, new Date(d.runtime.now()));
        const [after] = await tx.query(ROWS_READ, []);
        return after.rows - before.rows;
      });
    };
    const alone = await rowsRead(0);
    for (let n = 1; n < 40; n++) await rowsRead(n);
    assert.is(await rowsRead(40), alone);
  });

  test('sagas that have ended are forgotten with their logs after their time; what is undone by one that lives is not', async () => {
    const d = desk();
    const first = [saga(1), saga(2), saga(3)];
    for (const id of first) {
      await d.handle(d.begin(id, ['ana']));
      await d.settle();
      d.runtime.advance(1_000);
    }
    const undone = await d.coordinator.deshacer({ saga: saga(2), quien: 'ana', motivo: 'x' });
    assert.ok(undone.taken);
    const asked = await reads(d).start(saga(1));
    assert.is(asked?.requestHash, 'hash');
    await d.handle(d.begin(saga(4), ['ana']));
    const { forget } = retainedSagas(0);
    const forgotten = async (limit: number): Promise<string[]> => {
      const rows = await on.database.query<{ id: string }>(forget, [new Date(d.runtime.now() + 1), limit]);
      return rows.map(({ id }) => id).sort();
    };
    assert.equal(await forgotten(1), [saga(1)].sort());
    assert.equal(await forgotten(10), [saga(3)]);
    const left = await on.transaction((tx) => on.store.log(tx, saga(1)));
    assert.equal(left, []);
    assert.is(await reads(d).view(saga(1)), undefined);
    assert.equal(await reads(d).start(saga(1)), asked, 'its key begins no other');
    assert.ok(await reads(d).view(saga(2)), 'what undoes it is under way');
    assert.ok(await reads(d).view(saga(4)), 'it lives');
    await d.settle();
    assert.equal(await forgotten(10), [saga(2), undone.taken ? undone.saga : '', saga(4)].sort());
  });

  test.run();
}
