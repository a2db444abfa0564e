// time limit: 120 s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { apiUnderTest, isEmbedded, isRefused, startApiFleet } from './api-fleet.ts';

const { fleet, call, campaign, completed } = await apiUnderTest();
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[57][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const nobody = '00000000-0000-4000-8000-000000000000';
const wait = { prefer: 'wait=60' };
let keys = 0;
const keyed = (): { 'idempotency-key': string } => {
  keys += 1;
  return { 'idempotency-key': `key-${keys}` };
};
const sagasOf = async (marca: string): Promise<{ id: string; estado: string }[]> =>
  (await call('GET', `/api/sagas?clave=${encodeURIComponent(marca)}`)).json.sagas;
const campaignsOf = async (marca: string) =>
  (await call('GET', '/campa%C3%B1a-query')).json.filter(
    (one: { marca_id: string }) => one.marca_id === marca,
  );
const partnersOf = async (id: string) =>
  (await call('GET', '/obtener-partners')).json.filter(
    (one: { id_campaign: string }) => one.id_campaign === id,
  );

const campaigns = suite('POST /campaña-commando');

for (const [spelling, path] of [
  ['composed', '/campa%C3%B1a-commando'],
  ['decomposed', '/campan%CC%83a-commando'],
  ['in lower case hex', '/campa%c3%b1a-commando'],
  ['in raw UTF-8', Buffer.from('/campaña-commando').toString('latin1')],
  ['decomposed, in raw UTF-8', Buffer.from('/campan\u0303a-commando').toString('latin1')],
  ['with a trailing slash', '/campa%C3%B1a-commando/'],
  ['by its alias', '/registrar-campaign'],
  ['by its alias with a trailing slash', '/registrar-campaign/'],
] as const)
  campaigns(`is reached when written ${spelling}`, async () => {
    const answer = await call('POST', path, campaign(1));
    assert.is(answer.status, 202, answer.text);
  });

campaigns('answers 202 with a Location that can be read at once', async () => {
  const answer = await call('POST', '/registrar-campaign', campaign(2));
  assert.is(answer.status, 202);
  const { id, id_campaign } = answer.json;
  assert.match(id, uuid);
  assert.match(id_campaign, uuid);
  const enlace = `/api/sagas/campaign/${id}`;
  assert.equal(answer.json, { id, tipo: 'campaign', estado: 'RUNNING', enlace, id_campaign });
  assert.is(answer.header('location'), enlace);
  assert.is((await call('GET', enlace)).json.id, id);
  assert.is((await call('GET', `/obtener-campaigns/${id_campaign}`)).status, 200);
});

campaigns('with Prefer: wait answers 200 with the saga, however it ended', async () => {
  const body = campaign(2);
  const first = await call('POST', '/registrar-campaign', body, wait);
  assert.is(first.status, 200);
  assert.is(first.header('preference-applied'), 'wait=60');
  assert.is(first.json.estado, 'COMPLETED');
  assert.equal(first.json.restantes, []);
  const second = await call('POST', '/registrar-campaign', body, wait);
  assert.is(second.status, 200);
  assert.is(second.json.estado, 'COMPENSATED');
  assert.is(second.json.motivo.codigo, 'CAMPAIGN_DUPLICADA');
});

campaigns('with a wait of no time answers 202', async () => {
  const answer = await call('POST', '/registrar-campaign', campaign(0), { prefer: 'wait=0' });
  assert.is(answer.status, 202);
  assert.is(answer.header('preference-applied'), 'wait=0');
});

campaigns('keeps every digit of money', async () => {
  for (const [sent, read] of [
    ['9007199254740993.25', '9007199254740993.25'],
    ['"9999999999999999.99"', '9999999999999999.99'],
    ['1234567890123456.7', '1234567890123456.70'],
    ['0.1', '0.1'],
    ['12.34e2', '1234'],
    ['0', '0'],
  ] as const) {
    const text = JSON.stringify(campaign(0)).replace('"1500.50"', sent);
    const answer = await call('POST', '/registrar-campaign', text);
    assert.is(answer.status, 202, answer.text);
    const { text: found } = await call('GET', `/obtener-campaigns/${answer.json.id_campaign}`);
    assert.is(/"presupuesto":([^,]*),/.exec(found)?.[1], read);
  }
});

campaigns('returns text of any script as it was sent', async () => {
  const texts = [
    'Ñandú — «fin» \\ "comillas" \u0001\t\n',
    'n\u0303 is not ñ',
    '日本語 한국어 العربية हिन्दी',
    '👩‍👩‍👧‍👦 🏳️‍🌈 𝔘𝔫𝔦𝔠𝔬𝔡𝔢',
    "'; DROP TABLE campaign; --",
    '\u2028\u2029\ufeff\u200b',
  ];
  for (const text of texts) {
    const body = campaign(0, {
      nombre: text,
      participantes: [{ id: text, tipo: 'afiliado', nombre: text, informacion_perfil: text }],
    });
    const { id, partners } = await completed(body);
    const { json } = await call('GET', `/obtener-campaigns/${id}`);
    assert.is(json.nombre, text);
    assert.equal(json.participantes, body.participantes);
    const partner = (await call('GET', `/obtener-partners/${partners[0]?.id}`)).json;
    assert.is(partner.nombre, text);
    assert.is(partner.informacion_perfil, text);
  }
});

campaigns('takes 500 participants and refuses 501', async () => {
  assert.is((await call('POST', '/registrar-campaign', campaign(500))).status, 202);
  const refused = campaign(501);
  isRefused(await call('POST', '/registrar-campaign', refused), 400, 'VALOR_INVALIDO', {
    pointer: '/participantes',
  });
  assert.equal(await sagasOf(refused.marca_id), []);
});

campaigns('refuses the same participant twice, naming it', async () => {
  const body = campaign(2);
  const [first] = body.participantes;
  const answer = await call('POST', '/registrar-campaign', {
    ...body,
    participantes: [...body.participantes, first],
  });
  isRefused(answer, 400, 'PARTICIPANTE_REPETIDO', { pointer: '/participantes/2/id' });
});

campaigns('takes the longest texts, and refuses one that only looks as short', async () => {
  const longest = '𝔐'.repeat(200);
  const fields = { nombre: longest, marca_id: longest };
  const answer = await call('POST', '/registrar-campaign', campaign(0, fields), wait);
  assert.is(answer.json.estado, 'COMPLETED', answer.text);
  const marks = `a${'\u0301'.repeat(5_000)}`;
  for (const field of ['nombre', 'marca_id', 'divisa'])
    isRefused(
      await call('POST', '/registrar-campaign', campaign(0, { [field]: marks })),
      400,
      'VALOR_INVALIDO',
      { pointer: `/${field}` },
    );
});

campaigns('of 12 at once with one name and brand exactly one lives', async () => {
  const { nombre, marca_id } = campaign(0);
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      call(
        'POST',
        '/registrar-campaign',
        campaign(1, { nombre: index % 2 === 0 ? nombre : nombre.toUpperCase(), marca_id }),
        wait,
      ),
    ),
  );
  const ends = answers.map(({ status, json }) => `${status} ${json.estado}`).sort();
  assert.equal(
    ends,
    ['200 COMPENSATED', '200 COMPLETED'].flatMap((end, at) => Array(at === 0 ? 11 : 1).fill(end)),
  );
  const live = (await campaignsOf(marca_id)).filter((one: { estado: string }) => one.estado !== 'CANCELADA');
  assert.equal(
    live.map((one: { estado: string }) => one.estado),
    ['APROBADA'],
  );
});

campaigns('of 60 at once each fourth refused, none is shed', async () => {
  const marca = campaign(0).marca_id;
  assert.is((await call('PUT', `/api/marcas/${marca}/tracking`, { activo: false })).status, 200);
  const bodies = Array.from({ length: 60 }, (_, at) => campaign(2, at % 4 === 3 ? { marca_id: marca } : {}));
  const answers = await Promise.all(bodies.map((body) => call('POST', '/registrar-campaign', body, wait)));
  for (const [at, answer] of answers.entries()) {
    assert.is(answer.status, 200, answer.text);
    assert.is(answer.json.estado, at % 4 === 3 ? 'COMPENSATED' : 'COMPLETED');
  }
});

const repeats = suite('Idempotency-Key');

repeats(
  'gives a repeat the status and body of the first, by any alias and however it is written',
  async () => {
    const body = campaign(1, { presupuesto: 1500.5 });
    const headers = keyed();
    const first = await call('POST', '/registrar-campaign', body, headers);
    assert.is(first.status, 202);
    assert.is(first.header('idempotent-replayed'), undefined);
    const reordered = Object.fromEntries(Object.entries(body).reverse());
    for (const [path, again] of [
      ['/registrar-campaign', body],
      ['/campa%C3%B1a-commando/', reordered],
      ['/campan%CC%83a-commando', JSON.stringify(body).replace('1500.5', '1500.50')],
      ['/registrar-campaign', { ...body, presupuesto: '1500.5' }],
    ] as const) {
      const repeat = await call('POST', path, again, headers);
      assert.is(repeat.status, 202, repeat.text);
      assert.is(repeat.text, first.text);
      assert.is(repeat.header('location'), first.header('location'));
      assert.is(repeat.header('idempotent-replayed'), 'true');
    }
    assert.is((await sagasOf(body.marca_id)).length, 1);
  },
);

repeats('gives a repeat that waits the saga as it ended', async () => {
  const body = campaign(1);
  const headers = { ...keyed(), ...wait };
  const first = await call('POST', '/registrar-campaign', body, headers);
  const repeat = await call('POST', '/registrar-campaign', body, headers);
  assert.is(first.status, 200);
  assert.is(repeat.status, 200);
  assert.is(repeat.text, first.text);
  assert.is(repeat.header('idempotent-replayed'), 'true');
});

repeats('refuses another body under the same key', async () => {
  const body = campaign(1);
  const headers = keyed();
  await call('POST', '/registrar-campaign', body, headers);
  for (const other of [
    { ...body, presupuesto: 1 },
    { ...body, participantes: [] },
  ])
    isRefused(await call('POST', '/registrar-campaign', other, headers), 422, 'CLAVE_REUTILIZADA', {
      header: 'idempotency-key',
    });
  assert.is((await sagasOf(body.marca_id)).length, 1);
});

repeats('is of one route: the same key on another one is another request', async () => {
  const { id } = await completed(campaign(0));
  const headers = keyed();
  const one = await call('POST', '/registrar-campaign', campaign(0), headers);
  const body = { id_campaign: id, nombre: 'Ana', tipo: 'afiliado', informacion_perfil: '' };
  const other = await call('POST', '/registrar-partner', body, headers);
  assert.is(one.status, 202);
  assert.is(other.status, 202);
  assert.is(other.header('idempotent-replayed'), undefined);
  assert.is.not(one.json.id, other.json.operationId);
});

repeats('sent many times at once takes effect once', async () => {
  const { id } = await completed(campaign(0));
  for (const [path, body, made] of [
    ['/registrar-campaign', campaign(1), (b: { marca_id: string }) => campaignsOf(b.marca_id)],
    [
      '/registrar-partner',
      { id_campaign: id, nombre: 'Ana', tipo: 'afiliado', informacion_perfil: '' },
      (b: { id_campaign: string }) => partnersOf(b.id_campaign),
    ],
  ] as const) {
    const headers = keyed();
    const answers = await Promise.all(Array.from({ length: 10 }, () => call('POST', path, body, headers)));
    const taken = answers.filter(({ status }) => status === 202);
    const first = taken.filter((answer) => answer.header('idempotent-replayed') === undefined);
    assert.is(first.length, 1);
    for (const answer of taken) assert.is(answer.text, first[0]?.text);
    for (const answer of answers)
      if (answer.status !== 202) {
        isRefused(answer, 409, 'PETICION_EN_CURSO');
        assert.is(answer.header('retry-after'), '1');
      }
    assert.ok(taken.length < answers.length);
    assert.is((await made(body as never)).length, 1);
  }
});

repeats('that is enormous, empty or not ASCII is refused', async () => {
  for (const key of ['k'.repeat(4_000), '', 'ñ', 'a b'])
    isRefused(
      await call('POST', '/registrar-campaign', campaign(0), { 'idempotency-key': key }),
      400,
      'CABECERA_INVALIDA',
      { header: 'idempotency-key' },
    );
});

const registrations = suite('direct registrations');
const partnerOf = (id: string, fields: object = {}) => ({
  id_campaign: id,
  nombre: 'Radio Ñuñoa',
  tipo: 'afiliado',
  informacion_perfil: 'Emisora',
  ...fields,
});

registrations('answer 202 with an operation that can be read at once, and name what they make', async () => {
  const { id } = await completed(campaign(0));
  const answer = await call('POST', '/registrar-partner', partnerOf(id));
  assert.is(answer.status, 202, answer.text);
  const { operationId, id_partner } = answer.json;
  const enlace = `/api/operations/${operationId}`;
  assert.equal(answer.json, { operationId, estado: 'PENDING', enlace, id_partner });
  assert.is(answer.header('location'), enlace);
  assert.equal((await call('GET', enlace)).json, { operationId, estado: 'DONE', recurso: id_partner });
  assert.equal((await call('GET', `/obtener-partners/${id_partner}`)).json, {
    id: id_partner,
    ...partnerOf(id),
    estado: 'REGISTRADO',
  });

  const evento = await call('POST', '/registrar-evento/', { id_partner, id_campana: id.toUpperCase() });
  assert.is(evento.status, 202, evento.text);
  const read = (await call('GET', `/obtener-eventos/${evento.json.id_evento}`)).json;
  assert.is(read.id_partner, id_partner);
  assert.is(read.id_campana, id);
});

registrations('with Prefer: wait answer 200 with the operation, refused or not', async () => {
  const { id } = await completed(campaign(0));
  const who = campaign(1).participantes[0]?.id ?? '';
  await call('PUT', `/api/participantes/${who}/suspension`, { suspendido: true, motivo: 'impago' });
  const refused = await call('POST', '/registrar-partner', partnerOf(id, { id: who }), wait);
  assert.is(refused.status, 200);
  assert.is(refused.json.estado, 'REJECTED');
  assert.is(refused.json.error.codigo, 'PARTICIPANTE_SUSPENDIDO');
  assert.is(refused.json.recurso, undefined);
  await call('PUT', `/api/participantes/${who}/suspension`, { suspendido: false });
  const done = await call('POST', '/registrar-partner', partnerOf(id, { id: who }), wait);
  assert.is(done.status, 200);
  assert.is(done.json.estado, 'DONE');
});

registrations('are refused at once for what does not exist or is cancelled, naming the field', async () => {
  const one = await completed(campaign(1));
  const other = await completed(campaign(1));
  const id_partner = one.partners[0]?.id;
  const unknown = async (path: string, body: object, pointer: string) =>
    isRefused(await call('POST', path, body), 404, 'NO_ENCONTRADO', { pointer });
  for (const missing of [nobody, 'nada', '../campaigns', "'"]) {
    await unknown('/registrar-partner', partnerOf(missing), '/id_campaign');
    await unknown('/registrar-evento', { id_partner: missing, id_campana: one.id }, '/id_partner');
    await unknown('/registrar-evento', { id_partner, id_campana: missing }, '/id_campana');
  }
  isRefused(
    await call('POST', '/registrar-evento', { id_partner, id_campana: other.id }),
    409,
    'PARTNER_DE_OTRA_CAMPAIGN',
    { pointer: '/id_partner' },
  );
  assert.is((await call('DELETE', `/api/partners/${id_partner}`, undefined, wait)).status, 200);
  isRefused(
    await call('POST', '/registrar-evento', { id_partner, id_campana: one.id }),
    409,
    'PARTNER_CANCELADO',
    { pointer: '/id_partner' },
  );
  assert.is((await call('DELETE', `/api/campaigns/${one.id}`, undefined, wait)).status, 200);
  isRefused(await call('POST', '/registrar-partner', partnerOf(one.id)), 409, 'CAMPAIGN_CANCELADA', {
    pointer: '/id_campaign',
  });
});

registrations(
  'repeated under a key get the first answer even when they would be refused by now',
  async () => {
    const { id } = await completed(campaign(0));
    const headers = keyed();
    const first = await call('POST', '/registrar-partner', partnerOf(id), headers);
    assert.is((await call('DELETE', `/api/campaigns/${id}`, undefined, wait)).json.estado, 'COMPLETED');
    const repeat = await call('POST', '/registrar-partner', partnerOf(id), headers);
    assert.is(repeat.status, 202);
    assert.is(repeat.text, first.text);
    assert.is(repeat.header('idempotent-replayed'), 'true');
    isRefused(
      await call('POST', '/registrar-partner', partnerOf(id, { nombre: 'otro' }), headers),
      422,
      'CLAVE_REUTILIZADA',
    );
    assert.is((await call('POST', '/registrar-partner', partnerOf(id), keyed())).status, 409);
  },
);

registrations('have no operation that nobody has begun', async () => {
  for (const id of [nobody, 'nada', '%20']) {
    const answer = await call('GET', `/api/operations/${id}`);
    isRefused(answer, 404, 'NO_ENCONTRADO');
    assert.is(answer.header('retry-after'), '1');
  }
});

const deletions = suite('deletions');

deletions('undo a whole campaign by a saga of its own', async () => {
  const { id, saga } = await completed(campaign(2));
  const answer = await call('DELETE', `/api/campaigns/${id}/`);
  assert.is(answer.status, 202, answer.text);
  const enlace = `/api/sagas/campaign/${answer.json.id}`;
  assert.equal(answer.json, { id: answer.json.id, tipo: 'campaign', enlace });
  assert.is(answer.header('location'), enlace);
  assert.is((await call('GET', enlace)).json.deshace, saga);
  await call('DELETE', `/api/campaigns/${id}`, undefined, wait);
  const { estado } = (await call('GET', `/obtener-campaigns/${id}`)).json;
  assert.is(estado, 'CANCELADA');
  isRefused(await call('DELETE', `/api/campaigns/${id}`), 409, 'YA_CANCELADO');
});

deletions('asked for many times at once lead to the same undoing', async () => {
  const { id } = await completed(campaign(2));
  const answers = await Promise.all(Array.from({ length: 6 }, () => call('DELETE', `/api/campaigns/${id}`)));
  const sagas = answers.filter(({ status }) => status === 202).map(({ json }) => json.id);
  assert.ok(sagas.length > 0);
  assert.is(new Set(sagas).size, 1);
  for (const answer of answers) if (answer.status !== 202) isRefused(answer, 409, 'YA_CANCELADO');
});

deletions('undo one partner of a saga with its eventos, and nothing else', async () => {
  const { id, partners } = await completed(campaign(2));
  const gone = partners[0]?.id;
  const answer = await call('DELETE', `/api/partners/${gone}`, undefined, wait);
  assert.is(answer.status, 200, answer.text);
  assert.is(answer.json.estado, 'COMPLETED');
  assert.is(answer.header('location'), `/api/sagas/campaign/${answer.json.id}`);
  for (const one of partners)
    assert.is(
      (await call('GET', `/obtener-partners/${one.id}`)).json.estado,
      one.id === gone ? 'CANCELADO' : 'REGISTRADO',
    );
  assert.is((await call('GET', `/obtener-campaigns/${id}`)).json.estado, 'APROBADA');
});

deletions('undo alone what was registered alone', async () => {
  const { id } = await completed(campaign(0));
  const { id_partner } = (await call('POST', '/registrar-partner', partnerOf(id))).json;
  const { id_evento } = (await call('POST', '/registrar-evento', { id_partner, id_campana: id })).json;
  const answer = await call('DELETE', `/api/eventos/${id_evento}`);
  assert.is(answer.status, 202, answer.text);
  assert.is(answer.header('location'), `/api/operations/${answer.json.operationId}`);
  assert.is((await call('GET', answer.header('location') ?? '')).json.estado, 'DONE');
  assert.is((await call('GET', `/obtener-eventos/${id_evento}`)).json.estado, 'CANCELADO');
  const waited = await call('DELETE', `/api/partners/${id_partner}`, undefined, wait);
  assert.is(waited.status, 200);
  assert.is(waited.json.estado, 'DONE');
  assert.is((await call('GET', `/obtener-partners/${id_partner}`)).json.estado, 'CANCELADO');
  isRefused(await call('DELETE', `/api/partners/${id_partner}`), 409, 'YA_CANCELADO');
});

deletions('are 404 for what does not exist', async () => {
  for (const what of ['campaigns', 'partners', 'eventos'])
    for (const id of [nobody, 'nada'])
      isRefused(await call('DELETE', `/api/${what}/${id}`), 404, 'NO_ENCONTRADO');
});

deletions('by the old GET say on every answer that it is deprecated', async () => {
  const { id } = await completed(campaign(0));
  for (const [method, path, status, headers] of [
    ['GET', `/eliminar-campaign/${nobody}`, 404],
    ['GET', '/eliminar-partner/nada/', 404],
    ['GET', '/eliminar-evento/nada', 404],
    ['POST', `/eliminar-campaign/${id}`, 405],
    ['GET', '/eliminar-campaign', 404],
    ['GET', `/eliminar-campaign/${id}`, 401, { 'x-api-key': 'wrong' }],
    ['HEAD', `/eliminar-campaign/${id}`, 204],
    ['GET', `/eliminar-campaign/${id}`, 202],
    ['GET', `/eliminar-campaign/${id}?a=%ff`, 400],
  ] as const) {
    const answer = await call(method, path, undefined, headers);
    assert.is(answer.status, status, `${method} ${path} ${answer.text}`);
    assert.match(answer.header('deprecation') ?? '', /^@\d+$/);
  }
});

deletions('by HEAD on the old path delete nothing', async () => {
  const { id, partners, eventos } = await completed(campaign(1));
  for (const path of [
    `/eliminar-campaign/${id}`,
    `/eliminar-partner/${partners[0]?.id}`,
    `/eliminar-evento/${eventos[0]?.id}`,
  ]) {
    const answer = await call('HEAD', path);
    assert.is(answer.status, 204);
    assert.is(answer.header('location'), undefined);
  }
  assert.is((await call('GET', `/obtener-campaigns/${id}`)).json.estado, 'APROBADA');
  assert.is((await call('GET', `/obtener-partners/${partners[0]?.id}`)).json.estado, 'REGISTRADO');
  assert.is((await call('GET', `/obtener-eventos/${eventos[0]?.id}`)).json.estado, 'REGISTRADO');
});

const stopping = suite('a stop');

// The stop of processes is tried by those who start them.
if (isEmbedded)
  stopping('ends the waits under way: what was accepted is answered 202', async () => {
    const halted = await startApiFleet();
    // Nobody registers partners any more, so the saga cannot end.
    await halted.fleet.services.partner.stop();
    const waiting = halted.call('POST', '/registrar-campaign', halted.campaign(1), { prefer: 'wait=60' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await halted.fleet.stop();
    const answer = await waiting;
    assert.is(answer.status, 202);
    assert.match(answer.header('location') ?? '', /^\/api\/sagas\/campaign\//);
  });

deletions.after(() => fleet.stop());

for (const each of [campaigns, repeats, registrations, deletions, stopping]) each.run();
