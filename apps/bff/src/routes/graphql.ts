import { access } from '@cordada/infra/http/access.ts';
import { idempotencyKey } from '@cordada/infra/http/idempotency.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import type { Logger } from '@cordada/infra/telemetry/logger.ts';
import Type from 'typebox';
import type { Purchases } from '../compras/purchases.ts';
import { errors, postHeaders } from '../documents.ts';
import { addAltair } from '../graphql/altair.ts';
import { createGraphqlEngine, type GraphqlEngine } from '../graphql/engine.ts';

const config = { access: access.demoOpen('ADMIN', 'OPERARIO', 'CLIENTE') };
const route = '/v1';
/** Bytes: 500 products by their longest names. */
const LARGEST_BODY = 262_144;

const body = Type.Object(
  {
    query: Type.String({ minLength: 1, description: 'El documento GraphQL' }),
    variables: Type.Optional(
      Type.Union([Type.Unsafe<Record<string, unknown>>({ type: 'object' }), Type.Null()]),
    ),
    operationName: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    extensions: Type.Optional(Type.Union([Type.Unsafe<object>({ type: 'object' }), Type.Null()])),
  },
  {
    additionalProperties: false,
    examples: [{ query: 'query { compras(idUsuario: "1") { idUsuario estado } }' }],
  },
);

const graphqlErrors = Type.Array(
  Type.Object({
    message: Type.String(),
    extensions: Type.Object({ code: Type.String(), status: Type.Integer() }),
  }),
);

export interface GraphqlRouteParts {
  readonly purchases: Purchases;
  readonly log: Logger;
  readonly runtime: Pick<Runtime, 'uuid'>;
  readonly auth: 'demo' | 'required';
}

/** GraphQL, as the original client of systems.md §2 speaks it: another spelling of the routes for purchases. */
export const addGraphqlRoutes = (app: Server, { purchases, log, runtime, auth }: GraphqlRouteParts): void => {
  let engine: Promise<GraphqlEngine> | undefined;

  app.post(
    route,
    {
      config,
      bodyLimit: LARGEST_BODY,
      schema: {
        tags: ['compras'],
        summary: 'Compra y consulta en GraphQL',
        description:
          '`mutation { crearCompra(idUsuario, productos: "id:cantidad,…", domicilio) { codigo mensaje id } }` responde ' +
          'codigo 203 cuando la compra ya no se puede perder; `query { compras(idUsuario) { idUsuario estado } }`. Lo que ' +
          'no se admite es un 4xx o un error de GraphQL, y no compra nada. Un documento, y no una lista de ellos.',
        headers: Type.Object({ 'idempotency-key': postHeaders.properties['idempotency-key'] }),
        body,
        response: {
          200: Type.Object(
            { data: Type.Unsafe({}), errors: Type.Optional(graphqlErrors) },
            { examples: [{ data: { compras: [{ idUsuario: '1', estado: 'CONFIRMADA' }] } }] },
          ),
          '4xx': errors,
          '5xx': errors,
        },
      },
    },
    async (request, reply) => {
      // A key that is none is refused, whatever the document would have done with it.
      idempotencyKey(request);
      engine ??= createGraphqlEngine({ purchases, log, introspection: auth === 'demo' });
      const answer = await (await engine).answer(request.body, request, reply);
      return reply
        .code(answer.status as 200)
        .headers(answer.headers)
        .send(answer.body as never);
    },
  );

  if (auth === 'demo') addAltair(app, runtime, { route, access: config.access });
};
