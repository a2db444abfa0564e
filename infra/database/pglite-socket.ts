import { Duplex } from 'node:stream';
import type { PGlite } from '@electric-sql/pglite';

const SYNC = 'S'.charCodeAt(0);
const SIMPLE_QUERY = 'Q'.charCodeAt(0);
const STARTUP = 0;

/** Where each run of messages ends that Postgres answers with ReadyForQuery. A startup packet is a run of its own. */
function* runs(sent: Buffer): Generator<Buffer> {
  let from = 0;
  let at = 0;
  while (at < sent.length) {
    const type = sent[at];
    at += type === STARTUP ? sent.readInt32BE(at) : 1 + sent.readInt32BE(at + 1);
    if (type !== SYNC && type !== SIMPLE_QUERY && type !== STARTUP && at < sent.length) continue;
    yield sent.subarray(from, at);
    from = at;
  }
}

/** What is asked of PGlite. */
export type WireProtocol = Pick<PGlite, 'execProtocolRawStream'>;

/**
 * The other end of a pg client's socket: a PGlite in this process, which speaks the wire protocol. So both databases
 * have one client, with its pipelining, named statements, errors and types.
 *
 * What is written in one turn of the event loop is answered in a later one, at once: PGlite runs a statement on this
 * thread, and sockets and timers must get their turn between two flights.
 */
export class PGliteSocket extends Duplex {
  readonly #database: WireProtocol;
  #pending: Buffer[] = [];
  #scheduled: NodeJS.Immediate | undefined;

  constructor(database: WireProtocol) {
    super();
    this.#database = database;
  }

  /** As `net.Socket` has it. */
  connect(): this {
    process.nextTick(() => this.emit('connect'));
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  override _read(): void {
    // Answers are pushed as they come.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#pending.push(chunk);
    this.#scheduled ??= setImmediate(() => void this.#answer());
    done();
  }

  override _final(done: () => void): void {
    this.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    done(error);
  }

  async #answer(): Promise<void> {
    this.#scheduled = undefined;
    const sent = Buffer.concat(this.#pending);
    this.#pending = [];
    const answers: Buffer[] = [];
    const onRawData = (bytes: Uint8Array): void => void answers.push(Buffer.from(bytes));
    try {
      // Each is over when it returns: these awaits end before another turn of the event loop begins. Nothing may run
      // after one that PGlite itself failed at: a write whose BEGIN failed would commit by itself.
      for (const run of runs(sent))
        await this.#database.execProtocolRawStream(run, { syncToFs: false, onRawData });
    } catch (error) {
      // To its clients a PGlite that has failed is a server that is gone: no statement is to blame.
      this.destroy(new Error(`Connection terminated: PGlite failed: ${String(error)}`, { cause: error }));
      return;
    }
    if (answers.length > 0) this.push(Buffer.concat(answers));
  }
}
