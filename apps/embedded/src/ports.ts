import { createServer } from 'node:net';

/** A port that the fleet needs cannot be listened on. */
export class PortRefused extends Error {
  override readonly name = 'PortRefused';
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use',
  EACCES: 'may not be listened on by this user',
  EADDRNOTAVAIL: 'cannot be listened on: this machine does not have that address',
  ENOTFOUND: 'cannot be listened on: the name is unknown',
};

/** What a failed `listen` means to whoever started it. */
export const portRefused = (host: string, port: number, error: NodeJS.ErrnoException): PortRefused =>
  new PortRefused(
    `${host}:${port} ${reasons[error.code ?? ''] ?? `cannot be listened on: ${error.message}`}; ` +
      'choose others with PORT_BASE (the first of four) and HOST',
    { cause: error },
  );

const tryPort = (host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => reject(portRefused(host, port, error)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()));
  });

/**
 * Finds out before anything is started whether every port can be had.
 * @throws PortRefused for the first, in the order given, that cannot
 */
export const checkPorts = async (host: string, ports: readonly number[]): Promise<void> => {
  for (const port of ports) await tryPort(host, port);
};
