import type { Contract } from '@cordada/schemas';
import type { Envelope, Fault, Received } from './message.ts';

/** The event that answers a command or an undo: its body and its contract; the pipeline addresses it. */
// biome-ignore lint/suspicious/noExplicitAny: replies of many contracts stand in one list
export interface Reply<Body = any> {
  readonly contract: Contract<Body>;
  readonly body: Body;
}

/** A business answer, typed by its contract. */
export const reply = <Body>(contract: Contract<Body>, body: Body): Reply<Body> => ({ contract, body });

/**
 * How a service reacts to one contract. `handle` is pure: it reads and changes `rows` in memory only, and throws only
 * before its first change.
 * - `command`: claimed once by its idempotency key; answers one event. When it cannot be handled `fail` answers
 *   (code `ERROR_INTERNO`), and a tombstone keeps it from ever taking effect.
 * - `undo`: decides by the entity's own row; where there is none the pipeline leaves a tombstone, so that a command
 *   that arrives after its undo has no effect. Answers one event. When it cannot be handled it is held.
 * - `retriable`: like a command, but cannot be refused; when it cannot be handled it is held.
 * - `event`: claimed once by its idempotency key; answers any number of events. When it cannot be handled it is held.
 */
export type Reaction<Rows, Body = unknown> =
  | {
      readonly kind: 'command';
      readonly contract: Contract<Body>;
      handle(rows: Rows, message: Received<Body>, now: Date): Reply;
      fail(envelope: Envelope, fault: Fault, now: Date): Reply;
    }
  | {
      readonly kind: 'undo' | 'retriable';
      readonly contract: Contract<Body>;
      handle(rows: Rows, message: Received<Body>, now: Date): Reply;
    }
  | {
      readonly kind: 'event';
      readonly contract: Contract<Body>;
      handle(
        rows: Rows,
        message: Received<Body>,
        now: Date,
      ): readonly (Reply & { readonly subject: string })[];
    };

/**
 * What a service can do, a batch at a time: reads the rows its messages need (locked in id order, set-based), decides
 * in memory, writes what changed (set-based). The consumer runs it for messages from the bus; a saga's coordinator
 * runs the same object for the steps of its own service, inside the saga's transaction.
 */
export interface Capability<Tx, Rows> {
  // biome-ignore lint/suspicious/noExplicitAny: each reaction has the body of its own contract
  readonly reactions: readonly Reaction<Rows, any>[];
  load(tx: Tx, messages: readonly Received[], now: Date): Promise<Rows>;
  write(tx: Tx, rows: Rows, now: Date): void;
}
