import type { AuditEntry } from './audit.ts';
import type { Operation } from './operations.ts';

/** The answer to a command, as it was encoded. */
export interface StoredReply {
  /** The reply's contract, by name. */
  readonly contract: string;
  /** Of the schema that wrote it. */
  readonly fingerprint: string;
  readonly payload: Uint8Array;
}

/** That a message has been handled, or (tombstone) never will be. */
export interface Claim {
  /** The message's idempotency key. */
  readonly key: string;
  readonly tombstone: boolean;
  /** Absent for an event: nobody waits for an answer. */
  readonly reply?: StoredReply | undefined;
}

/** What the outbox keeps of a message beside topic, key and id: all else is rebuilt from those (see wire.ts). */
export interface SlimProperties {
  /** Epoch milliseconds. */
  readonly t: number;
  /** `<major>.<minor>#<fingerprint>` */
  readonly v: string;
  /** Idempotency key. */
  readonly k: string;
  /** Subject. */
  readonly s: string;
  readonly p: string;
  /** Correlation id; absent where it is the key. */
  readonly r?: string;
  /** Causation id; absent where it is the message's own. */
  readonly c?: string;
  readonly h?: string;
}

/** A message on its way to the outbox. */
export interface NewOutboxRow {
  readonly topic: string;
  readonly key: string;
  readonly id: string;
  readonly props: SlimProperties;
  readonly payload: Uint8Array;
}

/** A committed message that is not known to be durable on the bus. */
export interface OutboxRow extends NewOutboxRow {
  /** Orders the rows of one key. */
  readonly seq: number;
}

/** Which process publishes the outbox of a database (see lease.ts). */
export interface LeaseRow {
  /** Empty where it was given back. */
  readonly owner: string;
  /** Grows with each change of hands. */
  readonly token: number;
  /** How often its holder has renewed it. */
  readonly renewals: number;
  /** Milliseconds for which a renewal is good. */
  readonly lastsMs: number;
}

/**
 * - `RETRYING`: tried again at `nextAt`, once it is the oldest of its key.
 * - `PARKED`: waits for an operator.
 * - `RELEASED`: an operator had it tried again; it is tried whatever its age.
 */
export type HeldState = 'RETRYING' | 'PARKED' | 'RELEASED';

/** A message that could not be handled, or that waits behind one of its key, as it came from the bus. */
export interface NewHeld {
  readonly subscription: string;
  /** What it blocks (see `heldKeyOf`). */
  readonly key: string;
  readonly topic: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
  /** Epoch milliseconds. */
  readonly publishedAt: number;
  readonly cause: string;
  readonly attempts: number;
  readonly state: HeldState;
  readonly nextAt: Date;
  readonly heldAt: Date;
}

export interface HeldMessage extends NewHeld {
  /** In the order of holding. */
  readonly id: number;
}

/** A request that its client may send again under its `Idempotency-Key`. */
export interface KeyedRequest {
  /** UUID: the same for the same caller, route and key. */
  readonly id: string;
  /** Of what it asks for. */
  readonly hash: string;
}

/** A request that took effect, and what was answered. One that was refused changed nothing, and is not remembered. */
export interface AnsweredRequest extends KeyedRequest {
  /** JSON, as it was answered. */
  readonly answer: string;
  readonly at: Date;
}

/** A message of the outbox that the bus refuses. It and the later ones of its key are not published. */
export interface Unpublished {
  /** In the order of the outbox. */
  readonly seq: number;
  readonly topic: string;
  readonly key: string;
  /** Of the message. */
  readonly id: string;
  /** Why, as the bus says it. */
  readonly reason: string;
  readonly at: Date;
}

/**
 * - `transient`: the same work may well succeed later (the database is away, a deadlock).
 * - `conflict`: a concurrent transaction won a unique key: the work sees its row when it runs again.
 * - `held`: `refuseHeldKeys` has met a key that is held.
 * - `permanent`: the same work fails again.
 */
export type FaultClass = 'transient' | 'conflict' | 'held' | 'permanent';

/** The SQLSTATE that `refuseHeldKeys` fails with: one of our own (migrations/). */
export const KEY_IS_HELD = 'HK001';

/**
 * The tables of the pipeline. `Tx` is the transaction that the service's own state is written in, too.
 * A method that answers void only sends a write: its failure fails the transaction's commit.
 */
export interface MessagingStore<Tx> {
  /** Commits when `work` resolves and rolls back when it rejects. Never retries. */
  transaction<R>(work: (tx: Tx) => Promise<R>): Promise<R>;
  classify(error: unknown): FaultClass;

  /** Which of `keys` are held, their rows locked in key order. */
  lockHeldKeys(tx: Tx, subscription: string, keys: readonly string[]): Promise<ReadonlySet<string>>;
  /** Fails the transaction (`held`) where one of `keys` is held; waits for who has it locked, as `lockHeldKeys` does. */
  refuseHeldKeys(tx: Tx, subscription: string, keys: readonly string[]): void;
  claims(tx: Tx, subscription: string, keys: readonly string[]): Promise<ReadonlyMap<string, Claim>>;
  /** A plain insert: a claim that exists already fails the transaction (`conflict`). */
  insertClaims(tx: Tx, subscription: string, claims: readonly Claim[], at: Date): void;

  /** @returns the rows' seqs in their order; to be awaited only after the commit */
  enqueue(tx: Tx, rows: readonly NewOutboxRow[]): Promise<readonly number[]>;
  /**
   * The lowest rows that exist, in seq order, as one snapshot, without those of `exceptKeys`.
   * @param exceptSeqs rows that need not be read again
   */
  sweep(limit: number, exceptKeys: readonly string[], exceptSeqs?: Iterable<number>): Promise<OutboxRow[]>;
  /** When the oldest row was written that waits for no operator, epoch milliseconds; undefined where there is none. */
  oldestUnpublished(): Promise<number | undefined>;
  /** Deletes rows that are durable. A crash may undo it: it only duplicates then. */
  deletePublished(seqs: readonly number[]): Promise<void>;

  /** Undefined where nobody has ever held it. */
  lease(): Promise<LeaseRow | undefined>;
  /**
   * Takes the lease if it still stands as it was `seen`.
   * @returns its new token; undefined where somebody else was first, or has renewed it
   */
  takeLease(owner: string, lastsMs: number, seen: LeaseRow | undefined): Promise<number | undefined>;
  /** @returns whether it is still its owner's */
  renewLease(owner: string, token: number): Promise<boolean>;
  releaseLease(owner: string, token: number): Promise<void>;

  /** Writes down that the bus refuses a row of the outbox; what was written of rows that are gone goes. */
  recordParked(seq: number, reason: string, at: Date): Promise<void>;
  /** The seqs that are written down so. */
  parkedSeqs(): Promise<readonly number[]>;
  /** The rows of the outbox that the bus refuses, in order, after the seq `after`. */
  listParked(page: { readonly after: number; readonly limit: number }): Promise<Unpublished[]>;
  /** One of them, locked. */
  lockParked(tx: Tx, seq: number): Promise<Unpublished | undefined>;
  freeParked(tx: Tx, seq: number): void;
  /** Deletes a row of the outbox that is not published. */
  dropUnpublished(tx: Tx, seq: number): void;

  /** Appends to the keys' queues in the order given, and blocks the keys. */
  hold(tx: Tx, messages: readonly NewHeld[]): void;
  /** Keys, those of `except` left out, whose oldest message is due, not parked; the longest due first. */
  dueHeldKeys(
    subscription: string,
    now: Date,
    limit: number,
    except: readonly string[],
  ): Promise<readonly string[]>;
  /** The oldest message of a key; undefined where none is left. */
  heldHead(tx: Tx, subscription: string, key: string): Promise<HeldMessage | undefined>;
  heldById(tx: Tx, id: number): Promise<HeldMessage | undefined>;
  /** Deletes the message, and unblocks its key where none is left. The key's row must be locked. */
  releaseHeld(tx: Tx, message: HeldMessage): void;
  updateHeld(tx: Tx, message: HeldMessage): void;
  /** Oldest first, after the id `after`. */
  listHeld(filter: {
    readonly after: number;
    readonly limit: number;
    readonly state?: HeldState;
  }): Promise<HeldMessage[]>;
  countHeld(): Promise<{ readonly held: number; readonly parked: number }>;

  insertOperations(tx: Tx, operations: readonly Operation[]): void;
  /** @param tx the transaction that it is read in, where there is one: on PGlite nothing may be read beside it */
  operation(id: string, tx?: Tx): Promise<Operation | undefined>;

  /** Keeps a request's key to this transaction until it ends; false where another one has it. Never waits. */
  lockRequest(tx: Tx, id: string): Promise<boolean>;
  request(tx: Tx, id: string): Promise<AnsweredRequest | undefined>;
  insertRequest(tx: Tx, request: AnsweredRequest): void;

  insertAudit(tx: Tx, entry: AuditEntry): void;
  /** Newest first, before the id `before` where it is given. */
  listAudit(page: {
    readonly before?: number;
    readonly limit: number;
  }): Promise<(AuditEntry & { readonly id: number })[]>;
}
