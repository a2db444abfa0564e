/** One version of one message, as the code of this release writes and reads it. */
export interface Contract<Body> {
  /** The record's name, e.g. `PartnerRegistrado`; followed by `V<major>` from the second major on. */
  readonly name: string;
  /** Who owns the topic: the receiver of a command, the emitter of an event. */
  readonly owner: string;
  /** `<major>.<minor>` of the newest schema, which this contract writes. */
  readonly version: string;
  /** `<owner>/<Contract>.v<major>` */
  readonly topic: string;
  /** CRC-64-AVRO of the schema's parsing canonical form, 16 hex digits. */
  readonly fingerprint: string;
  /** Every published schema of this major as JSON, the oldest first. */
  readonly schemas: readonly string[];
  /** @throws ContractError naming the field when `body` is not what the schema says */
  encode(body: Body): Buffer;
  /**
   * Reads a payload written with the schema of `fingerprint` (any that was ever published; the newest where absent).
   * @throws ContractError when the bytes are not such a record or exceed the bounds
   */
  decode(payload: Uint8Array, fingerprint?: string): Body;
  /** Phantom: the body's type. */
  readonly Body?: Body;
}

/** A payload or a value that is not what its contract says. */
export class ContractError extends Error {
  override readonly name = 'ContractError';
}

/** The body of a contract: `BodyOf<typeof contracts.PartnerRegistrado>`. */
export type BodyOf<C> = C extends Contract<infer Body> ? Body : never;
