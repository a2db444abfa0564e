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

/**
 * The other end of a pg client's socket: a PGlite in this process, which speaks the wire protocol. So both databases
 * have one client, with its pipelining, named statements, errors and types.
 *
 * What is written in one turn of the event loop is answered in a later one, at once: PGlite runs a statement on this
 * thread, and sockets and timers must get their turn between two flights.
 */
export class PGliteSocket extends Duplex {
  readonly #database: PGlite;
  #pending: Buffer[] = [];
  #scheduled: NodeJS.Immediate | undefined;

  constructor(database: PGlite) {
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
    this.#scheduled ??= setImmediate(() => this.#answer());
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

  #answer(): void {
    this.#scheduled = undefined;
    const sent = Buffer.concat(this.#pending);
    this.#pending = [];
    const answers: Buffer[] = [];
    try {
      for (const run of runs(sent)) {
        // It calls back before it returns, and rejects only when PGlite itself fails.
        this.#database
          .execProtocolRawStream(run, {
            syncToFs: false,
            onRawData: (bytes) => answers.push(Buffer.from(bytes)),
          })
          .catch((error: Error) => this.destroy(error));
      }
    } catch (error) {
      this.destroy(error as Error);
      return;
    }
    if (answers.length > 0) this.push(Buffer.concat(answers));
  }
}
