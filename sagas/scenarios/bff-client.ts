import { followStream, type StreamEvent } from './event-stream.ts';

/** What the BFF answered; `json` is undefined where the body is not JSON. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The body as it came: a number in it has more digits than `json` keeps. */
  readonly text: string;
  readonly json: unknown;
}

/** Nothing answered at the BFF's address, or not in time. */
export class BffUnreachable extends Error {
  override readonly name = 'BffUnreachable';
}

export interface BffClientOptions {
  /** Where the BFF answers, e.g. `http://127.0.0.1:8000`; a path in it is kept. */
  readonly base: string;
  readonly fetch: typeof globalThis.fetch;
  /** Waits so many milliseconds, or until `signal` aborts. */
  pause(ms: number, signal?: AbortSignal): Promise<void>;
  /** How long one request may take, in milliseconds. */
  readonly timeoutMs: number;
}

export interface BffClient {
  readonly base: string;
  /** @throws BffUnreachable when nothing answers; any status is an answer */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** `GET /stream`, reconnecting by `Last-Event-ID`, until `signal` aborts. */
  follow(signal: AbortSignal, opened?: () => void): AsyncGenerator<StreamEvent>;
}

/** A client of the BFF's HTTP and event stream, with nothing of any scenario in it. */
export const bffClient = ({ base, fetch, pause, timeoutMs }: BffClientOptions): BffClient => {
  const root = base.replace(/\/+$/, '');
  const send: BffClient['send'] = async (method, path, body, headers = {}) => {
    const limit = new AbortController();
    const timer = new AbortController();
    void pause(timeoutMs, timer.signal).then(() => limit.abort());
    try {
      const response = await fetch(`${root}${path}`, {
        method,
        signal: limit.signal,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, json: parsed(text) };
    } catch (error) {
      throw new BffUnreachable(`${method} ${root}${path}: ${reason(error)}`, { cause: error });
    } finally {
      timer.abort();
    }
  };
  return {
    base: root,
    send,
    follow: (signal, opened) =>
      followStream({
        signal,
        pause: (ms) => pause(ms, signal),
        open: (lastId) =>
          fetch(`${root}/stream`, {
            signal,
            headers: { accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) },
          }),
        ...(opened === undefined ? {} : { opened }),
      }),
  };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** `fetch` hides what happened behind "fetch failed": the cause says it. */
const reason = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError') return 'no answer in time';
  const cause = error.cause;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return error.message;
};
