import type { IncomingHttpHeaders } from 'node:http';
import { readTraceparent, spanWithin } from '../telemetry/trace-context.ts';
import { isToken } from './validation.ts';

/** The longest id that a request may bring, in characters. */
export const LONGEST_ID = 255;

/** The id that a request brings, where that is one. */
export const givenId = (headers: IncomingHttpHeaders): string | undefined => {
  const given = headers['x-request-id'];
  return typeof given === 'string' && isToken(given, LONGEST_ID) ? given : undefined;
};

/** A request's own span, in the trace of the caller where that has one. @param id a UUIDv7 of this request alone */
export const spanOf = ({ traceparent }: IncomingHttpHeaders, id: string): string =>
  spanWithin(readTraceparent(typeof traceparent === 'string' ? traceparent : undefined) ?? '', id);

/** What every answer bears: names and values in turns. */
export const answerHeaders = (id: string, traceparent: string): readonly string[] => [
  'x-request-id',
  id,
  'traceparent',
  traceparent,
  'x-content-type-options',
  'nosniff',
];
