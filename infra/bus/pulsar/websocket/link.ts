import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type ClientOptions, type RawData, WebSocket } from 'ws';
import type { Cancel, Runtime } from '../../../runtime.ts';
import { LARGEST_FRAME_BYTES } from './frames.ts';

/** A connection that does not open within this is given up, in milliseconds. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** A ping is sent this often; where nothing came in between two of them the connection is half-open, and dropped. */
const PING_EVERY_MS = 10_000;

/** How long the broker may take to answer the closing of a connection, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000;

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 2_000;

/** How much of the page that the broker refuses a connection with is read for its reason. */
const LONGEST_REFUSAL = 4_096;

/** What every connection to one broker has in common. */
export interface LinkSettings {
  readonly runtime: Pick<Runtime, 'after' | 'random'>;
  /** TLS and headers. */
  readonly client: Pick<ClientOptions, 'headers' | 'ca' | 'cert' | 'key'>;
}

/** What becomes of one connection. */
export interface LinkOwner {
  /** Where to connect, asked before each attempt. */
  url(): string;
  opened(): void;
  received(frame: string): void;
  /**
   * The connection is gone, or could not be made; it is tried again. Nothing more comes of it.
   * @param reason one line
   * @param status the code that the broker closed it with (RFC 6455, 7.4), or the HTTP status that it was refused with
   */
  lost(reason: string, status?: number): void;
}

/** A connection that is made again, with backoff, until it is closed. */
export interface Link {
  readonly isOpen: boolean;
  /** Why it is not open, or undefined: it is, or its first attempt is under way. */
  readonly problem: string | undefined;
  /** Only while it is open. */
  send(frame: string): void;
  /** Stops reading, so that the broker has to stop sending, and goes on. A new connection reads. */
  pause(): void;
  resume(): void;
  /** Ends the connection at once and makes another. */
  drop(reason: string): void;
  /** Resolves when what was sent has reached the broker, or the connection is gone. */
  close(): Promise<void>;
}

/** Opens a connection to the WebSocket API of a broker. `owner` is told of each one that opens or fails. */
export const openLink = ({ runtime, client }: LinkSettings, owner: LinkOwner): Link => {
  let socket: WebSocket | undefined;
  let problem: string | undefined;
  let failures = 0;
  let isClosed = false;
  let closing: Promise<void> | undefined;
  /** Whether anything has come since the last ping. */
  let heard = true;
  let cancelTimer: Cancel = () => {};
  let whenGone: (() => void) | undefined;
  /** What the frames are written to; what is sent within one turn goes out in one write, which is most of its cost. */
  let wire: Socket | undefined;
  let isGathering = false;

  const send = (frame: string): void => {
    if (wire && !isGathering) {
      const gathering = wire;
      isGathering = true;
      gathering.cork();
      setImmediate(() => {
        isGathering = false;
        gathering.uncork();
      });
    }
    socket?.send(frame);
  };

  const connect = (): void => {
    let opening: WebSocket;
    try {
      opening = new WebSocket(owner.url(), {
        ...client,
        perMessageDeflate: false,
        skipUTF8Validation: true,
        handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        maxPayload: LARGEST_FRAME_BYTES,
      });
    } catch (error) {
      lose(error instanceof Error ? error.message : String(error));
      return;
    }
    socket = opening;
    const isCurrent = (): boolean => socket === opening;
    opening.on('upgrade', (response) => {
      if (isCurrent()) wire = response.socket;
    });
    opening.on('open', () => {
      if (!isCurrent()) return;
      problem = undefined;
      heard = true;
      watch(opening);
      owner.opened();
    });
    opening.on('message', (data: RawData) => {
      if (!isCurrent()) return;
      heard = true;
      failures = 0;
      owner.received(data.toString());
    });
    opening.on('pong', () => {
      if (!isCurrent()) return;
      heard = true;
      failures = 0;
    });
    opening.on('ping', () => {
      heard = true;
    });
    opening.on('unexpected-response', (_, response) => {
      readRefusal(response, (reason) => {
        opening.on('error', () => undefined); // that it is ended before it was established
        opening.terminate();
        if (isCurrent()) lose(reason, response.statusCode);
      });
    });
    // 'close' follows, but the error says more
    opening.on('error', (error) => isCurrent() && lose(reasonOf(error)));
    opening.on('close', (code, reason) => {
      if (isCurrent()) lose(`the broker closed the connection (${code} ${reason.toString()})`.trim(), code);
    });
  };

  /** Sends pings for as long as `watched` is the connection. */
  const watch = (watched: WebSocket): void => {
    cancelTimer = runtime.after(PING_EVERY_MS, () => {
      if (socket !== watched) return;
      if (!heard && !watched.isPaused) {
        drop(`the broker has not answered for ${PING_EVERY_MS / 1000} s`);
        return;
      }
      heard = false;
      watched.ping();
      watch(watched);
    });
  };

  const lose = (reason: string, status?: number): void => {
    socket = undefined;
    cancelTimer();
    problem = reason;
    if (isClosed) {
      whenGone?.();
      return;
    }
    const ms = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures) * (0.5 + runtime.random() / 2);
    failures++;
    cancelTimer = runtime.after(ms, connect);
    owner.lost(reason, status);
  };

  const drop = (reason: string): void => {
    const dropped = socket;
    if (!dropped) return;
    lose(reason);
    dropped.terminate();
  };

  const close = (): Promise<void> => {
    cancelTimer();
    const closed = socket;
    if (!closed) return Promise.resolve();
    return new Promise((resolve) => {
      const cancelTimeout = runtime.after(CLOSE_TIMEOUT_MS, () => closed.terminate());
      whenGone = () => {
        cancelTimeout();
        resolve();
      };
      if (closed.readyState === WebSocket.CONNECTING) closed.terminate();
      else {
        closed.resume(); // else the answer to the closing is never read
        closed.close(1000);
      }
    });
  };

  connect();
  return {
    get isOpen() {
      return socket?.readyState === WebSocket.OPEN;
    },
    get problem() {
      return problem;
    },
    send,
    pause: () => socket?.pause(),
    resume() {
      if (!socket?.isPaused) return;
      heard = true; // the answer to a ping may not have been read
      socket.resume();
    },
    drop,
    close() {
      isClosed = true;
      closing ??= close();
      return closing;
    },
  };
};

const reasonOf = (error: Error & { readonly code?: string }): string =>
  error.message || error.code || error.name;

/** Calls back with the status and the broker's own words: it sends them in an HTML page. */
const readRefusal = (response: IncomingMessage, done: (reason: string) => void): void => {
  let page = '';
  let isDone = false;
  const finish = (): void => {
    if (isDone) return;
    isDone = true;
    const told = decode(page.match(/<th>MESSAGE:<\/th>\s*<td>([^<]*)/i)?.[1] ?? '');
    // what the broker's own client was told comes as JSON within
    const said = told.match(/"errorMsg":"((?:[^"\\]|\\.)*)"/)?.[1] ?? told;
    done(`the broker refuses the connection (${response.statusCode}): ${said || response.statusMessage}`);
  };
  response.setEncoding('utf8');
  response.on('data', (part: string) => {
    page += part;
    if (page.length > LONGEST_REFUSAL) {
      finish();
      response.destroy();
    }
  });
  response.on('end', finish);
  response.on('close', finish);
  response.on('error', finish);
};

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

const decode = (html: string): string =>
  html
    .replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name] ?? '')
    .replace(/\s+/g, ' ')
    .trim();
