import type { Contract } from '@cordada/schemas';

/**
 * What concerns a message and not the business, after CloudEvents 1.0. On the wire these are its properties:
 * `ce-id`, `ce-type` (`cordada.<owner>.<Contract>`, or what `cloud-events-types.ts` declares), `ce-source` (`/cordada/<service>`), `ce-time` (RFC 3339),
 * `ce-specversion`, `ce-subject`, `ce-dataschema` (`<owner>/<Contract>/v<major>.<minor>#<fingerprint>`),
 * `correlationid`, `causationid`, `idempotencykey`, `traceparent`, and `requesthash` where a request had one.
 */
export interface Envelope {
  /** UUIDv7 of this publication; a repeated one (a re-sent command) has a new id and the same idempotency key. */
  readonly id: string;
  readonly contract: string;
  readonly source: string;
  readonly time: Date;
  /** The id of the entity that the message is about. */
  readonly subject: string;
  /** The saga or operation: the ordering key of the bus too, where its emitter named no other one. */
  readonly correlationId: string;
  /** The id of the message that caused this one; its own id at the start of a chain. */
  readonly causationId: string;
  /** What makes two publications the same message. A command's and its undo's is `<saga>/<step>/<item>`. */
  readonly idempotencyKey: string;
  /** W3C Trace Context; that of a new trace, named after `id`, where the message came without one. */
  readonly traceparent: string;
  /** SHA-256 of the HTTP request's body that began the chain, base64url; empty elsewhere. */
  readonly requestHash: string;
}

/** Why a message cannot be handled, for good: the same message would fail again. */
export interface Fault {
  /** `undecodable`: the payload is not what its schema says; `failed`: handling it threw. */
  readonly kind: 'undecodable' | 'failed';
  readonly cause: string;
}

/** A message that a service received. `body` is undefined only when `fault` is set. */
export interface Received<Body = unknown> {
  readonly envelope: Envelope;
  readonly body: Body;
  /** Set when the message cannot be handled and its contract answers for that with a failure event. */
  readonly fault?: Fault;
}

/** A message to publish; the pipeline gives it its id, time, source and trace. */
export interface Outgoing<Body = unknown> {
  readonly contract: Contract<Body>;
  readonly body: Body;
  readonly correlationId: string;
  /**
   * What orders it on the bus, where that is not the saga or operation but, say, the item that many operations are
   * about: of one topic, messages of a key are handled in the order in which they were written.
   */
  readonly key?: string;
  readonly subject: string;
  readonly idempotencyKey: string;
  /** The message that caused it. */
  readonly cause?: Envelope;
  /** That of the request which caused it, where no message did. */
  readonly traceparent?: string;
  /** `body` as the contract encodes it, where that is at hand. */
  readonly payload?: Uint8Array | undefined;
  /** Its id, a UUIDv7, for who must know it beforehand; the pipeline makes one otherwise. */
  readonly id?: string;
  readonly requestHash?: string;
}

/** Whether a command came from outside any saga: its outcome is an operation, not a step. */
export const isDirect = (envelope: Envelope): boolean => envelope.idempotencyKey === envelope.correlationId;
