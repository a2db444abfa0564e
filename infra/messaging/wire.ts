import type { Contract } from '@cordada/schemas';
import type { BusMessage, Delivery } from '../bus/bus.ts';
import type { Runtime } from '../runtime.ts';
import type { Envelope, Fault, Outgoing, Received } from './message.ts';
import type { NewOutboxRow, OutboxRow } from './store.ts';
import { wellFormed } from './well-formed.ts';

// biome-ignore lint/suspicious/noExplicitAny: contracts of many bodies stand in one list
export type AnyContract = Contract<any>;

/** Longer values in a property are no message of ours; index rows of Postgres end at about 2700 bytes. */
const MAX_PROPERTY_CHARS = 1024;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TRACEPARENT = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/;
const TOPIC = /^([^/]+)\/(.+)\.v\d+$/;

/** A message as the outbox keeps it. It gets its id, its time and a span of its own in the trace of its cause. */
export function toOutboxRow(outgoing: Outgoing, runtime: Pick<Runtime, 'now' | 'uuid'>): NewOutboxRow {
  const { contract, cause } = outgoing;
  const id = outgoing.id ?? runtime.uuid();
  const requestHash = outgoing.requestHash ?? '';
  return {
    topic: contract.topic,
    key: outgoing.correlationId,
    id,
    props: {
      t: runtime.now(),
      v: `${contract.version}#${contract.fingerprint}`,
      k: outgoing.idempotencyKey,
      s: outgoing.subject,
      p: nextTraceparent(cause?.traceparent ?? '', id),
      ...(cause && { c: cause.id }),
      ...(requestHash !== '' && { h: requestHash }),
    },
    payload: contract.encode(outgoing.body),
  };
}

/** A new span of the cause's trace; a new trace where the cause has none. A UUIDv7 ends in 62 random bits. */
const nextTraceparent = (cause: string, id: string): string => {
  const hex = id.replaceAll('-', '');
  const [, trace = hex, flags = '01'] = TRACEPARENT.exec(cause) ?? [];
  return `00-${trace}-${hex.slice(16)}-${flags}`;
};

/** The bus message that an outbox row stands for. @param service the emitter, the same for all rows of a database */
export function toBusMessage(
  { topic, key, id, props, payload }: NewOutboxRow | OutboxRow,
  service: string,
): BusMessage {
  const [, owner = '', contract = ''] = TOPIC.exec(topic) ?? [];
  const [version, fingerprint] = props.v.split('#');
  return {
    topic,
    key,
    payload,
    properties: {
      'ce-id': id,
      'ce-type': `cordada.${owner}.${contract}`,
      'ce-source': `/cordada/${service}`,
      'ce-time': new Date(props.t).toISOString(),
      'ce-specversion': '1.0',
      'ce-subject': props.s,
      'ce-dataschema': `${owner}/${contract}/v${version}#${fingerprint}`,
      correlationid: key,
      causationid: props.c ?? id,
      idempotencykey: props.k,
      traceparent: props.p,
      ...(props.h !== undefined && { requesthash: props.h }),
    },
  };
}

/** A message that goes straight to the bus, by who keeps no state (the BFF). */
export const busMessage = (
  outgoing: Outgoing,
  service: string,
  runtime: Pick<Runtime, 'now' | 'uuid'>,
): BusMessage => toBusMessage(toOutboxRow(outgoing, runtime), service);

/** What a delivery turned out to be: a message whose envelope is known (its `fault` set where its body is not), or not even that. */
export type Decoded =
  | { readonly readable: true; readonly received: Received }
  | { readonly readable: false; readonly cause: string };

/**
 * Reads a delivery by its contract and the fingerprint of its writer's schema. Never throws: bytes are untrusted.
 * @param contract that of the delivery's topic
 */
export function decode(delivery: Delivery, contract: AnyContract | undefined): Decoded {
  if (!contract) return { readable: false, cause: `no contract is read from ${delivery.topic}` };
  const envelope = envelopeOf(delivery, contract);
  if (typeof envelope === 'string') return { readable: false, cause: envelope };
  try {
    const fingerprint = fingerprintOf(delivery.properties['ce-dataschema']);
    const body = contract.decode(delivery.payload, fingerprint);
    return { readable: true, received: { envelope, body } };
  } catch (error) {
    const fault: Fault = {
      kind: 'undecodable',
      cause: error instanceof Error ? error.message : String(error),
    };
    return { readable: true, received: { envelope, body: undefined, fault } };
  }
}

const fingerprintOf = (dataschema: string | undefined): string | undefined => dataschema?.split('#')[1];

/** The envelope, as far as an answer needs it; else what is wrong with it. */
function envelopeOf({ properties, publishedAt }: Delivery, contract: AnyContract): Envelope | string {
  const read = (name: string): string => (Object.hasOwn(properties, name) ? String(properties[name]) : '');
  for (const name of ['ce-id', 'ce-subject', 'correlationid', 'idempotencykey']) {
    const value = read(name);
    if (value === '') return `the property ${name} is missing`;
    if (!isStorable(value)) return `the property ${name} is not readable`;
  }
  const id = read('ce-id');
  if (!UUID.test(id)) return 'the property ce-id is not a UUID';
  const time = new Date(read('ce-time'));
  const causationId = read('causationid');
  const requestHash = read('requesthash');
  const traceparent = read('traceparent');
  return {
    id,
    contract: contract.name,
    source: read('ce-source'),
    time: Number.isNaN(time.getTime()) ? new Date(publishedAt) : time,
    subject: read('ce-subject'),
    correlationId: read('correlationid'),
    causationId: UUID.test(causationId) ? causationId : id,
    idempotencyKey: read('idempotencykey'),
    traceparent: TRACEPARENT.test(traceparent) ? traceparent : '',
    requestHash: isStorable(requestHash) ? requestHash : '',
  };
}

const isStorable = (text: string): boolean =>
  text.length <= MAX_PROPERTY_CHARS && !text.includes('\0') && wellFormed(text) === text;
