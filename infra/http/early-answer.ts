import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Has the rest of a body read to its end, and thrown away, where its answer goes out before that. Fastify cuts such a
 * connection off after a 413, and Node any whose client wants it closed: who still writes then sees a broken pipe, and no
 * answer.
 * @param most bytes that are read of one body; who announces more is cut off at once, who sends more is then
 * @param closing whether the connection is closed afterwards although the client would keep it
 */
export const hearOut = (
  { raw }: FastifyRequest,
  reply: FastifyReply,
  most: number,
  closing: boolean,
): void => {
  if (raw.complete) return;
  const { 'content-length': length, 'transfer-encoding': encoding } = raw.headers;
  if ((length === undefined && encoding === undefined) || Number(length) > most) return;
  const last = closing || !reply.raw.shouldKeepAlive;
  reply.removeHeader('connection');
  reply.raw.shouldKeepAlive = true;
  let heard = 0;
  raw.on('data', (chunk: Buffer) => {
    heard += chunk.length;
    if (heard > most) raw.destroy();
  });
  if (!last) return;
  const end = () => raw.socket.end();
  reply.raw.once('finish', () => (raw.readableEnded ? end() : raw.once('end', end)));
};
