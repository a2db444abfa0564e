import type { FastifyRequest } from 'fastify';

/**
 * A `preParsing` hook that refuses a request by throwing. Fastify calls a hook without a promise with a callback, and
 * does not catch what that throws; with one, each request would take a turn of the event loop's microtasks more.
 */
export const checkHeaders =
  (check: (request: FastifyRequest) => void) =>
  (
    request: FastifyRequest,
    _reply: unknown,
    _payload: unknown,
    done: (error?: Error | null) => void,
  ): void => {
    try {
      check(request);
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  };
