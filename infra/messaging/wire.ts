/// <reference lib="es2024.string" />
import type { Contract } from '@cordada/schemas';
import type { BusMessage, Delivery } from '../bus/bus.ts';
import type { Runtime } from '../runtime.ts';
import { isTraceparent, newTrace, nextSpan, spanWithin } from '../telemetry/trace-context.ts';
import { UUID_TEXT } from '../uuid-text.ts';
import { cloudEventsTypes } from './cloud-events-types.ts';
import type { Envelope, Fault, Outgoing, Received } from './message.ts';
import type { NewOutboxRow, OutboxRow, SlimProperties } from './store.ts';

// biome-ignore lint/suspicious/noExplicitAny: contracts of many bodies stand in one list
export type AnyContract = Contract<any>;

/** Longer values in a property are no message of ours; index rows of Postgres end at about 2700 bytes. */
const MAX_PROPERTY_CHARS = 1024;
const UUID = new RegExp(`^${UUID_TEXT}$`);
const TOPIC = /^([^/]+)\/(.+)\.v\d+$/;

/** A message as the outbox keeps it. It gets its id, its time and a span of its own in the trace of its cause. */
export function toOutboxRow(outgoing: Outgoing, runtime: Pick<Runtime, 'now' | 'uuid'>): NewOutboxRow {
  const { contract, cause, requestHash } = outgoing;
  const id = outgoing.id ?? runtime.uuid();
  const props: { -readonly [P in keyof SlimProperties]: SlimProperties[P] } = {
    t: runtime.now(),
    v: versionOf(contract),
    k: outgoing.idempotencyKey,
    s: outgoing.subject,
    p: cause ? spanWithin(cause.traceparent, id) : nextSpan(outgoing.traceparent ?? '', id),
  };
  const key = outgoing.key ?? outgoing.correlationId;
  if (key !== outgoing.correlationId) props.r = outgoing.correlationId;
  if (cause) props.c = cause.id;
  if (requestHash) props.h = requestHash;
  const payload = outgoing.payload ?? contract.encode(outgoing.body);
  return { topic: contract.topic, key, id, props, payload };
}

const versionTexts = new Map<AnyContract, string>();
/** `<major>.<minor>#<fingerprint>`: one string for all messages of a contract, so that it is hashed once. */
const versionOf = (contract: AnyContract): string => {
  const known = versionTexts.get(contract);
  if (known !== undefined) return known;
  const text = `${contract.version}#${contract.fingerprint}`;
  versionTexts.set(contract, text);
  return text;
};

/** What follows from a message's topic and from the schema that wrote it; there are as many as published schemas. */
interface Kind {
  readonly type: string;
  readonly dataschema: string;
}
const kinds = new Map<string, Map<string, Kind>>();

/** @param v `<major>.<minor>#<fingerprint>` */
const kindOf = (topic: string, v: string): Kind => {
  const known = kinds.get(topic)?.get(v);
  if (known) return known;
  const [, owner = '', contract = ''] = TOPIC.exec(topic) ?? [];
  const type = cloudEventsTypes.get(topic) ?? `cordada.${owner}.${contract}`;
  const kind = { type, dataschema: `${owner}/${contract}/v${v}` };
  const versions = kinds.get(topic) ?? new Map<string, Kind>();
  kinds.set(topic, versions.set(v, kind));
  return kind;
};

let lastInstant = Number.NaN;
let lastIso = '';
/** RFC 3339. Messages come in batches: most are of the same millisecond as the one before. */
const isoOf = (instant: number): string => {
  if (instant !== lastInstant) {
    lastIso = new Date(instant).toISOString();
    lastInstant = instant;
  }
  return lastIso;
};

/** The bus message that an outbox row stands for. @param service the emitter, the same for all rows of a database */
export function toBusMessage(
  { topic, key, id, props, payload }: NewOutboxRow | OutboxRow,
  service: string,
): BusMessage {
  const { type, dataschema } = kindOf(topic, props.v);
  const properties: Record<string, string> = {
    'ce-id': id,
    'ce-type': type,
    'ce-source': `/cordada/${service}`,
    'ce-time': isoOf(props.t),
    'ce-specversion': '1.0',
    'ce-subject': props.s,
    'ce-dataschema': dataschema,
    correlationid: props.r ?? key,
    causationid: props.c ?? id,
    idempotencykey: props.k,
    traceparent: props.p,
  };
  if (props.h !== undefined) properties.requesthash = props.h;
  return { topic, key, payload, properties };
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

/** What stands between the first `#` and the next, if there is one. */
const fingerprintOf = (dataschema: string | undefined): string | undefined => {
  const at = dataschema?.indexOf('#') ?? -1;
  if (dataschema === undefined || at < 0) return undefined;
  const next = dataschema.indexOf('#', at + 1);
  return dataschema.slice(at + 1, next < 0 ? undefined : next);
};

/** The envelope, as far as an answer needs it; else what is wrong with it. */
function envelopeOf({ properties, publishedAt }: Delivery, contract: AnyContract): Envelope | string {
  const id = textOf(properties['ce-id']);
  const subject = textOf(properties['ce-subject']);
  const correlationId = textOf(properties.correlationid);
  const idempotencyKey = textOf(properties.idempotencykey);
  const obstacle =
    obstacleIn('ce-id', id) ??
    obstacleIn('ce-subject', subject) ??
    obstacleIn('correlationid', correlationId) ??
    obstacleIn('idempotencykey', idempotencyKey);
  if (obstacle !== undefined) return obstacle;
  if (!UUID.test(id)) return 'the property ce-id is not a UUID';
  const time = Date.parse(textOf(properties['ce-time']));
  const causationId = textOf(properties.causationid);
  const requestHash = textOf(properties.requesthash);
  const traceparent = textOf(properties.traceparent);
  return {
    id,
    contract: contract.name,
    source: textOf(properties['ce-source']),
    time: new Date(Number.isNaN(time) ? publishedAt : time),
    subject,
    correlationId,
    causationId: UUID.test(causationId) ? causationId : id,
    idempotencyKey,
    // Without one its trace begins with it, and is the same for all who read it.
    traceparent: isTraceparent(traceparent) ? traceparent : newTrace(id),
    requestHash: isStorable(requestHash) ? requestHash : '',
  };
}

/** A property as it came from a transport: empty where it is missing. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : String(value);

const obstacleIn = (name: string, value: string): string | undefined => {
  if (value === '') return `the property ${name} is missing`;
  return isStorable(value) ? undefined : `the property ${name} is not readable`;
};

const isStorable = (text: string): boolean =>
  text.length <= MAX_PROPERTY_CHARS && !text.includes('\0') && text.isWellFormed();
