import type { Reply } from './capability.ts';
import type { Envelope } from './message.ts';

/**
 * How a command that belongs to no saga ended. It is written in the transaction of the command's effect, so that
 * whoever reads it sees what it tells of.
 */
export interface Operation {
  /** The command's idempotency key. */
  readonly id: string;
  readonly estado: 'PENDING' | 'DONE' | 'REJECTED';
  /** SHA-256 of the request's body, base64url: the same key with another body is refused by it. */
  readonly requestHash: string;
  /** The id of the command's message. */
  readonly message: string;
  /** The id of the entity, once it is DONE. */
  readonly recurso: string | null;
  readonly error: { readonly codigo: string; readonly motivo: string } | null;
  readonly created: Date;
}

/** The outcome that `reply` is for the direct command of `envelope`: a failure event carries `codigo` and `motivo`. */
export const operationOf = (envelope: Envelope, reply: Reply, now: Date): Operation => {
  const { codigo, motivo } = reply.body as { codigo?: unknown; motivo?: unknown };
  const rejected = typeof codigo === 'string';
  return {
    id: envelope.idempotencyKey,
    estado: rejected ? 'REJECTED' : 'DONE',
    requestHash: envelope.requestHash,
    message: envelope.id,
    recurso: rejected ? null : envelope.subject,
    error: rejected ? { codigo, motivo: String(motivo ?? '') } : null,
    created: now,
  };
};
