import { catalog, contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Delivery } from '../bus/bus.ts';
import { systemRuntime } from '../system-runtime.ts';
import { newTrace } from '../telemetry/trace-context.ts';
import { cloudEventsTypes } from './cloud-events-types.ts';
import type { Outgoing } from './message.ts';
import { busMessage, decode, toBusMessage, toOutboxRow } from './wire.ts';

const test = suite('the wire');
const runtime = systemRuntime();

const outgoing: Outgoing = {
  contract: contracts.CancelarPartner,
  body: { id_partner: 'a', motivo: 'ñandú 漢字' },
  correlationId: 's',
  subject: 'a',
  idempotencyKey: 's/partner/0',
  requestHash: 'hash',
};
const deliver = (properties: Record<string, string> = {}): Delivery => {
  const message = busMessage(outgoing, 'campaign', runtime);
  return { ...message, properties: { ...message.properties, ...properties }, publishedAt: runtime.now() };
};
const received = (delivery: Delivery) => {
  const decoded = decode(delivery, contracts.CancelarPartner);
  if (!decoded.readable) throw new Error(decoded.cause);
  return decoded.received;
};

test('a message that goes over the bus comes back as it was', () => {
  const { envelope, body, fault } = received(deliver());
  assert.equal(body, outgoing.body);
  assert.is(fault, undefined);
  assert.is(envelope.contract, 'CancelarPartner');
  assert.is(envelope.source, '/cordada/campaign');
  assert.is(envelope.correlationId, 's');
  assert.is(envelope.idempotencyKey, 's/partner/0');
  assert.is(envelope.requestHash, 'hash');
  assert.is(envelope.causationId, envelope.id, 'the first of a chain causes itself');
});

test('a message is of the time that it says, else of when it was published', () => {
  const publishedAt = Date.UTC(2026, 0, 2);
  const timeOf = (text: string): number =>
    received({ ...deliver({ 'ce-time': text }), publishedAt }).envelope.time.getTime();
  assert.is(timeOf('2026-01-01T03:04:05.678Z'), Date.UTC(2026, 0, 1, 3, 4, 5, 678));
  assert.is(timeOf('2026-01-01T03:04:05+01:00'), Date.UTC(2026, 0, 1, 2, 4, 5));
  for (const none of ['', 'never']) assert.is(timeOf(none), publishedAt);
});

test('the properties are those of CloudEvents 1.0, with the fingerprint of the writer’s schema', () => {
  const { properties } = deliver();
  assert.is(properties['ce-type'], 'cordada.partner.CancelarPartner');
  assert.is(properties['ce-specversion'], '1.0');
  const { version, fingerprint } = contracts.CancelarPartner;
  assert.is(properties['ce-dataschema'], `partner/CancelarPartner/v${version}#${fingerprint}`);
  assert.not.throws(() => new Date(properties['ce-time'] as string).toISOString());
});

test('an inventory event bears the type that its document gives it, and readers find its contract all the same', () => {
  const at = new Date(0);
  const body = { id_item: 'a', sku: 'P-1', unidades: 1, cantidad: 3, reservada: 1, version: 2, fecha: at };
  const event: Outgoing = { ...outgoing, contract: contracts.ExistenciaLiberada, body };
  const message = busMessage(event, 'consolidador', runtime);
  assert.is(message.properties['ce-type'], 'inventory.stock.released');
  const decoded = decode({ ...message, publishedAt: 0 }, contracts.ExistenciaLiberada);
  assert.ok(decoded.readable);
  assert.equal(decoded.received.body, body);
  assert.is(decoded.received.envelope.contract, 'ExistenciaLiberada');
});

test('types that differ from the usual are declared for topics that exist, each once', () => {
  const topics = new Set(catalog.map(({ topic }) => topic));
  for (const topic of cloudEventsTypes.keys()) assert.ok(topics.has(topic), topic);
  assert.is(new Set(cloudEventsTypes.values()).size, cloudEventsTypes.size);
});

test('the outbox keeps nothing that topic, key and id can rebuild', () => {
  const row = toOutboxRow(outgoing, runtime);
  const kept = JSON.stringify(row.props);
  for (const rebuilt of [row.id, row.topic, 'cordada', 'campaign']) assert.not.match(kept, rebuilt);
  assert.is(toBusMessage(row, 'campaign').properties['ce-id'], row.id);
});

test('a message is ordered by its saga or operation, unless it names another key', () => {
  assert.is(busMessage(outgoing, 'campaign', runtime).key, 's');
  const byItem = busMessage({ ...outgoing, key: 'item-7' }, 'campaign', runtime);
  assert.is(byItem.key, 'item-7');
  const { envelope } = received({ ...byItem, publishedAt: runtime.now() });
  assert.is(envelope.correlationId, 's', 'what it belongs to stays the same');
  assert.is(toOutboxRow({ ...outgoing, key: 's' }, runtime).props.r, undefined, 'and is kept once');
});

test('a message keeps the trace of its cause, with a span of its own', () => {
  const cause = received(deliver()).envelope;
  const { envelope } = received({ ...deliver(), ...busMessage({ ...outgoing, cause }, 'partner', runtime) });
  assert.match(envelope.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  assert.is(envelope.traceparent.slice(0, 36), cause.traceparent.slice(0, 36));
  assert.is.not(envelope.traceparent, cause.traceparent);
  assert.is(envelope.causationId, cause.id);
});

test('a message that no message caused is a span of the request that did', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
  const { properties } = busMessage({ ...outgoing, traceparent }, 'bff', runtime);
  assert.match(properties.traceparent ?? '', /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad)[0-9a-f]{16}-00$/);
});

test('a body that is not what its schema says is a fault of a message whose envelope is known', () => {
  const { envelope, body, fault } = received({ ...deliver(), payload: Buffer.from([0xff, 0xff, 0xff]) });
  assert.is(envelope.correlationId, 's');
  assert.is(body, undefined);
  assert.is(fault?.kind, 'undecodable');
});

test('a schema that was never published is a fault', () => {
  const delivery = deliver({ 'ce-dataschema': 'partner/CancelarPartner/v9.9#0123456789abcdef' });
  assert.is(received(delivery).fault?.kind, 'undecodable');
});

for (const [what, properties] of Object.entries({
  'no id': { 'ce-id': '' },
  'an id that is no UUID': { 'ce-id': 'x' },
  'no idempotency key': { idempotencykey: '' },
  'no saga': { correlationid: '' },
  'no subject': { 'ce-subject': '' },
  'an enormous idempotency key': { idempotencykey: 'k'.repeat(5_000) },
  'a NUL in the idempotency key': { idempotencykey: 'a\0b' },
  'a lone surrogate in the subject': { 'ce-subject': '\ud800' },
}))
  test(`a message with ${what} cannot be read`, () => {
    assert.is(decode(deliver(properties), contracts.CancelarPartner).readable, false);
  });

test('a message of a topic that is not read cannot be read', () => {
  assert.is(decode(deliver(), undefined).readable, false);
});

test('what an answer does not need may be missing', () => {
  const { envelope, fault } = received(
    deliver({ 'ce-time': 'never', causationid: 'x', traceparent: 'x', requesthash: 'a\0' }),
  );
  assert.is(fault, undefined);
  assert.not.ok(Number.isNaN(envelope.time.getTime()));
  assert.is(envelope.causationId, envelope.id);
  assert.is(envelope.traceparent, newTrace(envelope.id));
  assert.is(envelope.requestHash, '');
});

test.run();
