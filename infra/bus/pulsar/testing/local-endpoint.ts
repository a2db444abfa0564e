import type { AddressInfo } from 'node:net';
import { type ServerOptions, type WebSocket as Socket, WebSocketServer } from 'ws';
import type { Runtime } from '../../../runtime.ts';
import { eventually } from '../../testing/observation.ts';

/** One connection that a client has made, as its server sees it. */
export interface Peer {
  readonly socket: Socket;
  /** The path and query that it came by. */
  readonly url: string;
  /** What the client has sent, parsed. */
  readonly frames: Record<string, unknown>[];
  send(frame: unknown): void;
}

/** A real WebSocket server, whose test does what no broker can be made to do. */
export interface LocalEndpoint {
  readonly url: string;
  readonly peers: Peer[];
  /** The nth connection, from 0, once it is there. */
  peer(n: number): Promise<Peer>;
  close(): Promise<void>;
}

export const localEndpoint = async (options: ServerOptions = {}): Promise<LocalEndpoint> => {
  const server = new WebSocketServer({ ...options, port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.once('listening', resolve));
  const peers: Peer[] = [];
  server.on('connection', (socket, request) => {
    const frames: Record<string, unknown>[] = [];
    socket.on('message', (data) => frames.push(JSON.parse(data.toString())));
    socket.on('error', () => undefined); // the client has gone
    peers.push({
      socket,
      url: request.url ?? '',
      frames,
      send: (frame) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    });
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    peers,
    async peer(n) {
      await eventually(`connection ${n} is made`, () => peers.length > n);
      return peers[n] as Peer;
    },
    close() {
      for (const { socket } of peers) socket.terminate();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};

interface Timer {
  readonly due: number;
  task(): void;
}

/** A clock that stands until the test moves it; what is due within `eagerMs` runs at once. */
export interface HandClock {
  readonly runtime: Pick<Runtime, 'now' | 'after' | 'random'>;
  /** Runs what is due within `ms` milliseconds from now, in its order. */
  advance(ms: number): void;
}

export const handClock = (eagerMs = 5_000): HandClock => {
  const timers = new Set<Timer>();
  let now = 1_000_000;
  const runtime: HandClock['runtime'] = {
    now: () => now,
    random: () => 0.5,
    after(ms, task) {
      const timer = { due: now + ms, task };
      timers.add(timer);
      // backoffs are not what these tests are about
      if (ms < eagerMs) setImmediate(() => timers.delete(timer) && task());
      return () => void timers.delete(timer);
    },
  };
  return {
    runtime,
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = [...timers].sort((a, b) => a.due - b.due)[0];
        if (!next || next.due > end) break;
        timers.delete(next);
        now = Math.max(now, next.due);
        next.task();
      }
      now = end;
    },
  };
};
