import { createServer } from 'node:net';
import type { Server } from '../http/server.ts';

/** A port that is needed cannot be listened on. */
export class PortRefused extends Error {
  override readonly name = 'PortRefused';
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use',
  EACCES: 'may not be listened on by this user',
  EADDRNOTAVAIL: 'cannot be listened on: this machine does not have that address',
  ENOTFOUND: 'cannot be listened on: the name is unknown',
};

/** What a failed `listen` means to whoever started it, and `choose`, what to do about it. */
export const portRefused = (
  host: string,
  port: number,
  error: NodeJS.ErrnoException,
  choose: string,
): PortRefused =>
  new PortRefused(
    `${host}:${port} ${reasons[error.code ?? ''] ?? `cannot be listened on: ${error.message}`}; ${choose}`,
    { cause: error },
  );

const tryPort = (host: string, port: number, choose: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => reject(portRefused(host, port, error, choose)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()));
  });

/**
 * Finds out before anything is started whether every port can be had.
 * @throws PortRefused for the first, in the order given, that cannot
 */
export const checkPorts = async (host: string, ports: readonly number[], choose: string): Promise<void> => {
  for (const port of ports) await tryPort(host, port, choose);
};

/**
 * Has a server listen.
 * @returns its base address, without a slash at the end
 * @throws PortRefused
 */
export const listenOn = async (app: Server, host: string, port: number, choose: string): Promise<string> => {
  try {
    const address = await app.listen({ host, port });
    return address.replace(/\/$/, '');
  } catch (error) {
    throw portRefused(host, port, error as NodeJS.ErrnoException, choose);
  }
};
