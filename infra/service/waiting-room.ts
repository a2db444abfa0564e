import { access } from '../http/access.ts';
import { starting } from '../http/errors.ts';
import { createServer } from '../http/server.ts';
import { listenOn } from './ports.ts';
import type { ServiceDeps } from './service.ts';

/** What a service needs and does not have yet, with the reason; what it has is not among them. */
export type Missing = ReadonlyMap<string, string>;

/**
 * Answers for a service that waits for what it needs: `/health` and `/ready` say what that is, everything else is a
 * 503 by which callers know that nothing was taken. It gives its port back when it is closed.
 * @param needs names of what the service needs
 * @throws PortRefused
 */
export const openWaitingRoom = async (
  deps: Pick<ServiceDeps, 'runtime' | 'log' | 'registry' | 'security'>,
  options: {
    readonly service: string;
    readonly needs: readonly string[];
    readonly host: string;
    readonly port: number;
    readonly choose: string;
    missing(): Missing;
  },
): Promise<{ close(): Promise<void> }> => {
  const { service, needs, missing } = options;
  const check = (need: string) => async (): Promise<void> => {
    const reason = missing().get(need);
    if (reason !== undefined) throw new Error(reason);
  };
  const app = await createServer({
    ...deps,
    name: service,
    description: 'Waits for what the service needs.',
    docs: false,
    checks: Object.fromEntries(needs.map((need) => [need, check(need)])),
    ready: {
      started: async () => {
        throw new Error('starting');
      },
    },
  });
  const refuse = async (): Promise<never> => {
    throw starting(`El servicio ${service} está arrancando`);
  };
  // Before a body is read: whatever it is, nothing of it is taken.
  app.all('/*', { config: { access: access.public }, onRequest: refuse }, refuse);
  await listenOn(app, options.host, options.port, options.choose);
  return { close: () => app.close() };
};
