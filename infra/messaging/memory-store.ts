import type { AuditEntry } from './audit.ts';
import type { Operation } from './operations.ts';
import {
  type AnsweredRequest,
  type Claim,
  type FaultClass,
  type HeldMessage,
  KEY_IS_HELD,
  type LeaseRow,
  type MessagingStore,
  type OutboxRow,
  type Unpublished,
} from './store.ts';

/** A table by its primary key. Rows are replaced, never changed in place: rolling back puts the old ones back. */
export interface MemoryTable<V> {
  readonly size: number;
  get(key: string): V | undefined;
  has(key: string): boolean;
  set(key: string, row: V): void;
  /** @throws MemoryFault 23505 when the key is taken, as a plain INSERT does */
  insert(key: string, row: V): void;
  delete(key: string): boolean;
  /** In insertion order. */
  values(): IterableIterator<V>;
  entries(): IterableIterator<[string, V]>;
}

export interface MemoryTransaction {
  table<V>(name: string): MemoryTable<V>;
  /** The next number of an identity column; like Postgres's it is not given back by a rollback. */
  nextNumber(sequence: string): number;
}

/** An error with a SQLSTATE, as a database answers it. */
export class MemoryFault extends Error {
  override readonly name = 'MemoryFault';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Where a transaction does I/O: before it begins, before it commits, and after that, before its client reads so.
 * A rejection is what the client sees (after `answer` the transaction stays committed); one that never settles is a
 * client that crashed (see `abort`).
 */
export type MemoryIo = (point: 'begin' | 'commit' | 'answer') => Promise<void>;

interface Open {
  over: boolean;
  readonly client: MemoryDatabase;
  readonly undo: (() => void)[];
}

/** What all clients of a database share. */
interface Server {
  readonly tables: Map<string, Map<string, unknown>>;
  readonly sequences: Map<string, number>;
  open: Open | undefined;
  waiting: { readonly client: MemoryDatabase; readonly enter: () => void }[];
}

/** Tables in memory with all-or-nothing transactions, one at a time: what the simulation's first level runs on. */
export class MemoryDatabase {
  readonly #server: Server;
  readonly #io: MemoryIo;

  /** @param other a client of the same tables; new ones where there is none */
  constructor(io: MemoryIo = async () => {}, other?: MemoryDatabase) {
    this.#io = io;
    this.#server = other
      ? other.#server
      : { tables: new Map(), sequences: new Map(), open: undefined, waiting: [] };
  }

  /** Commits when `work` resolves, rolls back when it rejects. */
  async transaction<R>(work: (tx: MemoryTransaction) => Promise<R>): Promise<R> {
    while (this.#server.open)
      await new Promise<void>((enter) => this.#server.waiting.push({ client: this, enter }));
    const open: Open = { over: false, client: this, undo: [] };
    this.#server.open = open;
    let result: R;
    try {
      await this.#io('begin');
      result = await work(this.#handle(open));
      await this.#io('commit');
    } catch (error) {
      this.#rollback(open);
      throw error;
    }
    if (open.over) throw new MemoryFault('08006', 'the connection was lost');
    this.#end(open);
    await this.#io('answer');
    return result;
  }

  /** What a server does when this client dies: rolls back what it has open. What waits for its turn never gets it. */
  abort(): void {
    this.#server.waiting = this.#server.waiting.filter(({ client }) => client !== this);
    if (this.#server.open?.client === this) this.#rollback(this.#server.open);
  }

  /** What a server does when this client leaves a transaction idle for too long. Its client finds it over. */
  endIdle(): void {
    if (this.#server.open?.client === this) this.#rollback(this.#server.open);
  }

  #rollback(open: Open): void {
    if (open.over) return;
    for (const undo of open.undo.reverse()) undo();
    this.#end(open);
  }

  #end(open: Open): void {
    open.over = true;
    if (this.#server.open === open) this.#server.open = undefined;
    this.#server.waiting.shift()?.enter();
  }

  #handle(open: Open): MemoryTransaction {
    const { tables, sequences } = this.#server;
    const mine = (): void => {
      if (open.over) throw new MemoryFault('08006', 'the transaction is over');
    };
    return {
      table: <V>(name: string) => {
        const rows = (tables.get(name) ?? new Map<string, unknown>()) as Map<string, V>;
        tables.set(name, rows);
        return tableOf(name, rows, open, mine);
      },
      nextNumber: (sequence) => {
        mine();
        const next = (sequences.get(sequence) ?? 0) + 1;
        sequences.set(sequence, next);
        return next;
      },
    };
  }
}

function tableOf<V>(name: string, rows: Map<string, V>, open: Open, mine: () => void): MemoryTable<V> {
  const remember = (key: string): void => {
    mine();
    const before = rows.get(key);
    const existed = rows.has(key);
    open.undo.push(() => (existed ? rows.set(key, before as V) : rows.delete(key)));
  };
  const read = (): Map<string, V> => {
    mine();
    return rows;
  };
  const set = (key: string, row: V): void => {
    remember(key);
    rows.set(key, row);
  };
  return {
    get size() {
      return read().size;
    },
    get: (key) => read().get(key),
    has: (key) => read().has(key),
    values: () => read().values(),
    entries: () => read().entries(),
    set,
    insert(key, row) {
      if (read().has(key)) throw new MemoryFault('23505', `duplicate key ${key} in ${name}`);
      set(key, row);
    },
    delete(key) {
      remember(key);
      return rows.delete(key);
    },
  };
}

/** As the SQL store classifies: 23505 is a concurrent winner, class 08 a lost connection. */
const classify = (error: unknown): FaultClass => {
  if (!(error instanceof MemoryFault)) return 'permanent';
  if (error.code === '23505') return 'conflict';
  if (error.code === KEY_IS_HELD) return 'held';
  return /^(08|40|53|57)/.test(error.code) ? 'transient' : 'permanent';
};

/** JSON of both: no separator that one of them could hold. */
const pair = (subscription: string, key: string): string => JSON.stringify([subscription, key]);

/** The pipeline's tables in memory. */
export function memoryStore(database: MemoryDatabase): MessagingStore<MemoryTransaction> {
  type Tx = MemoryTransaction;
  const inbox = (tx: Tx) => tx.table<Claim & { readonly at: Date }>('inbox');
  const outbox = (tx: Tx) => tx.table<OutboxRow>('outbox');
  const lease = (tx: Tx) => tx.table<LeaseRow>('relay_lease');
  const parked = (tx: Tx) => tx.table<Pick<Unpublished, 'seq' | 'reason' | 'at'>>('outbox_parked');
  const unpublished = (tx: Tx, row: Pick<Unpublished, 'seq' | 'reason' | 'at'>): Unpublished | undefined => {
    const { topic, key, id } = outbox(tx).get(String(row.seq)) ?? {};
    return topic === undefined || key === undefined || id === undefined
      ? undefined
      : { ...row, topic, key, id };
  };
  const heldKeys = (tx: Tx) => tx.table<true>('held_key');
  const held = (tx: Tx) => tx.table<HeldMessage>('held_message');
  const operations = (tx: Tx) => tx.table<Operation>('operation');
  const requests = (tx: Tx) => tx.table<AnsweredRequest>('request');
  const audit = (tx: Tx) => tx.table<AuditEntry & { readonly id: number }>('audit');
  const ofKey = (tx: Tx, subscription: string, key: string): HeldMessage[] =>
    [...held(tx).values()]
      .filter((m) => m.subscription === subscription && m.key === key)
      .sort((a, b) => a.id - b.id);

  return {
    transaction: (work) => database.transaction(work),
    classify,

    async lockHeldKeys(tx, subscription, keys) {
      return new Set(keys.filter((key) => heldKeys(tx).has(pair(subscription, key))));
    },
    refuseHeldKeys(tx, subscription, keys) {
      for (const key of keys)
        if (heldKeys(tx).has(pair(subscription, key)))
          throw new MemoryFault(KEY_IS_HELD, `the key ${key} is held`);
    },
    async claims(tx, subscription, keys) {
      const found = keys.map((key) => inbox(tx).get(pair(subscription, key)));
      return new Map(found.flatMap((claim) => (claim ? [[claim.key, claim]] : [])));
    },
    insertClaims(tx, subscription, claims, at) {
      for (const claim of claims) inbox(tx).insert(pair(subscription, claim.key), { ...claim, at });
    },

    async enqueue(tx, rows) {
      return rows.map((row) => {
        const seq = tx.nextNumber('outbox');
        outbox(tx).insert(String(seq), { ...row, seq });
        return seq;
      });
    },
    sweep(limit, exceptKeys, exceptSeqs = []) {
      const except = new Set(exceptKeys);
      const known = new Set(exceptSeqs);
      return database.transaction(async (tx) => {
        const rows = [...outbox(tx).values()].filter((row) => !except.has(row.key) && !known.has(row.seq));
        return rows.sort((a, b) => a.seq - b.seq).slice(0, limit);
      });
    },
    oldestUnpublished: () =>
      database.transaction(async (tx) => {
        const keys = new Set([...parked(tx).values()].map(({ seq }) => outbox(tx).get(String(seq))?.key));
        const rows = [...outbox(tx).values()].filter(({ key }) => !keys.has(key));
        return rows.sort((a, b) => a.seq - b.seq)[0]?.props.t;
      }),
    deletePublished: (seqs) =>
      database.transaction(async (tx) => {
        for (const seq of seqs) outbox(tx).delete(String(seq));
      }),

    lease: () => database.transaction(async (tx) => lease(tx).get('')),
    takeLease: (owner, lastsMs, seen) =>
      database.transaction(async (tx) => {
        const now = lease(tx).get('');
        if (now?.token !== seen?.token || now?.renewals !== seen?.renewals || now?.owner !== seen?.owner)
          return undefined;
        const token = (now?.token ?? 0) + 1;
        lease(tx).set('', { owner, token, renewals: 0, lastsMs });
        return token;
      }),
    renewLease: (owner, token) =>
      database.transaction(async (tx) => {
        const now = lease(tx).get('');
        if (now?.owner !== owner || now.token !== token) return false;
        lease(tx).set('', { ...now, renewals: now.renewals + 1 });
        return true;
      }),
    releaseLease: (owner, token) =>
      database.transaction(async (tx) => {
        const now = lease(tx).get('');
        if (now?.owner === owner && now.token === token) lease(tx).set('', { ...now, owner: '' });
      }),

    recordParked: (seq, reason, at) =>
      database.transaction(async (tx) => {
        for (const key of [...parked(tx).entries()].map(([known]) => known))
          if (!outbox(tx).has(key)) parked(tx).delete(key);
        parked(tx).set(String(seq), { seq, reason, at });
      }),
    parkedSeqs: () => database.transaction(async (tx) => [...parked(tx).values()].map(({ seq }) => seq)),
    listParked: ({ after, limit }) =>
      database.transaction(async (tx) =>
        [...parked(tx).values()]
          .filter(({ seq }) => seq > after)
          .sort((a, b) => a.seq - b.seq)
          .flatMap((row) => unpublished(tx, row) ?? [])
          .slice(0, limit),
      ),
    async lockParked(tx, seq) {
      const row = parked(tx).get(String(seq));
      return row && unpublished(tx, row);
    },
    freeParked(tx, seq) {
      parked(tx).delete(String(seq));
    },
    dropUnpublished(tx, seq) {
      outbox(tx).delete(String(seq));
    },

    hold(tx, messages) {
      for (const message of messages) {
        heldKeys(tx).set(pair(message.subscription, message.key), true);
        const id = tx.nextNumber('held_message');
        held(tx).insert(String(id), { ...message, id });
      }
    },
    dueHeldKeys: (subscription, now, limit, except) =>
      database.transaction(async (tx) => {
        const heads = new Map<string, HeldMessage>();
        for (const message of held(tx).values()) {
          if (message.subscription !== subscription || except.includes(message.key)) continue;
          const head = heads.get(message.key);
          if (!head || message.id < head.id) heads.set(message.key, message);
        }
        const due = [...heads.values()].filter((head) => head.state !== 'PARKED' && head.nextAt <= now);
        return due
          .sort((a, b) => a.nextAt.getTime() - b.nextAt.getTime() || a.id - b.id)
          .slice(0, limit)
          .map((head) => head.key);
      }),
    async heldHead(tx, subscription, key) {
      return ofKey(tx, subscription, key)[0];
    },
    async heldById(tx, id) {
      return held(tx).get(String(id));
    },
    releaseHeld(tx, { id, subscription, key }) {
      held(tx).delete(String(id));
      if (ofKey(tx, subscription, key).length === 0) heldKeys(tx).delete(pair(subscription, key));
    },
    updateHeld(tx, message) {
      held(tx).set(String(message.id), message);
    },
    listHeld: ({ after, limit, state }) =>
      database.transaction(async (tx) => {
        const found = [...held(tx).values()].filter(
          (m) => m.id > after && (state === undefined || m.state === state),
        );
        return found.sort((a, b) => a.id - b.id).slice(0, limit);
      }),
    countHeld: () =>
      database.transaction(async (tx) => ({
        held: held(tx).size,
        parked: [...held(tx).values()].filter((message) => message.state === 'PARKED').length,
      })),

    insertOperations(tx, rows) {
      for (const row of rows) operations(tx).insert(row.id, row);
    },
    operation: async (id, tx) =>
      tx ? operations(tx).get(id) : database.transaction(async (own) => operations(own).get(id)),

    // Transactions are one at a time: nobody else has it.
    lockRequest: async () => true,
    async request(tx, id) {
      return requests(tx).get(id);
    },
    insertRequest(tx, request) {
      requests(tx).insert(request.id, request);
    },

    insertAudit(tx, entry) {
      const id = tx.nextNumber('audit');
      audit(tx).insert(String(id), { ...entry, id });
    },
    listAudit: ({ before = Number.POSITIVE_INFINITY, limit }) =>
      database.transaction(async (tx) => {
        const found = [...audit(tx).values()].filter((entry) => entry.id < before);
        return found.sort((a, b) => b.id - a.id).slice(0, limit);
      }),
  };
}
