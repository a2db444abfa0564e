import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { uuidV5 } from '../uuid-v5.ts';
import { HttpError } from './errors.ts';
import { Digits } from './json-text.ts';
import { tokenHeader } from './validation.ts';

/** The name space of ids that are derived from a caller, a route and a key (a random UUID, fixed for ever). */
const requests = '5f0a0f60-6a0f-4d3c-9b0c-3f8a4f1f7d52';
const longestKey = 255;

/** The request's `Idempotency-Key`. @throws HttpError 400 when it is not 1 to 255 visible ASCII characters */
export const idempotencyKey = (request: FastifyRequest): string | undefined =>
  tokenHeader(request, 'idempotency-key', longestKey);

/**
 * The id of what a request makes: the same for the same caller, route and key, so that a repeated request finds it.
 * @param route what the aliases of a route have in common
 */
export const requestId = (caller: string, route: string, key: string): string =>
  uuidV5(JSON.stringify([caller, route, key]), requests);

/**
 * SHA-256, base64url, of what a request asks for: its route and its body, whatever the order of the body's fields and
 * the spelling of its numbers. Money must already be in its one form (`settleNumbers`).
 */
export const requestHash = (route: string, body: unknown): string =>
  createHash('sha256')
    .update(canonical([route, body]))
    .digest('base64url');

const source = { header: 'idempotency-key' };

/** What a request is refused with while the first one of its key is carried out. */
export const stillUnderWay = (): HttpError =>
  new HttpError(
    {
      status: 409,
      code: 'PETICION_EN_CURSO',
      detail: 'La primera petición con esta clave está en curso',
      source,
    },
    { 'retry-after': '1' },
  );

/** What a request is refused with whose key was used for another one. */
export const keyReused = (): HttpError =>
  new HttpError({
    status: 422,
    code: 'CLAVE_REUTILIZADA',
    detail: 'La clave ya se usó con otro cuerpo',
    source,
  });

const canonical = (value: unknown): string => {
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`)
      .join(',')}}`;
  return JSON.stringify(value) ?? 'null';
};
