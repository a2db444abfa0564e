import type { Server } from './server.ts';
import type { Fetch } from './service-client.ts';

/**
 * A `fetch` that hands requests to servers of the same process without a socket.
 * @param servers by origin, e.g. `http://campaign`
 */
export const injectFetch =
  (servers: ReadonlyMap<string, Server>): Fetch =>
  async (url, { method, headers, body }) => {
    const { origin, pathname, search } = new URL(url);
    const server = servers.get(origin);
    if (server === undefined) throw new Error(`no server at ${origin}`);
    const response = await server.inject({
      method,
      url: pathname + search,
      headers,
      ...(body === undefined ? {} : { payload: body }),
    });
    return {
      status: response.statusCode,
      headers: { get: (name) => (response.headers[name.toLowerCase()] as string | undefined) ?? null },
      text: async () => response.body,
    };
  };
