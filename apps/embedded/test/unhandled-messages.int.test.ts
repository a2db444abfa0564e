// time limit: 120 s
import { setTimeout as pause } from 'node:timers/promises';
import type { BusMessage } from '@cordada/infra/bus/bus.ts';
import { busMessage } from '@cordada/infra/messaging/wire.ts';
import { freshDatabase, startTestPostgres } from '@cordada/infra/testing/postgres.ts';
import { type Contract, contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startApiFleet } from './api-fleet.ts';
import { leapingClock } from './leaping-clock.ts';
import { openTables } from './service-tables.ts';

const test = suite('a message that cannot be handled');
const postgres = await startTestPostgres();

if (postgres === undefined) test.skip('no server');
else {
  const prefix = freshDatabase('unhandled');
  const { runtime, leap } = leapingClock();
  const place = { kind: 'postgres', url: postgres.url, prefix } as const;
  const { fleet, call, campaign, completed } = await startApiFleet({ place, runtime });
  const partnerTables = await openTables(postgres.url, prefix, 'partner');
  const campaignTables = await openTables(postgres.url, prefix, 'campaign');
  const compraTables = await openTables(postgres.url, prefix, 'gestor-compra');
  const waiting = { prefer: 'wait=30' };

  interface Held {
    readonly id: string;
    readonly clave: string;
    readonly contrato: string;
    readonly estado: string;
    readonly causa: string;
    readonly intentos: number;
  }
  const heldOf = async (key: string): Promise<Held[]> =>
    (await call('GET', '/api/mensajes-retenidos')).json.filter(({ clave }: Held) => clave === key);
  /** Waits until `look` sees what it looks for. */
  const eventually = async <R>(what: string, look: () => Promise<R | false | undefined>): Promise<R> => {
    for (let looks = 0; looks < 500; looks += 1) {
      const seen = await look();
      if (seen !== false && seen !== undefined) return seen;
      await pause(20);
    }
    throw new Error(`never: ${what}`);
  };
  const untilHeld = (key: string, count: number): Promise<Held[]> =>
    eventually(`${count} messages of ${key} are held`, async () => {
      const held = await heldOf(key);
      return held.length === count && held;
    });
  const stateOf = async (kind: string, id: string | undefined): Promise<string> =>
    (await call('GET', `/obtener-${kind}/${id}`)).json.estado;
  const statesOf = async (kind: string, field: string, campaign: string): Promise<string[]> =>
    (await call('GET', `/obtener-${kind}`)).json
      .filter((one: Record<string, string>) => one[field] === campaign)
      .map(({ estado }: Record<string, string>) => estado);
  const until = (kind: string, id: string | undefined, estado: string): Promise<boolean> =>
    eventually(`${kind} ${id} is ${estado}`, async () => (await stateOf(kind, id)) === estado);
  const sagaOf = async (id: string) => (await call('GET', `/api/sagas/campaign/${id}`)).json;
  const verb = async (id: string | undefined, name: string, motivo: string): Promise<void> => {
    const answer = await call('POST', `/api/mensajes-retenidos/${id}/${name}`, { motivo });
    assert.is(answer.status, 200, answer.text);
  };

  /** How many messages each service has ever held. */
  const everHeld = async (): Promise<number> => {
    let sum = 0;
    for (const url of [fleet.urls.campaign, fleet.urls.partner, fleet.urls.tracking]) {
      const text = await (await fetch(`${url}/metrics`)).text();
      for (const [, count] of text.matchAll(/^messages_held_total\{.*\} (\d+)$/gm)) sum += Number(count);
    }
    return sum;
  };

  /** A campaign with a partner that was registered alone: only choreography clears it when the campaign goes. */
  const withDirectPartner = async (nombre = 'Ana'): Promise<{ campaign: string; partner: string }> => {
    const { id } = await completed(campaign(0));
    const body = { id_campaign: id, nombre, tipo: 'afiliado', informacion_perfil: '' };
    const answer = await call('POST', '/registrar-partner', body, waiting);
    assert.is(answer.json.estado, 'DONE', answer.text);
    return { campaign: id, partner: answer.json.recurso };
  };
  /** What a stranger says: that a campaign is gone. */
  const cancelled = (key: string, id_campaign: string): BusMessage =>
    busMessage(
      {
        contract: contracts.CampaignCancelada,
        body: { id_campaign, motivo: 'prueba', fecha: new Date(runtime.now()) },
        correlationId: key,
        subject: id_campaign,
        idempotencyKey: `${key}/${id_campaign}`,
      },
      'forastero',
      runtime,
    );

  /** A command that begins a saga, in bytes that are none. */
  // biome-ignore lint/suspicious/noExplicitAny: its body is not looked at
  const unreadable = (contract: Contract<any>, id: string): BusMessage => ({
    ...busMessage(
      {
        contract,
        body: undefined as never,
        payload: new Uint8Array(),
        correlationId: id,
        subject: id,
        idempotencyKey: id,
      },
      'forastero',
      runtime,
    ),
    payload: Buffer.from([0xff, 0xff, 0xff]),
  });

  test('an event holds its own key, in order, and nobody else’s, until it is skipped with a reason', async () => {
    const [mine, other] = [await withDirectPartner(), await withDirectPartner()];
    const [key, otherKey] = [runtime.uuid(), runtime.uuid()];
    const poison = { ...cancelled(key, mine.campaign), payload: Buffer.from([0xff, 0xff, 0xff]) };
    await fleet.bus.publish([poison, cancelled(key, mine.campaign), cancelled(otherKey, other.campaign)]);
    await until('partners', other.partner, 'CANCELADO');
    await completed(campaign(2));
    const [first, second] = await untilHeld(key, 2);
    assert.match(second?.causa ?? '', 'waits behind');
    assert.is(await stateOf('partners', mine.partner), 'REGISTRADO');
    const motivo = `ilegible ${key}`;
    await verb(first?.id, 'omitir', motivo);
    await until('partners', mine.partner, 'CANCELADO');
    await untilHeld(key, 0);
    const audit = (await call('GET', '/api/auditoria')).json;
    const [entry] = audit.filter((one: Record<string, string>) => one.motivo === motivo);
    assert.is(entry.quien, 'demo');
    assert.is(entry.que, 'mensaje.omitir');
    assert.is(entry.servicio, 'partner');
    assert.is(entry.sobre, `campaign/CampaignCancelada.v1#${first?.id.split('-').at(-1)}`);
  });

  test('an event that is retried after the fault was mended goes on in order', async () => {
    const key = runtime.uuid();
    const [stuck, next] = [await withDirectPartner('Atascada'), await withDirectPartner()];
    const mend = await partnerTables.insist('partner', "nombre <> 'Atascada' OR estado = 'REGISTRADO'");
    const order: string[] = [];
    const listener = await fleet.bus.subscribe(
      {
        topics: [contracts.PartnerCancelado.topic],
        subscription: 'test.listener',
        mode: 'each-replica',
        maxBatch: 10,
      },
      async (batch) => {
        order.push(
          ...batch.flatMap((message) =>
            message.key === key ? [message.properties['ce-subject'] ?? ''] : [],
          ),
        );
      },
    );
    await fleet.bus.publish([cancelled(key, stuck.campaign), cancelled(key, next.campaign)]);
    const [head] = await untilHeld(key, 2);
    await verb(head?.id, 'reintentar', 'sin arreglar');
    await eventually('it has failed again', async () => {
      const [again] = await heldOf(key);
      assert.is(again?.id, head?.id);
      return again?.estado === 'RETRYING' && again.intentos > 0;
    });
    assert.is((await heldOf(key)).length, 2);
    assert.is(await stateOf('partners', next.partner), 'REGISTRADO');
    await mend();
    await verb(head?.id, 'reintentar', 'arreglado');
    await until('partners', stuck.partner, 'CANCELADO');
    await until('partners', next.partner, 'CANCELADO');
    await untilHeld(key, 0);
    await eventually('both are announced', async () => order.length === 2);
    assert.equal(order, [stuck.partner, next.partner]);
    await listener.close();
  });

  test('an event is retried by itself, and needs nobody once the fault is mended', async () => {
    const { campaign: id, partner } = await withDirectPartner('Pasajera');
    const mend = await partnerTables.insist('partner', "nombre <> 'Pasajera' OR estado = 'REGISTRADO'");
    const undone = await call('DELETE', `/api/campaigns/${id}`, undefined, waiting);
    assert.is(undone.json.estado, 'COMPLETED', undone.text);
    await untilHeld(undone.json.id, 1);
    await mend();
    leap(60_000);
    await until('partners', partner, 'CANCELADO');
    await untilHeld(undone.json.id, 0);
  });

  test('a command answers its failure: the saga compensates, nothing is held, and no SQL is shown', async () => {
    const before = await everHeld();
    const mend = await partnerTables.insist('partner', "nombre <> 'Imposible'");
    const body = campaign(3);
    const participantes = body.participantes.map((one, at) =>
      at === 1 ? { ...one, nombre: 'Imposible' } : one,
    );
    const answer = await call('POST', '/registrar-campaign', { ...body, participantes }, waiting);
    assert.is(answer.json.estado, 'COMPENSATED', answer.text);
    assert.is(answer.json.motivo.codigo, 'ERROR_INTERNO');
    assert.not.match(answer.text, /constraint|insisted|relation/i);
    const [failed] = (await call('GET', '/obtener-campaigns')).json.filter(
      ({ marca_id }: Record<string, string>) => marca_id === body.marca_id,
    );
    assert.is(failed.estado, 'CANCELADA');
    assert.equal(await statesOf('partners', 'id_campaign', failed.id), ['CANCELADO', 'CANCELADO']);
    assert.equal(await statesOf('eventos', 'id_campana', failed.id), []);

    const { id } = await completed(campaign(0));
    const direct = { id_campaign: id, nombre: 'Imposible', tipo: 'afiliado', informacion_perfil: '' };
    const rejected = await call('POST', '/registrar-partner', direct, waiting);
    assert.is(rejected.json.estado, 'REJECTED', rejected.text);
    assert.is(rejected.json.error.codigo, 'ERROR_INTERNO');
    assert.is(await everHeld(), before);
    await mend();
  });

  test('a command that begins a saga ends it at once, with the name free again', async () => {
    const body = campaign(1);
    const before = await everHeld();
    const mend = await campaignTables.insist('campaign', `nombre <> '${body.nombre}'`);
    const failed = await call('POST', '/registrar-campaign', body, waiting);
    assert.is(failed.json.estado, 'COMPENSATED', failed.text);
    assert.is(failed.json.motivo.codigo, 'ERROR_INTERNO');
    assert.not.match(failed.text, /constraint|insisted|relation/i);
    await mend();
    await completed(body);
    assert.is(await everHeld(), before);
  });

  test('a command that begins a saga and cannot be read ends it at once, and says so', async () => {
    const id = runtime.uuid();
    await fleet.bus.publish([unreadable(contracts.IniciarCampaign, id)]);
    const saga = await eventually('it has ended', async () => {
      const { estado, motivo } = await sagaOf(id);
      return estado === 'COMPENSATED' && motivo;
    });
    assert.is(saga.codigo, 'ERROR_INTERNO');
    assert.match(saga.motivo, /no se puede leer/);
  });

  test('a purchase that cannot be begun is refused, with its reason wherever its buyer looks', async () => {
    const idUsuario = runtime.uuid();
    const asked = { idUsuario, productos: [{ producto: '3', cantidad: 1 }], domicilio: 'Calle imposible' };
    const mend = await compraTables.insist('compra', "domicilio NOT IN ('Calle imposible', 'No indicado')");
    const taken = await call('POST', '/api/compras', asked);
    assert.is(taken.status, 202, taken.text);
    const refused = await eventually('it is refused', async () => {
      const answer = await call('GET', taken.header('location') ?? '');
      return answer.status === 200 && answer.json.estado === 'RECHAZADA' && answer;
    });
    assert.is(refused.json.codigo, 'ERROR_INTERNO');
    assert.match(refused.json.motivo, /no se pudo iniciar/);
    assert.not.match(refused.text, /constraint|insisted|relation/i);
    const { id, motivo } = refused.json;
    assert.equal((await call('GET', `/usuarios/${idUsuario}/compras`)).json, [refused.json]);
    const waited = await call('POST', '/api/compras', asked, waiting);
    assert.equal([waited.status, waited.json.estado, waited.json.motivo], [200, 'RECHAZADA', motivo]);
    assert.is((await call('DELETE', `/api/compras/${id}`)).status, 409);
    const query = `query { compras(idUsuario: "${idUsuario}", limit: 1) { id estado codigo motivo }
      compra(id: "${id}") { estado motivo productos { cantidad } } }`;
    assert.equal((await call('POST', '/v1', { query })).json.data, {
      compras: [{ id, estado: 'RECHAZADA', codigo: 'ERROR_INTERNO', motivo }],
      compra: { estado: 'RECHAZADA', motivo, productos: [] },
    });
    const attributes = { producto_id: 3, cantidad: 1 };
    const bought = await call(
      'POST',
      '/api/purchases',
      { data: { type: 'purchases', attributes } },
      { 'x-api-key': 'secret-key-123', 'content-type': 'application/vnd.api+json' },
    );
    assert.is(bought.status, 503, bought.text);
    assert.is(bought.json.errors[0].detail, motivo);
    await mend();

    const garbled = runtime.uuid();
    await fleet.bus.publish([unreadable(contracts.IniciarCompra, garbled)]);
    const unread = await eventually('it is refused', async () => {
      const answer = await call('GET', `/api/compras/${garbled}`);
      return answer.status === 200 && answer.json;
    });
    assert.equal([unread.estado, unread.codigo, unread.idUsuario], ['RECHAZADA', 'ERROR_INTERNO', '']);
    assert.match(unread.motivo, /no se puede leer/);
    assert.equal([await heldOf(id), await heldOf(garbled)], [[], []]);
  });

  test('a retriable step is held with its saga alone, and the saga completes when it is mended', async () => {
    const body = campaign(2);
    const mend = await campaignTables.insist(
      'campaign',
      `nombre <> '${body.nombre}' OR estado <> 'APROBADA'`,
    );
    const { id, id_campaign } = (await call('POST', '/registrar-campaign', body)).json;
    const [held] = await untilHeld(id, 1);
    assert.is(held?.contrato, contracts.EventoRegistrado.topic);
    await completed(campaign(2));
    assert.is((await sagaOf(id)).estado, 'RUNNING');
    await mend();
    await verb(held?.id, 'reintentar', 'arreglado');
    await eventually('it completes', async () => (await sagaOf(id)).estado === 'COMPLETED');
    assert.is(await stateOf('campaigns', id_campaign), 'APROBADA');
    await untilHeld(id, 0);
  });

  test('a retriable step that is not mended in time leaves nothing of its saga', async () => {
    const body = campaign(2);
    const mend = await campaignTables.insist(
      'campaign',
      `nombre <> '${body.nombre}' OR estado <> 'APROBADA'`,
    );
    const { id, id_campaign } = (await call('POST', '/registrar-campaign', body)).json;
    await untilHeld(id, 1);
    await eventually('it is undone', async () => {
      leap(10_000);
      return (await sagaOf(id)).estado === 'COMPENSATED';
    });
    await eventually('nothing is held', async () => {
      leap(10_000);
      return (await heldOf(id)).length === 0;
    });
    assert.is(await stateOf('campaigns', id_campaign), 'CANCELADA');
    assert.equal(await statesOf('partners', 'id_campaign', id_campaign), ['CANCELADO', 'CANCELADO']);
    assert.equal(await statesOf('eventos', 'id_campana', id_campaign), ['CANCELADO', 'CANCELADO']);
    await mend();
  });

  test('a message that the bus refuses is listed, alerts once, holds only its key, and is retried or skipped', async () => {
    const key = runtime.uuid();
    const motivo = `sin tema ${key}`;
    const unpublished = async (): Promise<
      { id: string; contrato: string; causa: string; mensaje: string }[]
    > => (await call('GET', '/api/mensajes-sin-publicar')).json.filter(({ clave }: Held) => clave === key);
    const published: string[] = [];
    const topic = contracts.PartnerCancelado.topic;
    const watching = await fleet.bus.subscribe(
      { topics: [topic], subscription: 'mirón', mode: 'each-replica', maxBatch: 10 },
      async (batch) => void published.push(...batch.filter((one) => one.key === key).map((one) => one.topic)),
    );
    const ids = [runtime.uuid(), runtime.uuid()];
    const props = JSON.stringify({ t: runtime.now(), v: '1.0#0000000000000000', k: key, s: key, p: '' });
    await partnerTables.run(
      `INSERT INTO outbox (topic, key, id, props, payload) VALUES
         ('nadie/Nada.v1', '${key}', '${ids[0]}', '${props}', ''), ('${topic}', '${key}', '${ids[1]}', '${props}', '')`,
    );
    const listed = () =>
      eventually('it is listed', async () => {
        leap(1_000);
        return (await unpublished())[0];
      });
    const first = await listed();
    assert.match(first.id, /^partner-\d+$/);
    assert.is(first.contrato, 'nadie/Nada.v1');
    assert.is(first.mensaje, ids[0]);
    assert.match(first.causa, 'nadie/Nada.v1');
    assert.equal(published, []);
    await completed(campaign(2));
    const metrics = await (await fetch(`${fleet.urls.partner}/metrics`)).text();
    assert.match(metrics, /^outbox_parked_keys\{.*\} 1$/m);
    const act = (name: string, idempotency: string) =>
      call(
        'POST',
        `/api/mensajes-sin-publicar/${first.id}/${name}`,
        { motivo },
        { 'idempotency-key': idempotency },
      );
    const retried = await act('reintentar', '1');
    assert.is(retried.status, 200, retried.text);
    assert.equal(retried.json, { id: first.id, servicio: 'partner', verbo: 'reintentar' });
    assert.is((await listed()).id, first.id, 'refused again, it is listed again');
    assert.is((await act('omitir', '2')).status, 200);
    const again = await act('omitir', '2');
    assert.is(again.header('idempotent-replayed'), 'true', again.text);
    assert.is((await act('omitir', '3')).status, 404);
    await eventually('the next of its key is published', async () => published.length > 0);
    assert.equal(published, [topic]);
    assert.equal(await unpublished(), []);
    const audit = (await call('GET', '/api/auditoria')).json;
    assert.equal(
      audit
        .filter((one: Record<string, string>) => one.motivo === motivo)
        .map(({ que, sobre }: Record<string, string>) => [que, sobre]),
      ['publicacion.omitir', 'publicacion.reintentar'].map((que) => [
        que,
        `nadie/Nada.v1#${first.id.split('-').at(-1)}`,
      ]),
    );
    await watching.close();
  });

  test.after(async () => {
    await Promise.all([partnerTables, campaignTables, compraTables].map((tables) => tables.close()));
    await fleet.stop();
    await postgres.stop();
  });
}

test.run();
