import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** A client that connects and says nothing for so long is cut off. */
const silenceMs = 60_000;
/** Where a request line without an end stops being one. */
const longestLine = 16_384;
const [space, lineFeed, highBit] = [0x20, 0x0a, 0x80];

/**
 * Lets a connection's first request have a path in raw UTF-8, as curl sends `/campaña-commando`: Node's parser refuses
 * such bytes, so the first request line is looked at before the parser is, and they are percent-encoded in it.
 */
export const acceptRawPaths = (server: Server): void => {
  const listeners = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  const silent = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    silent.add(socket);
    const cut = (): void => void socket.destroy();
    const forget = (): void => void silent.delete(socket);
    socket.setTimeout(silenceMs, cut);
    socket.on('error', cut);
    socket.once('close', forget);
    socket.once('data', (bytes: Buffer) => {
      socket.pause();
      forget();
      socket.setTimeout(0, cut).off('timeout', cut).off('error', cut).off('close', forget);
      socket.unshift(withEncodedPath(bytes));
      for (const listener of listeners) listener.call(server, socket);
      process.nextTick(() => socket.resume());
    });
  });
  const close = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => {
    close();
    for (const socket of silent) socket.destroy();
  };
};

/** Percent-encodes what is not ASCII between the method and the end of the first line. */
const withEncodedPath = (bytes: Buffer): Buffer => {
  const feed = bytes.subarray(0, longestLine).indexOf(lineFeed);
  const line = bytes.subarray(0, feed < 0 ? longestLine : feed);
  const path = line.indexOf(space);
  if (path < 0 || !line.some((byte) => byte >= highBit)) return bytes;
  const encoded = line
    .toString('latin1')
    .replace(/[\u0080-\u00ff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
  return Buffer.concat([Buffer.from(encoded, 'latin1'), bytes.subarray(line.length)]);
};
