import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** A slow line to a server, on which each round trip can be told from the next. */
export interface SlowLine {
  readonly url: string;
  /** How often the client has sent after the server had answered (or first of all), over all connections. */
  flights(): number;
  close(): Promise<void>;
}

/** Stands between a client and the server at `url`; what is sent arrives `delayMs` milliseconds later. */
export const slowLine = async (url: string, delayMs: number): Promise<SlowLine> => {
  const { hostname, port } = new URL(url);
  let flights = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    let answered = true;
    client.on('data', (bytes) => {
      if (answered) flights += 1;
      answered = false;
      void wait(delayMs).then(() => upstream.write(bytes));
    });
    upstream.on('data', (bytes) => {
      void wait(delayMs).then(() => {
        answered = true;
        client.write(bytes);
      });
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined); // 'close' follows, for both
      socket.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const line = new URL(url);
  line.port = String(address.port);
  return {
    url: line.href,
    flights: () => flights,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
};
