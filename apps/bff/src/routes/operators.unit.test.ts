import { forNeighbours, neighbourNames } from '@cordada/infra/config/services.ts';
import type { ApiKey } from '@cordada/infra/http/access.ts';
import { conflict, HttpError, notFound } from '@cordada/infra/http/errors.ts';
import type { ServiceClient, ServiceRequest } from '@cordada/infra/http/service-client.ts';
import { createServiceTokens } from '@cordada/infra/http/service-token.ts';
import { manualRuntime, testSecret, testServer } from '@cordada/infra/testing/test-server.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BffParts } from '../parts.ts';
import { createVerbs } from '../verbs.ts';
import { addOperatorRoutes } from './operators.ts';
import { addSagaViewRoutes } from './sagas.ts';

const test = suite('what operators do, and how it reaches the owner');

const apiKeys: readonly ApiKey[] = [
  { name: 'turno de noche', key: 'operator-key', roles: ['OPERARIO'] },
  { name: 'integrador', key: 'client-key', roles: ['CLIENTE'] },
];
const operator = { 'x-api-key': 'operator-key' };

/** A BFF before services that answer as they are told; what they were asked is in `asked`. */
const bff = async (answer: (service: string, request: ServiceRequest) => unknown) => {
  const asked: (Omit<ServiceRequest, 'origin'> & {
    service: string;
    requestId: string | undefined;
    traceparent: string | undefined;
  })[] = [];
  const service = (target: string): ServiceClient => {
    const call = async (request: ServiceRequest) => {
      const { origin, ...rest } = request;
      asked.push({ service: target, ...rest, requestId: origin?.id, traceparent: origin?.traceparent });
      const answered = await answer(target, request);
      if (answered instanceof HttpError) throw answered;
      return answered;
    };
    return { target, call } as unknown as ServiceClient;
  };
  const tokens = createServiceTokens(testSecret, manualRuntime());
  const { app } = await testServer({ security: { auth: 'required', apiKeys, tokens } });
  const parts = forNeighbours(service) as unknown as BffParts;
  const verbs = createVerbs();
  addSagaViewRoutes(app, parts, verbs);
  addOperatorRoutes(app, parts, verbs);
  return { app, asked };
};

for (const verb of ['reintentar', 'omitir', 'completar'])
  test(`${verb} reaches the saga’s owner with the step, the item, the reason and who asks`, async () => {
    const view = { id: 's-1', tipo: 'campaign', estado: 'RUNNING' };
    const { app, asked } = await bff(() => ({ repetida: false, respuesta: view }));
    const answer = await app.inject({
      method: 'POST',
      url: `/api/sagas/campaign/s-1/pasos/partner/${verb}/`,
      headers: {
        ...operator,
        'x-request-id': 'r-1',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
      payload: { motivo: 'ya responde', item: 3 },
    });
    assert.is(answer.statusCode, 200, answer.body);
    assert.equal(answer.json(), view);
    assert.match(
      asked[0]?.traceparent ?? '',
      /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad)[0-9a-f]{16}-01$/,
    );
    assert.equal(
      asked.map(({ traceparent, ...rest }) => rest),
      [
        {
          service: 'campaign',
          method: 'POST',
          path: ['sagas', 'campaign', 's-1', 'pasos', 'partner', verb],
          body: { motivo: 'ya responde', item: 3, quien: 'turno de noche' },
          requestId: 'r-1',
        },
      ],
    );
    await app.close();
  });

const verbPaths = [
  '/api/sagas/campaign/s-1/pasos/partner/omitir',
  '/api/mensajes-retenidos/partner-7/reintentar',
];

for (const url of verbPaths)
  test(`${url} is for operators, with a reason and a sound key, or reaches nobody`, async () => {
    const { app, asked } = await bff(() => ({}));
    const post = (headers: Record<string, string>, payload: object = { motivo: 'x' }) =>
      app.inject({ method: 'POST', url, headers, payload });
    assert.is((await post({})).statusCode, 401);
    assert.is((await post({ 'x-api-key': 'client-key' })).statusCode, 403);
    for (const motivo of ['', ' \n', undefined, null, 7, 'x'.repeat(1_001), 'x\u0000'])
      assert.is((await post(operator, { motivo })).statusCode, 400, JSON.stringify(motivo));
    assert.is((await post(operator, { motivo: 'x', quien: 'otro' })).statusCode, 400);
    const bad = await post({ ...operator, 'idempotency-key': 'a b' });
    assert.equal(bad.json().errors[0].source, { header: 'idempotency-key' });
    assert.equal(asked, []);
    await app.close();
  });

test('a key reaches the owner as one id a caller, verb and resource, with the hash of what is asked', async () => {
  const { app, asked } = await bff(() => ({ repetida: asked.length > 1, respuesta: { id: 's-1' } }));
  const post = async (url: string, payload: object, headers: Record<string, string> = {}) => {
    const answer = await app.inject({
      method: 'POST',
      url,
      headers: { ...operator, 'idempotency-key': 'k-1', ...headers },
      payload,
    });
    const { peticion } = (asked.at(-1)?.body ?? {}) as { peticion?: { id: string; huella: string } };
    return { replayed: answer.headers['idempotent-replayed'], ...peticion };
  };
  const [skip] = verbPaths as [string];
  const first = await post(skip, { motivo: 'x', item: 0 });
  assert.is(first.replayed, undefined);
  const again = await post(`${skip}/`, { item: 0, motivo: 'x' });
  assert.is(again.replayed, 'true');
  assert.is(again.id, first.id);
  assert.is(again.huella, first.huella);
  const otherBody = await post(skip, { motivo: 'x', item: 1 });
  assert.is(otherBody.id, first.id);
  assert.is.not(otherBody.huella, first.huella);
  for (const other of [
    await post(skip.replace('omitir', 'completar'), { motivo: 'x' }),
    await post(skip.replace('s-1', 's-2'), { motivo: 'x' }),
    await post(skip, { motivo: 'x' }, { 'idempotency-key': 'k-2' }),
    await post('/api/mensajes-retenidos/partner-7/omitir', { motivo: 'x' }),
    await post('/api/mensajes-retenidos/tracking-7/omitir', { motivo: 'x' }),
  ])
    assert.is.not(other.id, first.id);
  const ids = new Set(asked.map(({ body }) => (body as { peticion: { id: string } }).peticion.id));
  assert.is(ids.size, 6);
  await app.close();
});

test('while the first of a key is on its way a second one is refused, and may come again', async () => {
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const { app, asked } = await bff(() => gate.then(() => ({ repetida: asked.length > 1, respuesta: null })));
  const post = () =>
    app.inject({
      method: 'POST',
      url: '/api/mensajes-retenidos/partner-7/omitir',
      headers: { ...operator, 'idempotency-key': 'k-1' },
      payload: { motivo: 'x' },
    });
  const first = post();
  while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const second = await post();
  assert.is(second.statusCode, 409, second.body);
  assert.is(second.json().errors[0].code, 'PETICION_EN_CURSO');
  assert.is(second.headers['retry-after'], '1');
  assert.is(asked.length, 1);
  open();
  assert.is((await first).statusCode, 200);
  const third = await post();
  assert.is(third.statusCode, 200);
  assert.is(third.headers['idempotent-replayed'], 'true');
  await app.close();
});

test('a verb on a held message reaches the service that its id names', async () => {
  const { app, asked } = await bff(() => ({ repetida: false, respuesta: null }));
  const answer = await app.inject({
    method: 'POST',
    url: '/api/mensajes-retenidos/tracking-7/omitir',
    headers: operator,
    payload: { motivo: 'sin arreglo' },
  });
  assert.equal(answer.json(), { id: 'tracking-7', servicio: 'tracking', verbo: 'omitir' });
  assert.equal(
    asked.map(({ service, path, body }) => [service, path, body]),
    [['tracking', ['mensajes-retenidos', '7', 'omitir'], { motivo: 'sin arreglo', quien: 'turno de noche' }]],
  );
  await app.close();
});

test('a verb on an unpublished message reaches its service too, and its refusal names it', async () => {
  const refusals: unknown[] = [{ repetida: false, respuesta: null }, notFound('No hay un mensaje 7')];
  const { app, asked } = await bff(() => refusals.shift());
  const post = () =>
    app.inject({
      method: 'POST',
      url: '/api/mensajes-sin-publicar/tracking-7/reintentar',
      headers: operator,
      payload: { motivo: 'ya cabe' },
    });
  assert.equal((await post()).json(), { id: 'tracking-7', servicio: 'tracking', verbo: 'reintentar' });
  assert.equal(asked[0]?.path, ['mensajes-sin-publicar', '7', 'reintentar']);
  const gone = await post();
  assert.is(gone.statusCode, 404);
  assert.is(gone.json().errors[0].detail, 'No hay un mensaje sin publicar tracking-7');
  await app.close();
});

test('a service’s refusal speaks of the ids that the client knows', async () => {
  const refusals = [
    conflict('HAY_UNO_ANTERIOR', 'Antes va el mensaje 5, el más antiguo'),
    notFound('No hay 7'),
  ];
  const { app } = await bff(() => refusals.shift());
  const post = () =>
    app.inject({
      method: 'POST',
      url: '/api/mensajes-retenidos/partner-7/omitir',
      headers: operator,
      payload: { motivo: 'x' },
    });
  const behind = await post();
  assert.is(behind.statusCode, 409);
  assert.is(behind.json().errors[0].detail, 'Antes va el mensaje partner-5, el más antiguo');
  const gone = await post();
  assert.is(gone.statusCode, 404);
  assert.match(gone.json().errors[0].detail, 'partner-7');
  await app.close();
});

/** A service's list in pages, as its own routes give it. */
const pageOf = (
  numbers: readonly number[],
  { query = {} }: ServiceRequest,
  after: string,
  row: (id: number) => object,
) => {
  const last = query[after] as number | undefined;
  const rest = last === undefined ? numbers : numbers.slice(numbers.indexOf(last) + 1);
  return rest.slice(0, query.limit as number).map((id) => ({ id, ...row(id) }));
};
const at = (second: number): string => new Date(second * 1_000).toISOString();

test('held messages of all services are one whole list, the oldest first', async () => {
  const numbers: Readonly<Record<string, readonly number[]>> = {
    campaign: [],
    partner: Array.from({ length: 1_200 }, (_, index) => index * 2 + 1),
    tracking: [2, 4],
  };
  const { app, asked } = await bff((service, request) => ({
    mensajes: pageOf(numbers[service] ?? [], request, 'despues', (id) => ({ retenido: at(id) })),
  }));
  const get = async (query = '') =>
    (await app.inject({ url: `/api/mensajes-retenidos${query}`, headers: operator })).json();
  const whole = await get();
  assert.is(whole.length, 1_202);
  assert.equal(
    whole.slice(0, 5).map(({ id, servicio }: Record<string, string>) => [id, servicio]),
    [
      ['partner-1', 'partner'],
      ['tracking-2', 'tracking'],
      ['partner-3', 'partner'],
      ['tracking-4', 'tracking'],
      ['partner-5', 'partner'],
    ],
  );
  asked.length = 0;
  assert.equal(await get('?limit=3'), whole.slice(0, 3));
  assert.is(asked.length, neighbourNames.length - 1, 'a page of each that keeps messages is enough');
  await app.close();
});

test('the audit of all services is one list, the newest first', async () => {
  const numbers: Readonly<Record<string, readonly number[]>> = {
    campaign: [9, 3],
    partner: [8, 1],
    tracking: [],
  };
  const { app } = await bff((service, request) => ({
    auditoria: pageOf(numbers[service] ?? [], request, 'antes', (id) => ({ cuando: at(id) })),
  }));
  const rows = (await app.inject({ url: '/api/auditoria', headers: operator })).json();
  assert.equal(
    rows.map(({ id }: { id: string }) => id),
    ['campaign-9', 'partner-8', 'campaign-3', 'partner-1'],
  );
  await app.close();
});

test.run();
