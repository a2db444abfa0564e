// time limit: 180 s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { apiUnderTest } from './api-fleet.ts';
import {
  type ApiDocument,
  type BadRequest,
  badRequestsOf,
  exampleOf,
  headersOf,
  pathOf,
  routesOf,
} from './bad-requests.ts';

const { fleet, call, campaign, completed } = await apiUnderTest();
const routes = routesOf((await call('GET', '/docs/json')).json as ApiDocument);

const test = suite('bad input');

/** All that anyone can read: what a refused request has left would be seen here. */
const everything = async (): Promise<string> => {
  const lists = ['/obtener-campaigns', '/obtener-partners', '/obtener-eventos', '/api/sagas?limit=500'];
  const answers = [];
  lists.push('/usuarios/1/compras', '/api/reservas', '/api/clientes/1');
  for (const path of [...lists, '/api/auditoria', '/api/mensajes-retenidos'])
    answers.push((await call('GET', path)).text);
  // How old a reservation is changes by itself.
  return answers.join('\n').replaceAll(/"edad_s":\d+/g, '');
};

/** What is wrong with the answer to a bad request; undefined when it is refused as it must be. */
const faultOf = async (bad: BadRequest): Promise<string | undefined> => {
  const answer = await call(bad.method, bad.path, bad.body, bad.headers);
  const saw = `${bad.says}: ${answer.status} ${answer.text.slice(0, 300)}`;
  if (answer.status !== bad.status) return `${saw} (not ${bad.status})`;
  const errors: unknown = answer.json?.errors;
  if (!Array.isArray(errors) || errors.length === 0) return `${saw} (no JSON:API error)`;
  for (const error of errors)
    if (error.status !== String(bad.status) || !error.code || !error.title || !error.detail)
      return `${saw} (an error lacks a field)`;
  if (/\bat .+:\d+|node_modules|\bSELECT\b|\bINSERT\b|prisma|postgres/i.test(answer.text))
    return `${saw} (tells of the inside)`;
  const wanted = JSON.stringify(bad.source);
  if (bad.source !== undefined && !errors.some(({ source }) => JSON.stringify(source) === wanted))
    return `${saw} (does not name ${wanted})`;
  return undefined;
};

test.before(async () => {
  await completed(campaign(2));
});
test.after(() => fleet.stop());

test('the document lists every kind of route', () => {
  assert.ok(routes.length > 30, `${routes.length} routes`);
  for (const method of ['GET', 'POST', 'PUT', 'DELETE'])
    assert.ok(routes.some((route) => route.method === method));
  for (const route of routes)
    if (route.operation.requestBody !== undefined)
      assert.ok(
        exampleOf(route) !== undefined,
        `${route.method} ${route.template} has no example of its body`,
      );
});

for (const route of routes)
  test(`${route.method} ${route.template} refuses it, naming the field, and registers nothing`, async () => {
    const before = await everything();
    const faults: string[] = [];
    for (const bad of badRequestsOf(route)) {
      const fault = await faultOf(bad);
      if (fault !== undefined) faults.push(fault);
    }
    assert.equal(faults, []);
    assert.is(await everything(), before);
  });

test('a method that a path does not know is a 405 that says which it does', async () => {
  for (const route of routes) {
    const known = routes.filter(({ template }) => template === route.template).map(({ method }) => method);
    const other = ['PATCH', 'PUT', 'DELETE', 'POST'].find((method) => !known.includes(method)) ?? '';
    const answer = await call(other, pathOf(route));
    assert.is(answer.status, 405, `${route.template}: ${answer.text}`);
    assert.match(answer.header('allow') ?? '', route.method);
  }
});

test('what the document gives as an example is refused for none of this', async () => {
  for (const route of routes) {
    const example = exampleOf(route);
    if (example === undefined) continue;
    const { status, text } = await call(route.method, pathOf(route), example, headersOf(route));
    assert.ok(status < 400 || status === 404, `${route.method} ${route.template}: ${status} ${text}`);
  }
});

test('whatever came before, a good request is served', async () => {
  await completed(campaign(1));
});

test.run();
