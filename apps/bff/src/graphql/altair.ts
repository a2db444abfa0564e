import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Access } from '@cordada/infra/http/access.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import fastifyStatic from '@fastify/static';
import type { FastifyPluginAsync } from 'fastify';

/** Where its own files are served: none comes from another host. */
const FILES = '/v1/altair/';

const example = `# Compra dos unidades del producto 1 y una del 2
mutation {
  crearCompra(idUsuario: "1", productos: "1:2,2:1", domicilio: "Calle 26 # 7-11") {
    codigo
    mensaje
    id
  }
}
`;

/** It advertises a plugin that it would load from elsewhere. */
const QUIET = 'app-banner { display: none }';

/**
 * What the page may do: run and be styled by its own files and by what bears this answer's nonce, and ask this server.
 * Angular sets style attributes, which can load nothing here.
 */
const policyOf = (nonce: string): string =>
  [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "base-uri 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

/** Altair, an editor for GraphQL, at `route`: it sends what is written to `POST route`. It is loaded when it is asked for. */
export const addAltair = (
  app: Server,
  runtime: Pick<Runtime, 'uuid'>,
  { route, access }: { readonly route: string; readonly access: Access },
): void => {
  const config = { access, rateLimit: false } as const;
  const manifest = createRequire(import.meta.url).resolve('altair-static/package.json');
  const files: FastifyPluginAsync = async (scope) => {
    await scope.register(fastifyStatic, { root: join(dirname(manifest), 'build/dist'), serve: false });
    scope.get<{ Params: { '*': string } }>(
      `${FILES}*`,
      { config, schema: { hide: true } },
      ({ params }, reply) => reply.sendFile(params['*']),
    );
  };
  void app.register(files);

  app.get(
    route,
    { config, schema: { hide: true, tags: ['compras'], summary: 'Un editor de GraphQL' } },
    async (_request, reply) => {
      const { renderAltair } = await import('altair-static');
      const cspNonce = runtime.uuid();
      const page = renderAltair({
        baseURL: FILES,
        endpointURL: route,
        initialQuery: example,
        initialName: 'Cordada',
        disableAccount: true,
        cspNonce,
      }).replace('</head>', `<style nonce="${cspNonce}">${QUIET}</style></head>`);
      return reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', policyOf(cspNonce))
        .header('cache-control', 'no-store')
        .serializer(String)
        .send(page as never);
    },
  );
};
