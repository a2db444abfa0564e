import { HttpError, STARTING, unavailable } from './errors.ts';
import { stringifyJson } from './json-body.ts';
import { parseOwnJson } from './json-text.ts';
import { CallFailed, type Resilience } from './resilience.ts';
import type { ServiceTokens } from './service-token.ts';

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** What `fetch` gives and takes, as far as services need it: `networkFetch`, and in one process `injectFetch`. */
export type Fetch = (
  url: string,
  init: { method: Method; headers: Record<string, string>; body?: string; signal: AbortSignal },
) => Promise<{ status: number; headers: { get(name: string): string | null }; text(): Promise<string> }>;

export interface ServiceClientOptions {
  /** The service that calls. */
  readonly caller: string;
  /** The service that is called. */
  readonly target: string;
  readonly fetch: Fetch;
  readonly tokens: ServiceTokens;
  /** Knows the target's addresses, e.g. `http://127.0.0.1:8001`. */
  readonly resilience: Resilience;
}

/** What a request passes on to the requests that are made for it. */
export interface RequestOrigin {
  readonly id: string;
  readonly traceparent: string;
}

export interface ServiceRequest {
  readonly method: Method;
  /** Path segments, encoded here: `['campaigns', id]`. */
  readonly path: readonly string[];
  /** Parameters; what is undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  /** The request that this one is made for, so that both logs tell of it and both are of one trace. */
  readonly origin?: RequestOrigin;
  /** Milliseconds that the service may hold the answer back (a long poll); they come on top of the timeout. */
  readonly heldMs?: number;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly body: unknown;
  header(name: string): string | null;
}

/** Calls one other service of the installation. */
export interface ServiceClient {
  readonly target: string;
  /**
   * Sends a request; GET and PUT are repeated, also at other replicas, when their answer is lost; what was not taken
   * (the connection was refused, the replica is still starting) goes to another one in any case. Answers of 4xx are
   * results.
   * @throws HttpError 503 with `Retry-After` when the service is away, too slow or broken
   */
  send(request: ServiceRequest): Promise<ServiceAnswer>;
  /** The body of a 2xx answer. @throws HttpError 503 as `send`, or the service's own 4xx with its JSON:API errors */
  call<Body>(request: ServiceRequest): Promise<Body>;
  /** As `call`; undefined for a 404. */
  find<Body>(request: ServiceRequest): Promise<Body | undefined>;
}

const timeoutMs = 5_000;
const repeatable = new Set(['GET', 'PUT']);

export const createServiceClient = (options: ServiceClientOptions): ServiceClient => {
  const { caller, target, tokens, resilience } = options;

  const away = (): HttpError => unavailable(`El servicio ${target} no está disponible por ahora`);

  const once = async (
    request: ServiceRequest,
    address: string,
    signal: AbortSignal,
  ): Promise<ServiceAnswer> => {
    const headers: Record<string, string> = {
      accept: 'application/json',
      authorization: `Bearer ${tokens.sign(caller, target)}`,
    };
    if (request.origin !== undefined) {
      headers['x-request-id'] = request.origin.id;
      headers.traceparent = request.origin.traceparent;
    }
    if (request.body !== undefined) headers['content-type'] = 'application/json';
    let answer: ServiceAnswer;
    try {
      const response = await options.fetch(address + pathOf(request), {
        method: request.method,
        headers,
        signal,
        ...(request.body === undefined ? {} : { body: stringifyJson(request.body) }),
      });
      const text = await response.text();
      const body = text === '' ? undefined : parseOwnJson(text);
      answer = { status: response.status, body, header: (name) => response.headers.get(name) };
    } catch (error) {
      throw new CallFailed(`${target} cannot be reached: ${reason(error)}`, {
        cause: error,
        sent: !isUnsent(error),
      });
    }
    if (isStarting(answer)) throw new CallFailed(`${target} is starting`, { sent: false });
    // A fault met by this one request: asking again would meet it again, and says nothing of the others' requests.
    if (answer.status === 500) throw away();
    if (answer.status > 500) throw new CallFailed(`${target} answered ${answer.status}`);
    return answer;
  };

  const send = async (request: ServiceRequest): Promise<ServiceAnswer> => {
    try {
      return await resilience.run((address, signal) => once(request, address, signal), {
        timeoutMs: timeoutMs + (request.heldMs ?? 0),
        repeatable: repeatable.has(request.method),
      });
    } catch (error) {
      throw error instanceof CallFailed ? away() : error;
    }
  };

  const result = <Body>(answer: ServiceAnswer): Body => {
    if (answer.status < 300) return answer.body as Body;
    throw refusalOf(answer, target);
  };

  return {
    target,
    send,
    call: async (request) => result(await send(request)),
    async find(request) {
      const answer = await send(request);
      return answer.status === 404 ? undefined : result(answer);
    },
  };
};

const pathOf = ({ path, query }: ServiceRequest): string => {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined) parameters.set(name, String(value));
  const search = parameters.toString();
  return `/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
};

/** Codes of connections that were never made; whatever came later may have been taken. */
const UNSENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** `fetch` tells the reason as its error's cause, and of several addresses of a name as that one's `errors`. */
const isUnsent = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  if (Array.isArray(errors) && errors.length > 0) return errors.every(isUnsent);
  if (typeof code === 'string') return UNSENT.has(code);
  return isUnsent(error.cause);
};

/** What a replica answers to everything as long as it waits for what it needs (service/waiting-room.ts). */
const isStarting = ({ status, body }: ServiceAnswer): boolean =>
  status === 503 &&
  ((body ?? {}) as { errors?: readonly { code?: unknown }[] }).errors?.[0]?.code === STARTING;

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Another service's refusal, to pass on; what is not one of ours (a broken token, no JSON:API) is a fault of this installation. */
const refusalOf = (answer: ServiceAnswer, target: string): HttpError => {
  const { errors } = (answer.body ?? {}) as { errors?: readonly Record<string, unknown>[] };
  if (answer.status === 401 || answer.status === 403 || !Array.isArray(errors) || errors.length === 0)
    return unavailable(`El servicio ${target} no aceptó la llamada (${answer.status})`);
  return new HttpError(
    errors.map(({ code, title, detail, source }) => ({
      status: answer.status,
      code: String(code),
      title: String(title),
      detail: String(detail),
      ...(source === undefined ? {} : { source: source as object }),
    })),
    passedOn(answer),
  );
};

const passedOn = (answer: ServiceAnswer): Record<string, string> => {
  const retryAfter = answer.header('retry-after');
  return retryAfter === null ? {} : { 'retry-after': retryAfter };
};
