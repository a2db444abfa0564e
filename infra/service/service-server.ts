import { isTransient } from '../database/faults.ts';
import type { FastPath } from '../http/fast-path.ts';
import { createServer, type Server } from '../http/server.ts';
import type { ServiceDeps } from './service.ts';

/** The HTTP side of a service that stands behind the BFF. */
export const createServiceServer = (
  deps: Omit<ServiceDeps, 'database'> & Partial<Pick<ServiceDeps, 'database'>>,
  name: string,
  description: string,
  fastPath?: FastPath,
): Promise<Server> => {
  const { runtime, bus, database, log, registry, security, ready } = deps;
  return createServer({
    name,
    description,
    runtime,
    log,
    registry,
    security,
    checks: { ...(database && { database: () => database.health() }), bus: () => bus.health() },
    ...(ready && { ready }),
    ...(fastPath && { fastPath }),
    isUnavailable: isTransient,
  });
};
