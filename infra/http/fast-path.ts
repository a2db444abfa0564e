import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Runtime } from '../runtime.ts';
import type { FindDurations } from '../telemetry/durations.ts';
import { access, type Identify } from './access.ts';
import { answerHeaders, givenId, spanOf } from './request-identity.ts';
import type { Utf8 } from './utf8.ts';

/** What a route would answer with status 200. */
export interface FastAnswer {
  readonly body: Utf8;
  /** Names and values in turns. */
  readonly headers: readonly string[];
}

/**
 * Answers of one route to other services, which need none of what comes between a request and a route: most of the time
 * of an answer from memory. Who may not call, or sends what must be looked at first, comes to the route itself, as does
 * everything that has no such answer.
 */
export interface FastPath {
  /** As metrics name it. */
  readonly route: string;
  /**
   * What the route would answer to a GET of `url`, at hand or once it is read; undefined where the route is to be asked.
   * Where reading rejects or comes to nothing the route is asked, too, and `unanswered` tells it so.
   */
  find(url: string): FastAnswer | Promise<FastAnswer | undefined> | undefined;
}

/** What was found out for a request before its route was asked. */
export interface Unanswered {
  /** When the request came, epoch milliseconds. */
  readonly since: number;
  /** Why it could not be read; undefined where there is no such thing. */
  readonly error?: unknown;
}

const withoutAnswer = new WeakMap<IncomingMessage, Unanswered>();

/** Defined where a fast path has read for `request` in vain: its route need not read again. */
export const unanswered = (request: IncomingMessage): Unanswered | undefined => withoutAnswer.get(request);

/**
 * Ends `response` with `body`, in one write: `end(body)` alone makes it two, which cost a tenth of a whole request more.
 * @param headers of its own, which are added to
 */
const writeWhole = (response: ServerResponse, headers: string[], body: Utf8): void => {
  headers.push('content-length', String(body.length));
  response.writeHead(200, headers);
  const { socket } = response;
  socket?.cork();
  response.write(body, 'latin1');
  socket?.uncork();
  response.end();
};

/** Puts a fast path before everything else that `server` does with a request. */
export const addFastPath = (
  server: Server,
  { route, find }: FastPath,
  options: {
    readonly runtime: Runtime;
    readonly identify: Identify;
    /** Of requests, by method, route and status. */
    readonly durations: FindDurations;
    draining(): boolean;
  },
): void => {
  const { runtime, identify, draining } = options;
  const durations = options.durations('GET', route, '200');
  const [handle] = server.listeners('request') as ((
    request: IncomingMessage,
    response: ServerResponse,
  ) => void)[];

  const send = (
    { headers }: IncomingMessage,
    response: ServerResponse,
    given: string | undefined,
    since: number,
    { body, headers: own }: FastAnswer,
  ): void => {
    const id = runtime.uuid();
    const all = [...answerHeaders(given ?? id, spanOf(headers, id)), ...own];
    if (draining()) all.push('connection', 'close');
    writeWhole(response, all, body);
    durations.observe(runtime.now() - since);
  };

  /** @returns false where the route must be asked */
  const answer = (request: IncomingMessage, response: ServerResponse): boolean => {
    const { method, url = '', headers } = request;
    if (method !== 'GET' || draining()) return false;
    const given = givenId(headers);
    if (given === undefined && headers['x-request-id'] !== undefined) return false;
    if (identify(headers, access.service).kind !== 'service') return false;
    const since = runtime.now();
    const found = find(url);
    if (found === undefined) return false;
    if (!(found instanceof Promise)) {
      send(request, response, given, since, found);
      return true;
    }
    const end = (read: FastAnswer | undefined, error?: unknown): void => {
      if (response.destroyed) return; // who asked is gone
      if (read !== undefined) return send(request, response, given, since, read);
      withoutAnswer.set(request, { since, error });
      handle?.call(server, request, response);
    };
    found.then(end, (error) => end(undefined, error));
    return true;
  };

  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!answer(request, response)) handle?.call(server, request, response);
  });
};
