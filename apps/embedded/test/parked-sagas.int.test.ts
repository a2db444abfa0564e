// time limit: 120 s
import { setTimeout as pause } from 'node:timers/promises';
import { freshDatabase, startTestPostgres } from '@cordada/infra/testing/postgres.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isRefused, startApiFleet } from './api-fleet.ts';
import { leapingClock } from './leaping-clock.ts';
import { openTables } from './service-tables.ts';

const test = suite('a saga whose compensation never succeeds');
const postgres = await startTestPostgres();

if (postgres === undefined) test.skip('no server');
else {
  const prefix = freshDatabase('parked');
  const clock = leapingClock();
  const { fleet, call, campaign, completed } = await startApiFleet({
    place: { kind: 'postgres', url: postgres.url, prefix },
    runtime: clock.runtime,
  });
  const partnerTables = await openTables(postgres.url, prefix, 'partner');

  const sagaOf = async (id: string) => (await call('GET', `/api/sagas/campaign/${id}`)).json;
  const campaignOf = async (id: string) => (await call('GET', `/obtener-campaigns/${id}`)).json;
  const partnersOf = async (id: string): Promise<{ id: string; nombre: string; estado: string }[]> =>
    (await call('GET', '/obtener-partners')).json.filter(
      ({ id_campaign }: Record<string, string>) => id_campaign === id,
    );
  const statesOf = async (id: string): Promise<Record<string, string>> =>
    Object.fromEntries((await partnersOf(id)).map(({ nombre, estado }) => [nombre, estado]));
  const heldOf = async (saga: string) =>
    (await call('GET', '/api/mensajes-retenidos')).json.filter(
      ({ clave }: Record<string, string>) => clave === saga,
    );
  const verb = (saga: string, name: string, body: object, paso = 'partner', key?: string) =>
    call(
      'POST',
      `/api/sagas/campaign/${saga}/pasos/${paso}/${name}`,
      body,
      key === undefined ? {} : { 'idempotency-key': key },
    );
  const auditOf = async (motivo: string) =>
    (await call('GET', '/api/auditoria')).json.filter(
      (entry: Record<string, string>) => entry.motivo === motivo,
    );
  const alerts = async (): Promise<number> =>
    (await (await fetch(`${fleet.urls.campaign}/metrics`)).text())
      .split('\n')
      .filter((line) => line.startsWith('saga_parked_total{'))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);

  /** Waits until a saga stands so; between two looks the fleet's clock leaps. */
  const until = async (saga: string, estado: string, leapMs = 0): Promise<void> => {
    for (let looks = 0; looks < 1_000; looks += 1) {
      if ((await sagaOf(saga)).estado === estado) return;
      if (leapMs > 0) clock.leap(leapMs);
      await pause(10);
    }
    assert.unreachable(`${saga} is ${(await sagaOf(saga)).estado}, not ${estado}`);
  };

  /**
   * A campaign of two partners whose eventos are refused. The row of one partner cannot become CANCELADO, because its
   * table's administrator made a mistake.
   */
  const parked = async (stuck: number) => {
    const body = campaign(2);
    await call('PUT', `/api/marcas/${body.marca_id}/tracking`, { activo: false });
    const mend = await partnerTables.insist(
      'partner',
      `id_participante <> '${body.participantes[stuck]?.id}' OR estado = 'REGISTRADO'`,
    );
    const before = await alerts();
    const { id: saga, id_campaign } = (await call('POST', '/registrar-campaign', body)).json;
    await until(saga, 'COMPENSATING');
    await until(saga, 'PARKED', 30_000);
    assert.is(await alerts(), before + 1);
    return { saga, id_campaign, mend };
  };

  test('is PARKED with one alert, shows where it stands, and holds no other saga up', async () => {
    const { saga, id_campaign, mend } = await parked(1);
    const { pasos, vence, motivo, restantes } = await sagaOf(saga);
    assert.is(motivo.codigo, 'TRACKING_DESACTIVADO');
    assert.is(vence, null);
    assert.equal(restantes, []);
    const partners = pasos.filter(({ nombre }: Record<string, string>) => nombre === 'partner');
    assert.equal(
      partners.map(({ item, estado, compensacion }: Record<string, unknown>) => [item, estado, compensacion]),
      [
        [0, 'COMPENSADO', 'CancelarPartner'],
        [1, 'DETENIDO', 'CancelarPartner'],
      ],
    );
    const { estado, detenida } = await campaignOf(id_campaign);
    assert.is(estado, 'CANCELANDO');
    assert.is(detenida, true);
    const { sagas } = (await call('GET', '/api/sagas?estado=PARKED')).json;
    assert.ok(sagas.some(({ id }: Record<string, string>) => id === saga));
    assert.equal(await statesOf(id_campaign), {
      'Participante 0': 'CANCELADO',
      'Participante 1': 'REGISTRADO',
    });
    await completed(campaign(2));
    const told = await alerts();
    for (let hours = 0; hours < 3; hours += 1) {
      clock.leap(3_600_000);
      await pause(50);
    }
    assert.is(await alerts(), told);
    assert.is((await sagaOf(saga)).estado, 'PARKED');
    await mend();
  });

  test('goes on to its end when what was wrong is mended and it is retried', async () => {
    const { saga, id_campaign, mend } = await parked(1);
    await mend();
    const motivo = `arreglado ${saga}`;
    isRefused(await verb(saga, 'reintentar', { motivo }, 'campaign'), 409, 'NO_DETENIDA');
    isRefused(await verb(saga, 'reintentar', { motivo, item: 0 }), 409, 'NO_DETENIDA');
    isRefused(await verb(saga, 'reintentar', { motivo: ' ' }), 400, 'VALOR_INVALIDO');
    const retried = await verb(saga, 'reintentar', { motivo });
    assert.is(retried.status, 200, retried.text);
    assert.is(retried.json.estado, 'COMPENSATING');
    isRefused(await verb(saga, 'reintentar', { motivo }), 409, 'NO_DETENIDA');
    // Its messages have been tried in vain for so long that they wait for an operator too.
    const [head] = await heldOf(saga);
    assert.is(head.estado, 'PARKED');
    const released = await call('POST', `/api/mensajes-retenidos/${head.id}/reintentar`, { motivo });
    assert.is(released.status, 200, released.text);
    await until(saga, 'COMPENSATED');
    assert.equal(await statesOf(id_campaign), {
      'Participante 0': 'CANCELADO',
      'Participante 1': 'CANCELADO',
    });
    const { estado, detenida } = await campaignOf(id_campaign);
    assert.is(estado, 'CANCELADA');
    assert.is(detenida, undefined);
    const audited = await auditOf(motivo);
    assert.equal(audited.map(({ quien, que, sobre }: Record<string, string>) => [quien, que, sobre]).sort(), [
      ['demo', 'mensaje.reintentar', `partner/CancelarPartner.v1#${head.id.split('-').at(-1)}`],
      ['demo', 'saga.reintentar', `${saga}/partner`],
    ]);
  });

  test('obeys a verb once a key: whoever repeats it gets the answer of the first, whatever came meanwhile', async () => {
    const { saga, mend } = await parked(1);
    await mend();
    const motivo = `una vez ${saga}`;
    const key = `turno-${saga}`;
    isRefused(await verb(saga, 'reintentar', { motivo }, 'campaign', key), 409, 'NO_DETENIDA');
    const first = await verb(saga, 'completar', { motivo }, 'partner', key);
    assert.is(first.status, 200, first.text);
    assert.is(first.header('idempotent-replayed'), undefined);
    await until(saga, 'COMPENSATED');
    const again = await verb(saga, 'completar', { motivo }, 'partner', key);
    assert.is(again.status, 200, again.text);
    assert.is(again.text, first.text);
    assert.is(again.header('idempotent-replayed'), 'true');
    const other = await verb(saga, 'completar', { motivo: 'otro' }, 'partner', key);
    isRefused(other, 422, 'CLAVE_REUTILIZADA', { header: 'idempotency-key' });
    isRefused(await verb(saga, 'completar', { motivo }, 'partner', `${key}-2`), 409, 'NO_DETENIDA');
    isRefused(await verb(saga, 'completar', { motivo }), 409, 'NO_DETENIDA');
    assert.is((await auditOf(motivo)).length, 1);
    // Refused under the key, and not remembered.
    isRefused(await verb(saga, 'reintentar', { motivo: 'ya no' }, 'campaign', key), 409, 'NO_DETENIDA');
  });

  test('goes on without the step that is skipped, and still hears what comes for the others', async () => {
    const { saga, id_campaign, mend } = await parked(0);
    const motivo = `se deja ${saga}`;
    const skipped = await verb(saga, 'omitir', { motivo, item: 0 });
    assert.is(skipped.status, 200, skipped.text);
    // The other partner's compensation waits behind that of the first.
    assert.is(skipped.json.estado, 'PARKED');
    const [head] = await heldOf(saga);
    await call('POST', `/api/mensajes-retenidos/${head.id}/omitir`, { motivo });
    await until(saga, 'COMPENSATED');
    assert.equal(await statesOf(id_campaign), {
      'Participante 0': 'REGISTRADO',
      'Participante 1': 'CANCELADO',
    });
    const step = (await sagaOf(saga)).pasos.find(
      ({ nombre, item }: Record<string, unknown>) => nombre === 'partner' && item === 0,
    );
    assert.is(step.estado, 'OMITIDO');
    assert.equal((await auditOf(motivo)).map(({ que }: Record<string, string>) => que).sort(), [
      'mensaje.omitir',
      'saga.omitir',
    ]);
    // What was skipped is cleared by choreography: CampaignCancelada waits at partner for it to be mended.
    await mend();
    const [next] = await heldOf(saga);
    if (next.estado === 'PARKED')
      await call('POST', `/api/mensajes-retenidos/${next.id}/reintentar`, { motivo });
    for (let looks = 0; looks < 200 && (await heldOf(saga)).length > 0; looks += 1) {
      clock.leap(10_000);
      await pause(10);
    }
    assert.equal(await statesOf(id_campaign), {
      'Participante 0': 'CANCELADO',
      'Participante 1': 'CANCELADO',
    });
  });

  test('goes on from a step that was done by hand and is marked so', async () => {
    const { saga, id_campaign, mend } = await parked(1);
    await mend();
    const partner = (await partnersOf(id_campaign)).find(({ nombre }) => nombre === 'Participante 1');
    await partnerTables.run(`UPDATE partner SET estado = 'CANCELADO' WHERE id = '${partner?.id}'`);
    const motivo = `hecho a mano ${saga}`;
    const marked = await verb(saga, 'completar', { motivo });
    assert.is(marked.status, 200, marked.text);
    await until(saga, 'COMPENSATED');
    const { pasos } = await sagaOf(saga);
    assert.equal(
      pasos
        .filter(({ nombre }: Record<string, string>) => nombre === 'partner')
        .map(({ estado }: Record<string, string>) => estado),
      ['COMPENSADO', 'COMPENSADO'],
    );
    const [entry] = await auditOf(motivo);
    assert.is(entry.que, 'saga.completar');
    assert.is(entry.quien, 'demo');
    assert.is((await campaignOf(id_campaign)).estado, 'CANCELADA');
  });

  test.after(async () => {
    await partnerTables.close();
    await fleet.stop();
    await postgres.stop();
  });
}

test.run();
