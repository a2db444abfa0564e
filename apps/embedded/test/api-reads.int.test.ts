// time limit: 300 s
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import { readEvents, type StreamEvent } from '@cordada/sagas/scenarios/event-stream.ts';
import { contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { apiUnderTest, isEmbedded, isRefused } from './api-fleet.ts';

const { fleet, call, campaign, completed } = await apiUnderTest();
const nobody = '00000000-0000-4000-8000-000000000000';
const encoded = encodeURIComponent;

const reads = suite('reading campaigns, partners and eventos');

reads('a campaign reads back as it was sent, with every digit, and nothing of its saga', async () => {
  const body = campaign(2, {
    nombre: 'Ñandú 漢字 עברית 😀 \u202e',
    presupuesto: '9007199254740993.25',
  });
  const { id, partners, eventos } = await completed(body);
  const { text, json } = await call('GET', `/campa%C3%B1a-query/${id}`);
  assert.match(text, '"presupuesto":9007199254740993.25');
  assert.equal({ ...json, presupuesto: body.presupuesto }, { ...body, id, estado: 'APROBADA' });
  assert.is(partners.length, 2);
  assert.equal(Object.keys(partners[0] ?? {}).sort(), [
    'estado',
    'id',
    'id_campaign',
    'informacion_perfil',
    'nombre',
    'tipo',
  ]);
  assert.equal(Object.keys(eventos[0] ?? {}).sort(), ['estado', 'fecha', 'id', 'id_campana', 'id_partner']);
  for (const [path, one] of [
    [`/obtener-partners/${partners[0]?.id}`, partners[0]],
    [`/obtener-eventos/${eventos[1]?.id}`, eventos[1]],
    [`/obtener-campaigns/${id}`, json],
  ] as const)
    assert.equal((await call('GET', path)).json, one);
});

for (const [spelling, path] of [
  ['composed', '/campa%C3%B1a-query'],
  ['decomposed', '/campan%CC%83a-query'],
  ['in lower case hex', '/campa%c3%b1a-query'],
  ['in raw UTF-8', Buffer.from('/campaña-query').toString('latin1')],
  ['decomposed, in raw UTF-8', Buffer.from('/campan\u0303a-query').toString('latin1')],
  ['by its alias', '/obtener-campaigns'],
] as const)
  reads(`campaigns are the same list written ${spelling}, with and without a trailing slash`, async () => {
    const { id } = await completed(campaign(1));
    for (const slash of ['', '/']) {
      const list = await call('GET', `${path}${slash}`);
      assert.is(list.status, 200, list.text);
      assert.ok(Array.isArray(list.json) && list.json.some((one: { id: string }) => one.id === id));
      assert.is((await call('GET', `${path}/${id}${slash}`)).json.id, id);
    }
  });

reads('a list is whole, and with limit the oldest so many of it', async () => {
  await completed(campaign(3));
  for (const path of ['/obtener-campaigns', '/obtener-partners', '/obtener-eventos']) {
    const whole = (await call('GET', path)).json;
    assert.ok(whole.length >= 1);
    assert.equal((await call('GET', `${path}?limit=1`)).json, whole.slice(0, 1));
    assert.equal((await call('GET', `${path}?limit=1000000`)).json, whole);
    isRefused(await call('GET', `${path}?limit=0`), 400, 'VALOR_INVALIDO', { parameter: 'limit' });
  }
});

reads('an id that nobody has is a 404, whatever it looks like', async () => {
  for (const path of ['/campa%C3%B1a-query', '/obtener-campaigns', '/obtener-partners', '/obtener-eventos'])
    for (const id of [nobody, 'no-id', '7', encoded("' OR 1=1 --"), encoded('../partners'), encoded('ñ/漢')])
      isRefused(await call('GET', `${path}/${id}`), 404, 'NO_ENCONTRADO');
});

reads('HEAD answers as GET does, without a body', async () => {
  const answer = await call('HEAD', '/obtener-campaigns');
  assert.is(answer.status, 200);
  assert.is(answer.text, '');
});

const sagas = suite('GET /api/sagas');

sagas('lists newest first, and pages by a cursor through all of a key, none twice', async () => {
  const { marca_id } = campaign(0);
  const ended: string[] = [];
  for (let count = 0; count < 5; count += 1)
    ended.unshift((await completed(campaign(0, { marca_id, nombre: `N ${count}` }))).saga);
  const seen: string[] = [];
  let cursor = '';
  for (;;) {
    const page = (await call('GET', `/api/sagas?clave=${encoded(marca_id)}&limit=2${cursor}`)).json;
    assert.ok(page.sagas.length <= 2);
    seen.push(...page.sagas.map(({ id }: { id: string }) => id));
    if (page.siguiente === undefined) break;
    cursor = `&cursor=${encoded(page.siguiente)}`;
  }
  assert.equal(seen, ended);
});

sagas('finds by brand or name, state, tipo and time', async () => {
  const body = campaign(1, { nombre: 'Búsqueda Única' });
  const { saga } = await completed(body);
  const refused = await call('POST', '/registrar-campaign', body, { prefer: 'wait=60' });
  assert.is(refused.json.estado, 'COMPENSATED');
  const found = async (query: string): Promise<string[]> => {
    const { status, json, text } = await call('GET', `/api/sagas?clave=${encoded(body.marca_id)}&${query}`);
    assert.is(status, 200, text);
    return json.sagas.map(({ id }: { id: string }) => id);
  };
  assert.equal(await found(''), [refused.json.id, saga]);
  assert.equal(await found('estado=COMPENSATED'), [refused.json.id]);
  assert.equal(await found('estado=COMPLETED&tipo=campaign'), [saga]);
  assert.equal(await found('tipo=compra'), []);
  assert.equal(await found('hasta=2020-01-01T00:00:00Z'), []);
  assert.equal(await found('desde=2020-01-01T00:00:00%2B05:00'), [refused.json.id, saga]);
  assert.equal(await found(`desde=${encoded(refused.json.iniciada)}`), [refused.json.id]);
  assert.equal(await found(`hasta=${encoded(refused.json.iniciada)}`), [saga]);
  const byName = (await call('GET', `/api/sagas?clave=${encoded('BÚSQUEDA ÚNICA')}`)).json.sagas;
  assert.equal(
    byName.map(({ id }: { id: string }) => id),
    [refused.json.id, saga],
  );
});

for (const [query, parameter] of [
  ['estado=TERMINADA', 'estado'],
  ['limit=0', 'limit'],
  ['limit=501', 'limit'],
  ['desde=ayer', 'desde'],
  ['desde=0000-01-01T00:00:00Z', 'desde'],
  ['hasta=2026-12-31T23:59:60Z', 'hasta'],
  ['hasta=2026-02-30', 'hasta'],
  ['cursor=x', 'cursor'],
  ['cursor=%2B275760-09-13T00:00:00.000Z_00000000-0000-4000-8000-000000000000', 'cursor'],
  ['cursor=2026-01-01T00:00:00.000Z_x', 'cursor'],
  ['clave=%00', 'clave'],
  ['otro=1', 'otro'],
] as const)
  sagas(`?${query} is a 400 that names ${parameter}`, async () => {
    const answer = await call('GET', `/api/sagas?${query}`);
    assert.is(answer.status, 400, answer.text);
    assert.equal(answer.json.errors[0].source, { parameter });
  });

sagas('one saga is shown with its steps and every message, oldest first', async () => {
  const { saga, partners } = await completed(campaign(2));
  const { json } = await call('GET', `/api/sagas/campaign/${saga}`);
  assert.is(json.estado, 'COMPLETED');
  assert.equal(json.restantes, []);
  assert.equal(
    json.pasos.map(({ nombre, item, estado }: Record<string, unknown>) => [nombre, item, estado]),
    [
      ['campaign', undefined, 'HECHO'],
      ['partner', 0, 'HECHO'],
      ['partner', 1, 'HECHO'],
      ['evento', 0, 'HECHO'],
      ['evento', 1, 'HECHO'],
      ['aprobacion', undefined, 'HECHO'],
    ],
  );
  assert.is(partners.length, 2);
  assert.is(json.mensajes[0].contrato, 'IniciarCampaign');
  const keys = Object.keys(json);
  assert.is(keys.indexOf('mensajes'), keys.indexOf('restantes') + 1);
  const times = json.mensajes.map(({ fecha }: { fecha: string }) => fecha);
  assert.equal(times, [...times].sort());
});

sagas('one that nobody has is a 404 with Retry-After: its owner may only be behind', async () => {
  for (const id of [nobody, 'x', encoded('ñ/..')]) {
    const answer = await call('GET', `/api/sagas/campaign/${id}`);
    isRefused(answer, 404, 'NO_ENCONTRADO');
    assert.is(answer.header('retry-after'), '1');
  }
  isRefused(await call('GET', `/api/sagas/nada/${nobody}`), 404, 'NO_ENCONTRADO');
});

sagas(
  'a verb on a step that is not parked is a 409, on what does not exist a 404, and leaves no trace',
  async () => {
    const { saga } = await completed(campaign(1));
    const before = (await call('GET', `/api/sagas/campaign/${saga}`)).json;
    for (const verb of ['reintentar', 'omitir', 'completar']) {
      const asked = (id: string, paso: string, tipo = 'campaign') =>
        call('POST', `/api/sagas/${tipo}/${id}/pasos/${paso}/${verb}`, { motivo: 'prueba', item: 0 });
      isRefused(await asked(saga, 'partner'), 409, 'NO_DETENIDA');
      isRefused(await asked(saga, 'aprobacion'), 409, 'NO_DETENIDA');
      isRefused(await asked(saga, 'nada'), 404, 'PASO_DESCONOCIDO');
      isRefused(await asked(nobody, 'partner'), 404, 'NO_ENCONTRADO');
      isRefused(await asked(saga, 'partner', 'compra'), 404, 'NO_ENCONTRADO');
    }
    isRefused(
      await call('POST', `/api/sagas/campaign/${saga}/pasos/partner/borrar`, { motivo: 'x' }),
      404,
      'NO_ENCONTRADO',
    );
    assert.equal((await call('GET', `/api/sagas/campaign/${saga}`)).json, before);
    assert.not.match((await call('GET', '/api/auditoria')).text, saga);
  },
);

const rules = suite('rules and their audit');

rules(
  'a suspension is read as it was set, refuses, is lifted, and each change stands in the audit',
  async () => {
    const body = campaign(1);
    const id = body.participantes[0]?.id ?? '';
    const path = `/api/participantes/${id}/suspension`;
    assert.equal((await call('GET', path)).json, { suspendido: false, motivo: null });
    const set = { suspendido: true, motivo: 'Incumplió — 漢字' };
    assert.equal((await call('PUT', path, set)).json, set);
    assert.equal((await call('GET', path)).json, set);
    const saga = await call('POST', '/registrar-campaign', body, { prefer: 'wait=60' });
    assert.is(saga.json.estado, 'COMPENSATED');
    assert.equal((await call('PUT', path, { suspendido: false })).json, { suspendido: false, motivo: null });
    await completed(body);
    const rows = (await call('GET', '/api/auditoria')).json.filter(
      ({ sobre }: { sobre: string }) => sobre === id,
    );
    assert.equal(
      rows.map(({ servicio, quien, que, motivo }: Record<string, string>) => [servicio, quien, que, motivo]),
      [
        ['partner', 'demo', 'participante.readmitir', ''],
        ['partner', 'demo', 'participante.suspender', set.motivo],
      ],
    );
    assert.match(rows[0].id, /^partner-\d+$/);
    assert.ok(Math.abs(Date.parse(rows[0].cuando) - Date.now()) < 60_000);
  },
);

rules('tracking is switched off and on, refuses meanwhile, and each change stands in the audit', async () => {
  const body = campaign(1, { marca_id: `Marca ñ/${Math.random()}` });
  const path = `/api/marcas/${encoded(body.marca_id)}/tracking`;
  assert.equal((await call('GET', path)).json, { activo: true });
  assert.equal((await call('PUT', path, { activo: false })).json, { activo: false });
  const saga = await call('POST', '/registrar-campaign', body, { prefer: 'wait=60' });
  assert.is(saga.json.estado, 'COMPENSATED');
  assert.equal((await call('PUT', path, { activo: true })).json, { activo: true });
  await completed(body);
  const audit = (await call('GET', '/api/auditoria')).json;
  const rows = audit.filter(({ sobre }: { sobre: string }) => sobre === body.marca_id);
  assert.equal(
    rows.map(({ que }: { que: string }) => que),
    ['marca.tracking.activar', 'marca.tracking.desactivar'],
  );
  const times = audit.map(({ cuando }: { cuando: string }) => cuando);
  assert.equal(times, [...times].sort().reverse());
  assert.equal((await call('GET', '/api/auditoria?limit=1')).json, audit.slice(0, 1));
});

const held = suite('held messages');

/** An event that no reader can decode, as a broken producer would send it. */
const poison = (key: string) => {
  const { topic, version, fingerprint } = contracts.CampaignCancelada;
  assert.ok(manifest.topics.has(topic));
  return {
    topic,
    key,
    payload: Buffer.from([0xff, 0xff, 0xff]),
    properties: {
      'ce-id': crypto.randomUUID(),
      'ce-type': 'cordada.campaign.CampaignCancelada',
      'ce-source': '/prueba',
      'ce-time': new Date().toISOString(),
      'ce-specversion': '1.0',
      'ce-subject': key,
      'ce-dataschema': `campaign/CampaignCancelada/${version}#${fingerprint}`,
      correlationid: key,
      causationid: key,
      idempotencykey: key,
    },
  };
};

interface Held {
  readonly id: string;
  readonly servicio: string;
  readonly clave: string;
  readonly retenido: string;
}
const heldOf = async (key: string): Promise<Held[]> =>
  (await call('GET', '/api/mensajes-retenidos')).json.filter(({ clave }: Held) => clave === key);

const untilHeld = async (key: string, count: number): Promise<Held[]> => {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = await heldOf(key);
    if (found.length === count) return found;
    await pause(50);
  }
  throw new Error(`not ${count} messages of ${key} are held`);
};

held(
  'are listed with their service, go in order, are skipped with a reason, and that is audited',
  async () => {
    const key = crypto.randomUUID();
    const settled = await fleet.bus.publish([poison(key), poison(key)]);
    assert.equal(
      settled.map(({ status }) => status),
      ['durable', 'durable'],
    );
    const [first, second] = await untilHeld(key, 2);
    assert.ok(first && second);
    assert.match(first.id, /^partner-\d+$/);
    assert.is(first.servicio, 'partner');
    const early = await call('POST', `/api/mensajes-retenidos/${second.id}/omitir`, { motivo: 'antes' });
    isRefused(early, 409, 'HAY_UNO_ANTERIOR');
    assert.match(early.text, first.id);
    const retried = await call('POST', `/api/mensajes-retenidos/${first.id}/reintentar`, {
      motivo: 'otra vez',
    });
    assert.is(retried.status, 200, retried.text);
    assert.equal(retried.json, { id: first.id, servicio: 'partner', verbo: 'reintentar' });
    for (const { id } of [first, second]) {
      const skipped = await call('POST', `/api/mensajes-retenidos/${id}/omitir`, {
        motivo: `sin arreglo ${key}`,
      });
      assert.is(skipped.status, 200, skipped.text);
      // A repeat finds it gone, and does nothing.
      isRefused(
        await call('POST', `/api/mensajes-retenidos/${id}/omitir`, { motivo: 'x' }),
        404,
        'NO_ENCONTRADO',
      );
    }
    assert.equal(await heldOf(key), []);
    const audit = (await call('GET', '/api/auditoria')).json;
    assert.is(
      audit.filter(
        ({ que, motivo }: Record<string, string>) => que === 'mensaje.omitir' && motivo?.endsWith(key),
      ).length,
      2,
    );
  },
);

held('a verb under a key is done once, and its repeat is answered as the first was', async () => {
  const key = crypto.randomUUID();
  await fleet.bus.publish([poison(key), poison(key)]);
  const [first, second] = await untilHeld(key, 2);
  const skip = (id: string | undefined, motivo: string) =>
    call('POST', `/api/mensajes-retenidos/${id}/omitir`, { motivo }, { 'idempotency-key': key });
  isRefused(await skip(second?.id, key), 409, 'HAY_UNO_ANTERIOR');
  const answers = await Promise.all(Array.from({ length: 5 }, () => skip(first?.id, key)));
  const done = answers.filter(({ status }) => status === 200);
  assert.is(done.filter((answer) => answer.header('idempotent-replayed') === undefined).length, 1);
  for (const answer of answers) if (answer.status !== 200) isRefused(answer, 409, 'PETICION_EN_CURSO');
  const again = await skip(first?.id, key);
  assert.is(again.text, done[0]?.text);
  assert.is(again.header('idempotent-replayed'), 'true');
  isRefused(await skip(first?.id, 'otro'), 422, 'CLAVE_REUTILIZADA', { header: 'idempotency-key' });
  assert.equal(
    (await heldOf(key)).map(({ id }) => id),
    [second?.id],
  );
  // What was refused is not remembered; and each message has keys of its own.
  assert.is((await skip(second?.id, key)).status, 200);
  const audit = (await call('GET', '/api/auditoria')).json;
  assert.is(audit.filter(({ motivo }: Record<string, string>) => motivo === key).length, 2);
});

held('a verb on an id that is none, or on a message of nobody, is a 404', async () => {
  for (const id of [
    nobody,
    '7',
    'partner-999999',
    'partner-1e3',
    'nadie-1',
    'bff-1',
    'partner-',
    encoded('ñ'),
  ])
    for (const verb of ['reintentar', 'omitir'])
      isRefused(
        await call('POST', `/api/mensajes-retenidos/${id}/${verb}`, { motivo: 'x' }),
        404,
        'NO_ENCONTRADO',
      );
});

const stream = suite('GET /stream');

/** Follows the stream until it is told to stop. */
const follow = async (headers: Record<string, string> = {}) => {
  const stop = new AbortController();
  const response = await fetch(`${fleet.urls.bff}/stream`, { headers, signal: stop.signal });
  assert.is(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  const events: StreamEvent[] = [];
  const done = (async () => {
    try {
      for await (const event of readEvents(response.body as never)) events.push(event);
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    }
  })();
  return {
    events,
    done,
    moves: (saga: string) =>
      events
        .filter(({ data }) => data !== '')
        .map(({ id, event, data }) => ({ id, event, ...JSON.parse(data) }))
        .filter((move) => move.saga === saga),
    async until(ok: () => boolean): Promise<void> {
      for (let tries = 0; tries < 200 && !ok(); tries += 1) await pause(25);
      assert.ok(ok(), `the stream showed ${JSON.stringify(events.slice(-3))}`);
    },
    async close(): Promise<void> {
      stop.abort();
      await done;
    },
  };
};

stream('shows every transition of a saga once, in order, to everyone who follows', async () => {
  const [one, other] = await Promise.all([follow(), follow()]);
  const { saga } = await completed(campaign(2));
  for (const follower of [one, other]) {
    await follower.until(() => follower.moves(saga).at(-1)?.estado === 'COMPLETED');
    const moves = follower.moves(saga);
    assert.equal(
      moves.map(({ n }) => n),
      moves.map((_, index) => index + 1),
    );
    assert.ok(moves.every(({ event, tipo }) => event === 'saga' && tipo === 'campaign'));
    await follower.close();
  }
});

stream('goes on right after Last-Event-ID, however much has happened since', async () => {
  const first = await follow();
  const { saga } = await completed(campaign(1));
  await first.until(() => first.moves(saga).length >= 2);
  await first.close();
  const seen = first.moves(saga);
  const { saga: later } = await completed(campaign(1));
  const resumed = await follow({ 'last-event-id': seen[0]?.id ?? '' });
  await resumed.until(() => resumed.moves(later).at(-1)?.estado === 'COMPLETED');
  const rest = resumed.moves(saga).map(({ n }) => n);
  assert.equal(
    rest,
    rest.map((_, index) => index + 2),
  );
  assert.equal(
    rest.slice(0, seen.length - 1),
    seen.slice(1).map(({ n }) => n),
  );
  await resumed.close();
});

stream('a reconnect before the first event misses nothing', async () => {
  const first = await follow();
  await first.until(() => first.events.some(({ id }) => id !== ''));
  await first.close();
  const { saga } = await completed(campaign(1));
  const resumed = await follow({ 'last-event-id': first.events.at(-1)?.id ?? '' });
  await resumed.until(() => resumed.moves(saga).at(-1)?.estado === 'COMPLETED');
  assert.is(resumed.moves(saga)[0]?.n, 1);
  await resumed.close();
});

for (const id of [
  'x',
  'campaign:',
  'campaign:1',
  'nadie:1_2_3',
  'campaign:1_2_3,campaign:1_2_3',
  'x'.repeat(3_000),
])
  stream(`a Last-Event-ID of ${id.slice(0, 30)} is a 400 that names the header`, async () => {
    const answer = await call('GET', '/stream', undefined, { 'last-event-id': id });
    assert.is(answer.status, 400, answer.text);
    assert.equal(answer.json.errors[0].source, { header: 'last-event-id' });
  });

stream('HEAD is refused: it would never end', async () => {
  assert.is((await call('HEAD', '/stream')).status, 405);
});

/** A client that connects and reads nothing. */
const deaf = (): Promise<() => void> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(fleet.urls.bff);
    const socket = connect(Number(port), hostname, () => {
      socket.write('GET /stream HTTP/1.1\r\nhost: x\r\n\r\n');
      socket.pause();
      resolve(() => socket.destroy());
    });
    socket.on('error', reject);
  });

stream('a client that reads nothing holds nobody else up', async () => {
  const leave = await deaf();
  const other = await follow();
  try {
    const { saga } = await completed(campaign(300));
    await other.until(() => other.moves(saga).at(-1)?.estado === 'COMPLETED');
  } finally {
    await other.close();
    leave();
  }
});

// Services that run already are not this suite's to stop.
if (isEmbedded)
  stream('ends when the server stops, and so does a client that reads nothing', async () => {
    const follower = await follow();
    await deaf();
    const began = performance.now();
    await fleet.stop();
    await follower.done;
    assert.ok(performance.now() - began < 5_000, `it took ${performance.now() - began} ms`);
  });

reads.run();
sagas.run();
rules.run();
held.run();
stream.run();
