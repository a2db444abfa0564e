import { STATUS_CODES } from 'node:http';

/** Where in a request a fault lies (JSON:API 1.1): a JSON Pointer into the body, a query or path parameter, a header. */
export interface ErrorSource {
  readonly pointer?: string;
  readonly parameter?: string;
  readonly header?: string;
}

export interface Problem {
  /** The HTTP status, 400..599. */
  readonly status: number;
  /** What a program tells faults apart by; capitals, e.g. `CAMPO_REPETIDO`. */
  readonly code: string;
  /** The status' own phrase when absent. */
  readonly title?: string;
  /** What a person reads; never a stack or SQL. */
  readonly detail: string;
  readonly source?: ErrorSource;
}

/** An answer that is an error; what a handler throws to refuse a request. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly statusCode: number;
  readonly problems: readonly Problem[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(problems: Problem | readonly Problem[], headers: Readonly<Record<string, string>> = {}) {
    const list = Array.isArray(problems) ? (problems as readonly Problem[]) : [problems as Problem];
    const first = list[0];
    if (first === undefined) throw new TypeError('an HttpError needs a problem');
    super(`${first.status} ${first.code}: ${first.detail}`);
    this.statusCode = first.status;
    this.problems = list;
    this.headers = headers;
  }
}

/** The body of an error answer, after JSON:API. */
export interface ErrorDocument {
  readonly errors: readonly {
    readonly status: string;
    readonly code: string;
    readonly title: string;
    readonly detail: string;
    readonly source?: ErrorSource;
  }[];
}

/** @see https://jsonapi.org/format/#errors */
export const errorDocument = (problems: readonly Problem[]): ErrorDocument => ({
  errors: problems.map(({ status, code, title, detail, source }) => ({
    status: String(status),
    code,
    title: title ?? STATUS_CODES[status] ?? 'Error',
    detail,
    ...(source === undefined ? {} : { source }),
  })),
});

/** 404: there is no such thing. */
export const notFound = (detail: string, headers: Readonly<Record<string, string>> = {}): HttpError =>
  new HttpError({ status: 404, code: 'NO_ENCONTRADO', detail }, headers);

/** 409: it is in a state that forbids it. */
export const conflict = (code: string, detail: string): HttpError =>
  new HttpError({ status: 409, code, detail });

/** 503: nothing is known to have happened, the same request may be sent again after a second. */
export const unavailable = (detail: string): HttpError =>
  new HttpError({ status: 503, code: 'NO_DISPONIBLE', detail }, { 'retry-after': '1' });

/** The code by which callers know that a request was not taken. */
export const STARTING = 'ARRANCANDO';

/** 503: the service waits for what it needs, and took nothing of the request. */
export const starting = (detail: string): HttpError =>
  new HttpError({ status: 503, code: STARTING, detail }, { 'retry-after': '1' });
