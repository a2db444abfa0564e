import { request as requestPlain } from 'node:http';
import { type RequestOptions, request as requestSecured } from 'node:https';

import type { PulsarAdminOptions } from './admin.ts';

/** PEM texts: whom to trust instead of the usual authorities, and who we are. */
export interface TlsIdentity {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/**
 * A `fetch` that trusts and shows certificates of our own, which Node's takes from no caller. It knows what the admin
 * REST needs: method, headers, a text as body, a signal.
 */
export const restFetch =
  (identity: TlsIdentity): PulsarAdminOptions['fetch'] =>
  (input, init = {}) =>
    new Promise((resolve, reject) => {
      const { method = 'GET', headers, body, signal } = init;
      const options: RequestOptions = {
        ...identity,
        method,
        headers: Object.fromEntries(new Headers(headers).entries()),
        ...(signal && { signal }),
      };
      const url = new URL(String(input));
      const request = url.protocol === 'https:' ? requestSecured : requestPlain;
      const asked = request(url, options, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () => {
          const status = answer.statusCode ?? 0;
          const text = Buffer.concat(parts);
          resolve(new Response(status === 204 || text.length === 0 ? null : text, { status }));
        });
      });
      // what `fetch` rejects with: the cause has the code, and an abort its own reason
      asked.on('error', (cause) =>
        reject(signal?.aborted ? signal.reason : new TypeError('fetch failed', { cause })),
      );
      asked.end(typeof body === 'string' ? body : undefined);
    });
