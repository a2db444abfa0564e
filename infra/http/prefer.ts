import type { FastifyReply, FastifyRequest } from 'fastify';

/** The longest wait that is granted, in seconds; asking for more is asking for this. */
const longestWait = 60;

/**
 * How long the client would wait for the outcome (`Prefer: wait=n`, RFC 7240), in milliseconds; undefined when it did
 * not say. What is malformed is ignored, as the RFC has it. When it is granted, the answer says so.
 */
export const preferredWait = (request: FastifyRequest, reply: FastifyReply): number | undefined => {
  const header = request.headers.prefer;
  if (header === undefined) return undefined;
  for (const preference of [header].flat().join(',').split(',')) {
    const seconds = /^\s*wait\s*=\s*"?([0-9]{1,9})"?\s*(?:;.*)?$/i.exec(preference)?.[1];
    if (seconds === undefined) continue;
    const granted = Math.min(Number(seconds), longestWait);
    reply.header('preference-applied', `wait=${granted}`);
    return granted * 1_000;
  }
  return undefined;
};
