import rateLimit, { type FastifyRateLimitStore, type FastifyRateLimitStoreCtor } from '@fastify/rate-limit';
import type { FastifyInstance } from 'fastify';
import type { Runtime } from '../runtime.ts';
import { HttpError } from './errors.ts';

const windowMs = 1_000;
/** Callers counted at once; above it the window begins anew, so that made-up addresses cannot fill the memory. */
const mostCallers = 10_000;

/**
 * At most `perSecond` requests a second of each caller (its key, else its address), in fixed windows kept in memory.
 * Services among one another are not limited. Answers carry the `RateLimit-*` headers of the IETF's draft.
 */
export const addRateLimit = async (
  app: FastifyInstance,
  runtime: Pick<Runtime, 'now'>,
  perSecond: number,
): Promise<void> => {
  await app.register(rateLimit, {
    max: perSecond,
    timeWindow: windowMs,
    store: fixedWindows(runtime),
    enableDraftSpec: true,
    allowList: (request) => request.caller.kind === 'service',
    keyGenerator: ({ caller, ip }) => (caller.kind === 'key' ? `key ${caller.name}` : `address ${ip}`),
    errorResponseBuilder: () =>
      new HttpError({
        status: 429,
        code: 'DEMASIADAS_PETICIONES',
        detail: `Se admiten ${perSecond} peticiones por segundo`,
      }),
  });
};

const fixedWindows = (runtime: Pick<Runtime, 'now'>): FastifyRateLimitStoreCtor =>
  class implements FastifyRateLimitStore {
    private window = Number.NEGATIVE_INFINITY;
    private readonly counts = new Map<string, number>();

    incr(key: string, callback: (error: null, result: { current: number; ttl: number }) => void): void {
      const now = runtime.now();
      const window = Math.floor(now / windowMs);
      if (window !== this.window || (this.counts.size >= mostCallers && !this.counts.has(key))) {
        this.counts.clear();
        this.window = window;
      }
      const current = (this.counts.get(key) ?? 0) + 1;
      this.counts.set(key, current);
      callback(null, { current, ttl: (window + 1) * windowMs - now });
    }

    child(): FastifyRateLimitStore {
      return this;
    }
  };
