import { createServer } from 'node:net';
import { portsOf } from '../config/services.ts';

/** @returns ports of 127.0.0.1, different ones, that nobody listens on now */
export const freePorts = async (count: number): Promise<number[]> => {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(
      servers.map(
        (server) =>
          new Promise<number>((resolve, reject) => {
            server.once('error', reject);
            server.listen(0, '127.0.0.1', () => {
              const address = server.address();
              if (address !== null && typeof address === 'object') resolve(address.port);
              else reject(new Error('no port'));
            });
          }),
      ),
    );
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
};

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/**
 * A PORT_BASE at which nothing listens now on any port of the services, below those that the kernel hands out by itself.
 * @param replicas of each service
 */
export const freePortBase = async (replicas = 1): Promise<number> => {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const base = 10_000 + 10 * Math.floor(Math.random() * 2_000);
    const free = await Promise.all(portsOf(base, replicas).map(isFree));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no free ports for the services');
};
