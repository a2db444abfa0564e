import { connect } from 'node:net';
import Type from 'typebox';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testServer } from '../testing/test-server.ts';
import { access } from './access.ts';
import { Digits } from './json-text.ts';
import { money } from './money.ts';
import type { Server, ServerOptions } from './server.ts';

const test = suite('the HTTP server');

const body = Type.Object(
  {
    nombre: Type.String({ minLength: 1, maxLength: 20 }),
    importe: money,
    numero: Type.Optional(Type.Integer()),
    tipo: Type.Optional(Type.Union([Type.Literal('afiliado'), Type.Literal('influencer')])),
    lista: Type.Optional(
      Type.Array(Type.Object({ id: Type.String() }, { additionalProperties: false }), { maxItems: 2 }),
    ),
  },
  { additionalProperties: false },
);

const routes = async (options: Partial<ServerOptions> = {}) => {
  const made = await testServer(options);
  const seen: unknown[] = [];
  made.app.post(
    '/cosas',
    { config: { access: access.public }, schema: { body, response: { 200: body } } },
    async (request) => {
      seen.push(request.body);
      return request.body;
    },
  );
  made.app.get(
    '/cosas/:id',
    {
      config: { access: access.public },
      schema: {
        querystring: Type.Object(
          { limit: Type.Optional(Type.Integer({ minimum: 1 })) },
          { additionalProperties: false },
        ),
      },
    },
    async (request) => ({ ...(request.params as object), ...request.query }),
  );
  return { ...made, seen };
};

interface Answer {
  readonly statusCode: number;
  readonly body: string;
  json(): { errors: { status: string; code: string; title: string; detail: string; source?: object }[] };
}

const isError = (answer: Answer, status: number, code: string, source?: object): void => {
  assert.is(answer.statusCode, status, answer.body);
  const [error] = answer.json().errors;
  assert.ok(error);
  assert.is(error.status, String(status));
  assert.is(error.code, code);
  assert.ok(error.title.length > 0 && error.detail.length > 0);
  if (source !== undefined) assert.equal(error.source, source);
  assert.not.match(answer.body, /\bat \/|node_modules|SELECT |Error:/);
};

const good = '"nombre":"ñandú","importe":1';
const badBodies: readonly [
  title: string,
  body: string | Buffer,
  status: number,
  code: string,
  pointer: string,
][] = [
  ['nothing', '', 400, 'VALOR_INVALIDO', ''],
  ['malformed JSON', `{${good}`, 400, 'JSON_MALFORMADO', ''],
  ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400, 'JSON_MALFORMADO', ''],
  ['a list', '[]', 400, 'VALOR_INVALIDO', ''],
  ['null', 'null', 400, 'VALOR_INVALIDO', ''],
  ['a repeated key', `{${good},"nombre":"b"}`, 400, 'CAMPO_REPETIDO', '/nombre'],
  ['__proto__', `{${good},"__proto__":{"numero":1}}`, 400, 'CAMPO_PROHIBIDO', '/__proto__'],
  ['constructor', `{${good},"constructor":1}`, 400, 'CAMPO_PROHIBIDO', '/constructor'],
  ['an unknown field', `{${good},"otro":1}`, 400, 'CAMPO_DESCONOCIDO', '/otro'],
  [
    'an unknown field deep within',
    `{${good},"lista":[{"id":"a","x":null}]}`,
    400,
    'CAMPO_DESCONOCIDO',
    '/lista/0/x',
  ],
  ['a missing field', '{"importe":1}', 400, 'CAMPO_REQUERIDO', '/nombre'],
  ['null for a number', `{${good},"numero":null}`, 400, 'VALOR_INVALIDO', '/numero'],
  ['a string for a number', `{${good},"numero":"1"}`, 400, 'VALOR_INVALIDO', '/numero'],
  ['a number for a string', '{"nombre":1,"importe":1}', 400, 'VALOR_INVALIDO', '/nombre'],
  ['a truth value for a number', `{${good},"numero":true}`, 400, 'VALOR_INVALIDO', '/numero'],
  ['a fraction for a whole number', `{${good},"numero":1.5}`, 400, 'VALOR_INVALIDO', '/numero'],
  ['another word', `{${good},"tipo":"otro"}`, 400, 'VALOR_INVALIDO', '/tipo'],
  ['an empty name', '{"nombre":"","importe":1}', 400, 'VALOR_INVALIDO', '/nombre'],
  ['a long name', `{"nombre":"${'n'.repeat(21)}","importe":1}`, 400, 'VALOR_INVALIDO', '/nombre'],
  ['too many items', `{${good},"lista":[{"id":"a"},{"id":"b"},{"id":"c"}]}`, 400, 'VALOR_INVALIDO', '/lista'],
  [
    'more digits than a double holds',
    `{${good},"numero":9007199254740993}`,
    400,
    'NUMERO_INEXACTO',
    '/numero',
  ],
  ['1e999', `{${good},"numero":1e999}`, 400, 'NUMERO_INEXACTO', '/numero'],
  ['1e999 in an unknown field', `{${good},"z":1e999}`, 400, 'NUMERO_INEXACTO', '/z'],
  ['money of 1e999', '{"nombre":"a","importe":1e999}', 400, 'IMPORTE_INVALIDO', '/importe'],
  ['money with a third decimal', '{"nombre":"a","importe":1.005}', 400, 'IMPORTE_INVALIDO', '/importe'],
  ['money of 17 digits', '{"nombre":"a","importe":"12345678901234567"}', 400, 'IMPORTE_INVALIDO', '/importe'],
  ['negative money', '{"nombre":"a","importe":-1}', 400, 'IMPORTE_INVALIDO', '/importe'],
  ['null for money', '{"nombre":"a","importe":null}', 400, 'IMPORTE_INVALIDO', '/importe'],
  ['an object for money', '{"nombre":"a","importe":{}}', 400, 'IMPORTE_INVALIDO', '/importe'],
  ['NUL', '{"nombre":"a\\u0000","importe":1}', 400, 'TEXTO_INVALIDO', '/nombre'],
  ['a lone surrogate', '{"nombre":"\\udead","importe":1}', 400, 'TEXTO_INVALIDO', '/nombre'],
  [
    'too deep',
    `{"nombre":${'['.repeat(40)}${']'.repeat(40)}}`,
    400,
    'DEMASIADO_PROFUNDO',
    `/nombre${'/0'.repeat(31)}`,
  ],
  ['too large', `{"nombre":"${'a'.repeat(1_048_576)}"}`, 413, 'DEMASIADO_GRANDE', ''],
];

for (const [title, payload, status, code, pointer] of badBodies)
  test(`a body with ${title} is a ${status} that names «${pointer}», and reaches no handler`, async () => {
    const { app, seen } = await routes();
    const answer = await app.inject({
      method: 'POST',
      url: '/cosas',
      headers: { 'content-type': 'application/json' },
      payload,
    });
    isError(answer, status, code, { pointer });
    assert.equal(seen, []);
    await app.close();
  });

test('every fault of a body is listed', async () => {
  const { app } = await routes();
  const answer = await app.inject({
    method: 'POST',
    url: '/cosas',
    payload: { importe: 1, numero: null, otro: 1 },
  });
  const pointers = answer.json().errors.map(({ source }: { source: { pointer: string } }) => source.pointer);
  assert.equal(pointers.sort(), ['/nombre', '/numero', '/otro'].sort());
  await app.close();
});

for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/vnd.api+json', undefined])
  test(`a body of type ${type} is exactly 415`, async () => {
    const { app } = await routes();
    const answer = await app.inject({
      method: 'POST',
      url: '/cosas',
      headers: type === undefined ? {} : { 'content-type': type },
      payload: `{${good}}`,
    });
    isError(answer, 415, 'TIPO_NO_ADMITIDO', { header: 'content-type' });
    await app.close();
  });

test('a body on a GET is ignored, whatever its type', async () => {
  const { app } = await routes();
  for (const type of ['application/json', 'text/plain', 'nonsense']) {
    const answer = await app.inject({
      method: 'GET',
      url: '/cosas/7',
      headers: { 'content-type': type },
      payload: '{',
    });
    assert.is(answer.statusCode, 200);
  }
  await app.close();
});

test('money goes in as a number or a string and out as a number with every digit', async () => {
  const { app, seen } = await routes();
  for (const importe of ['9999999999999999.99', '"9999999999999999.99"']) {
    const answer = await app.inject({
      method: 'POST',
      url: '/cosas/',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      payload: `{"nombre":"漢字 😀","importe":${importe}}`,
    });
    assert.is(answer.body, '{"nombre":"漢字 😀","importe":9999999999999999.99}');
  }
  assert.equal((seen as { importe: string }[])[0]?.importe, '9999999999999999.99');
  await app.close();
});

test('an answer without a schema keeps the digits of its numbers', async () => {
  const { app } = await testServer();
  app.get('/n', { config: { access: access.public } }, async () => ({ n: new Digits('9007199254740993.5') }));
  assert.is((await app.inject('/n')).body, '{"n":9007199254740993.5}');
  await app.close();
});

const badUrls: readonly [url: string, status: number, code: string][] = [
  ['/cosas/%zz', 400, 'URL_MALFORMADA'],
  ['/cosas/%ff', 400, 'URL_MALFORMADA'],
  ['/cosas/a%00b', 400, 'PARAMETRO_INVALIDO'],
  ['/cosas/7?limit=%zz', 400, 'PARAMETRO_INVALIDO'],
  ['/cosas/7?limit=1&limit=2', 400, 'PARAMETRO_INVALIDO'],
  ['/cosas/7?limit=x', 400, 'VALOR_INVALIDO'],
  ['/cosas/7?limit=0', 400, 'VALOR_INVALIDO'],
  ['/cosas/7?limit=99999999999999999999', 400, 'VALOR_INVALIDO'],
  ['/cosas/7?otro=1', 400, 'CAMPO_DESCONOCIDO'],
  ['/cosas/7?__proto__=1', 400, 'CAMPO_DESCONOCIDO'],
  [`/cosas/${'a'.repeat(600)}`, 404, 'NO_ENCONTRADO'],
  ['/nada', 404, 'NO_ENCONTRADO'],
];

for (const [url, status, code] of badUrls)
  test(`GET ${url.slice(0, 40)} is a ${status}`, async () => {
    const { app } = await routes();
    const answer = await app.inject(url);
    isError(answer, status, code);
    assert.ok(answer.headers['x-request-id']);
    await app.close();
  });

test('a path that has other methods is a 405 that lists them', async () => {
  const { app } = await routes();
  const answer = await app.inject({ method: 'PUT', url: '/cosas/7/' });
  isError(answer, 405, 'METODO_NO_ADMITIDO');
  assert.is(answer.headers.allow, 'GET, HEAD');
  await app.close();
});

test('X-Request-ID is echoed on every answer, made where it is absent, and refused where it is no token', async () => {
  const { app } = await routes();
  for (const url of ['/cosas/1', '/nada', '/cosas/%zz'])
    assert.is(
      (await app.inject({ url, headers: { 'x-request-id': 'abc-1' } })).headers['x-request-id'],
      'abc-1',
    );
  assert.match((await app.inject('/cosas/1')).headers['x-request-id'] as string, /^[0-9a-f-]{36}$/);
  for (const id of ['a b', 'x'.repeat(256)]) {
    const answer = await app.inject({ url: '/cosas/1', headers: { 'x-request-id': id } });
    isError(answer, 400, 'CABECERA_INVALIDA', { header: 'x-request-id' });
  }
  await app.close();
});

test('an error that nobody expected is a 500 without a stack, logged once with one', async () => {
  const { app, lines } = await testServer();
  app.get('/falla', { config: { access: access.public } }, async () => {
    throw new Error('SELECT secret FROM t');
  });
  const answer = await app.inject('/falla');
  isError(answer, 500, 'ERROR_INTERNO');
  assert.is(lines.length, 1);
  assert.match(lines[0] ?? '', /SELECT secret/);
  await app.close();
});

test('an error that says something is away for now is a 503 with Retry-After', async () => {
  const { app } = await testServer({ isUnavailable: (error) => (error as Error).message === 'away' });
  app.get('/falla', { config: { access: access.public } }, async () => {
    throw new Error('away');
  });
  const answer = await app.inject('/falla');
  isError(answer, 503, 'NO_DISPONIBLE');
  assert.is(answer.headers['retry-after'], '1');
  await app.close();
});

test('/health and /ready say what is missing, and /ready that the server is draining', async () => {
  let databaseAway = false;
  const { app, runtime } = await testServer({
    checks: {
      database: async () => {
        if (databaseAway) throw new Error('no connection');
      },
    },
    ready: { subscriptions: () => new Promise(() => {}) },
  });
  assert.equal((await app.inject('/health')).json(), {
    service: 'prueba',
    status: 'ok',
    checks: { database: 'ok' },
  });
  databaseAway = true;
  const away = await app.inject('/health');
  assert.is(away.statusCode, 503);
  assert.is(away.json().checks.database, 'no connection');
  const pending = app.inject('/ready');
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  runtime.advance(2_000);
  const ready = await pending;
  assert.is(ready.statusCode, 503);
  assert.match(ready.json().checks.subscriptions, /no answer/);
  await app.close();
});

test('/metrics counts requests by route and not by URL', async () => {
  const { app, registry } = await routes();
  await app.inject('/cosas/1');
  await app.inject('/cosas/2');
  await app.inject('/nada/3');
  const { body: text } = await app.inject('/metrics');
  assert.match(
    text,
    /http_request_duration_seconds_count\{method="GET",route="\/cosas\/:id",status="200"\} 2/,
  );
  assert.match(text, /route="none",status="404"\} 1/);
  assert.is(text, await registry.metrics().then(() => text));
  await app.close();
});

test('the page of the docs needs no network', async () => {
  const { app } = await routes({ docs: true });
  const page = await app.inject('/docs/');
  assert.is(page.statusCode, 200);
  assert.not.match(page.body, /(src|href)="https?:/);
  const document = (await app.inject('/docs/json')).json();
  assert.ok(document.paths['/cosas'].post);
  await app.close();
});

const listening = async (app: Server): Promise<number> => {
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as { port: number }).port;
};

/** What a server answers to raw bytes. */
const raw = (port: number, bytes: Buffer): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });

test('headers that are too long and what is no HTTP get a JSON:API error', async () => {
  const { app } = await routes();
  const port = await listening(app);
  const long = await raw(
    port,
    Buffer.from(`GET /cosas/1 HTTP/1.1\r\nhost: a\r\nidempotency-key: ${'k'.repeat(20_000)}\r\n\r\n`),
  );
  assert.match(long, /^HTTP\/1\.1 431 /);
  assert.match(long, /"code":"CABECERAS_DEMASIADO_LARGAS"/);
  const nonsense = await raw(port, Buffer.from('nonsense\r\n\r\n'));
  assert.match(nonsense, /^HTTP\/1\.1 400 /);
  assert.match(nonsense, /"code":"PETICION_MALFORMADA"/);
  await app.close();
});

test('a path sent as raw UTF-8 bytes is the path that is percent-encoded', async () => {
  const { app } = await routes();
  const port = await listening(app);
  const answer = await raw(
    port,
    Buffer.from('GET /cosas/campaña HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'),
  );
  assert.match(answer, /\{"id":"campaña"\}/, answer);
  await app.close();
});

test('a body that comes in many pieces, and a second request on a kept connection, are read whole', async () => {
  const { app, seen } = await routes();
  const port = await listening(app);
  const lista = [{ id: 'ñ'.repeat(200_000) }, { id: 'b' }];
  for (let request = 0; request < 2; request += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/cosas`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ nombre: 'a', importe: 1, lista }),
    });
    assert.is(answer.status, 200);
    await answer.text();
  }
  assert.equal((seen as { lista: unknown }[])[1]?.lista, lista);
  await app.close();
});

for (const [says, headers, sent, statuses] of [
  ['too large, and another request behind it', 'content-length: 1200000', 1_200_000, ['413', '200']],
  ['too large, of the last request', 'connection: close\r\ncontent-length: 1200000', 1_200_000, ['413']],
  ['too large, in chunks', 'transfer-encoding: chunked', 3_000_000, ['413', '200']],
  [
    'too large, in chunks, of the last request',
    'connection: close\r\ntransfer-encoding: chunked',
    3_000_000,
    ['413'],
  ],
  ['far too large', `content-length: ${17 * 1_048_576}`, 1_200_000, ['413']],
  ['far too large, in chunks', 'transfer-encoding: chunked', 18 * 1_048_576, ['413']],
] as const)
  test(`a body that is ${says}: its answer arrives, and the rest is read unless it is far too large`, async () => {
    const { app } = await routes();
    const chunked = headers.includes('chunked');
    let text = '';
    let broken = false;
    const socket = connect({ port: await listening(app), host: '127.0.0.1', allowHalfOpen: true });
    const over = new Promise((resolve) => socket.on('end', resolve).on('close', resolve));
    socket.on('error', () => {
      broken = true;
    });
    const answered = new Promise((resolve) => {
      socket.on('data', (chunk) => {
        text += chunk;
        resolve(text);
      });
    });
    socket.write(
      `POST /cosas HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n${headers}\r\n\r\n${chunked ? `${sent.toString(16)}\r\n` : ''}`,
    );
    if (!chunked) await answered; // how long it will be is known from the head
    for (let left = sent; left > 0 && !broken; left -= 100_000) {
      socket.write(Buffer.alloc(Math.min(left, 100_000), 0x20));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    if (chunked) socket.write('\r\n0\r\n\r\n');
    if (!headers.includes('close'))
      socket.write('GET /cosas/1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    await over;
    socket.destroy();
    assert.equal(
      [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status = '']) => status),
      statuses,
    );
    assert.is(broken, says.startsWith('far'));
    await app.close();
  });

test('a client that connects and says nothing holds no close back', async () => {
  const { app } = await testServer();
  const port = await listening(app);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const gone = new Promise((resolve) => socket.on('close', resolve));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const began = Date.now();
  await app.close();
  await gone;
  assert.ok(Date.now() - began < 2_000);
});

test('closing finishes what runs and refuses new connections', async () => {
  const { app } = await testServer();
  let finish = (): void => {};
  const reached = new Promise<void>((started) => {
    app.get('/lenta', { config: { access: access.public } }, async () => {
      started();
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return { hecho: true };
    });
  });
  const port = await listening(app);
  const answer = fetch(`http://127.0.0.1:${port}/lenta`);
  await reached;
  const closed = app.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await fetch(`http://127.0.0.1:${port}/lenta`).then(
    () => assert.unreachable('a new connection was taken'),
    () => {},
  );
  finish();
  assert.equal(await (await answer).json(), { hecho: true });
  const answered = Date.now();
  await closed;
  assert.ok(Date.now() - answered < 5_000, 'the connection that the client keeps held the close back');
});

test.run();
