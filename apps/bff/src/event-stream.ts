import type { Runtime } from '@cordada/infra/runtime.ts';
import type { FastifyReply } from 'fastify';

/** The writing side of one `text/event-stream`, paced by its client. */
export interface EventStream {
  /** Resolves when the client has room for more: true, or false once the stream is over. */
  write(block: string): Promise<boolean>;
  /** Ends the stream; a client connects again by itself. */
  close(): void;
  /** Resolves when the stream is over, whoever ended it. */
  readonly ended: Promise<void>;
}

/** A comment now and then, so that proxies keep the connection and a dead client is found out. */
const heartbeatMs = 15_000;
/** A client that takes nothing for so long is cut off: it loses nothing, it goes on after its last event. */
const patienceMs = 60_000;
/** How long the last of it may take to leave. */
const farewellMs = 1_000;
const retryMs = 1_000;

/**
 * Answers a request with a stream of events. Written on the raw response, not by `@fastify/sse`: its heartbeat is a
 * timer of the machine's own, and its `send` never returns when the client goes while it waits for room.
 */
export const openEventStream = (reply: FastifyReply, runtime: Runtime): EventStream => {
  const { raw } = reply;
  reply.hijack();
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    // A stream that ends is the end of its connection, so that a server which stops need not wait for the client.
    connection: 'close',
  });
  raw.write(`retry: ${retryMs}\n\n`);

  let over = raw.destroyed;
  let cancelHeartbeat = (): void => {};
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      over = true;
      cancelHeartbeat();
      resolve();
    };
    raw.once('close', end);
    // A broken connection closes, too.
    raw.on('error', () => undefined);
    if (over) end();
  });
  const beat = (): void => {
    if (!raw.writableNeedDrain) raw.write(':\n\n');
    cancelHeartbeat = runtime.after(heartbeatMs, beat);
  };
  if (!over) cancelHeartbeat = runtime.after(heartbeatMs, beat);

  const room = (): Promise<boolean> =>
    new Promise((resolve) => {
      const settle = (open: boolean): void => {
        cancel();
        raw.off('drain', drained);
        raw.off('close', gone);
        resolve(open);
      };
      const drained = (): void => settle(true);
      const gone = (): void => settle(false);
      const cancel = runtime.after(patienceMs, () => {
        raw.destroy();
        settle(false);
      });
      raw.once('drain', drained);
      raw.once('close', gone);
    });

  return {
    ended,
    async write(block) {
      if (over || raw.writableEnded) return false;
      return raw.write(block) || room();
    },
    close() {
      raw.end();
      // What a client does not take cannot be waited for.
      const cancel = runtime.after(farewellMs, () => raw.destroy());
      raw.once('close', cancel);
    },
  };
};
