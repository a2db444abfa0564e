// time limit: 120 s
import { manifest } from '@cordada/infra/bus/manifest.ts';
import { readTraceparent, traceIdOf } from '@cordada/infra/telemetry/trace-context.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startApiFleet } from './api-fleet.ts';

const test = suite('a trace, from the HTTP request to the last event');
const { fleet, call, campaign, completed } = await startApiFleet();
const waiting = { prefer: 'wait=30' };

interface Seen {
  readonly contract: string;
  readonly saga: string;
  readonly traceparent: string;
}
/** Every message of the fleet. */
const seen: Seen[] = [];
const watching = await fleet.bus.subscribe(
  { topics: [...manifest.topics.keys()], subscription: 'trazador', mode: 'each-replica', maxBatch: 500 },
  async (batch) => {
    for (const { topic, properties } of batch)
      seen.push({
        contract: manifest.topics.get(topic)?.contract ?? topic,
        saga: properties.correlationid ?? '',
        traceparent: properties.traceparent ?? '',
      });
  },
);

let traces = 0;
/** A traceparent that nobody has used, and its trace. */
const fresh = (): { readonly trace: string; readonly headers: { traceparent: string } } => {
  traces += 1;
  const trace = `${traces}`.padStart(32, 'a');
  return { trace, headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` } };
};
/** The messages of a saga once the last of them has come: each a span of its own in one trace, which is answered. */
const traceOf = async (saga: string, last: string): Promise<{ trace: string; contracts: string[] }> => {
  const messages = () => seen.filter((message) => message.saga === saga);
  for (let looks = 0; looks < 500 && !messages().some(({ contract }) => contract === last); looks += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  const spans = new Set(messages().map(({ traceparent }) => traceparent));
  assert.is(spans.size, messages().length, 'each message is a span of its own');
  for (const span of spans) assert.ok(readTraceparent(span), span);
  const [trace, ...others] = new Set([...spans].map(traceIdOf));
  assert.equal(others, [], 'all are of one trace');
  return { trace: trace ?? '', contracts: messages().map(({ contract }) => contract) };
};
const trazaOf = async (saga: string) => (await call('GET', `/api/sagas/campaign/${saga}`)).json.traza;

test('a saga that succeeds has all its messages in the trace of its request, and names it', async () => {
  const { trace, headers } = fresh();
  const answer = await call('POST', '/registrar-campaign', campaign(2), { ...waiting, ...headers });
  assert.is(answer.json.estado, 'COMPLETED', answer.text);
  assert.match(
    answer.header('traceparent') ?? '',
    new RegExp(`^00-${trace}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`),
  );
  const found = await traceOf(answer.json.id, 'ReservaAprobada');
  assert.is(found.trace, trace);
  for (const contract of ['IniciarCampaign', 'CampaignRegistrada', 'RegistrarPartner', 'EventoRegistrado'])
    assert.ok(found.contracts.includes(contract), contract);
  assert.is(await trazaOf(answer.json.id), trace);
});

test('a saga that is undone has its compensations and their events in the trace too', async () => {
  const { trace, headers } = fresh();
  const body = campaign(2);
  await call('PUT', `/api/marcas/${body.marca_id}/tracking`, { activo: false });
  const answer = await call('POST', '/registrar-campaign', body, { ...waiting, ...headers });
  assert.is(answer.json.estado, 'COMPENSATED', answer.text);
  const found = await traceOf(answer.json.id, 'CampaignCancelada');
  assert.is(found.trace, trace);
  for (const contract of ['RegistroEventoFallido', 'CancelarPartner', 'PartnerCancelado'])
    assert.ok(found.contracts.includes(contract), contract);
});

for (const [what, headers] of Object.entries<Record<string, string>>({
  'no traceparent': {},
  'a malformed one': { traceparent: '00-nada' },
  'one without a trace': { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` },
  'one of no version': { traceparent: `ff-${'a'.repeat(32)}-00f067aa0ba902b7-01` },
  'an enormous one': { traceparent: `00-${'a'.repeat(4_000)}` },
}))
  test(`a request with ${what} begins a trace, which it is answered with`, async () => {
    const answer = await call('POST', '/registrar-campaign', campaign(1), { ...waiting, ...headers });
    assert.is(answer.status, 200, answer.text);
    const trace = traceIdOf(readTraceparent(answer.header('traceparent')) ?? '');
    assert.ok(trace);
    assert.is((await traceOf(answer.json.id, 'ReservaAprobada')).trace, trace);
    assert.is(await trazaOf(answer.json.id), trace);
  });

test('an undo saga is of the trace of its DELETE', async () => {
  const { id, saga } = await completed(campaign(2));
  const { trace, headers } = fresh();
  const answer = await call('DELETE', `/api/campaigns/${id}`, undefined, { ...waiting, ...headers });
  assert.is(answer.json.estado, 'COMPLETED', answer.text);
  const found = await traceOf(answer.json.id, 'CampaignCancelada');
  assert.is(found.trace, trace);
  assert.ok(found.contracts.includes('CancelarEvento'));
  assert.is(await trazaOf(answer.json.id), trace);
  assert.is.not(await trazaOf(saga), trace);
});

test('what is registered and undone alone is of the traces of its requests', async () => {
  const { id } = await completed(campaign(0));
  const [made, undone] = [fresh(), fresh()];
  const body = { id_campaign: id, nombre: 'Ana', tipo: 'afiliado', informacion_perfil: '' };
  const { json } = await call('POST', '/registrar-partner', body, { ...waiting, ...made.headers });
  const registered = await traceOf(json.operationId, 'PartnerRegistrado');
  assert.is(registered.trace, made.trace);
  const before = seen.length;
  await call('DELETE', `/api/partners/${json.recurso}`, undefined, { ...waiting, ...undone.headers });
  for (let looks = 0; looks < 500 && seen.length === before; looks += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  const [event] = seen.slice(before);
  assert.is(event?.contract, 'PartnerCancelado');
  assert.is(traceIdOf(event?.traceparent ?? ''), undone.trace);
});

test('refusals and unknown paths are answered with a trace', async () => {
  const { trace, headers } = fresh();
  for (const [method, path] of [
    ['GET', '/nada'],
    ['POST', '/registrar-campaign'],
    ['GET', '/api/sagas/campaign/nada'],
  ] as const)
    assert.match((await call(method, path, undefined, headers)).header('traceparent') ?? '', trace);
});

test.after(async () => {
  await watching.close();
  await fleet.stop();
});

test.run();
