import { HttpError } from '@cordada/infra/http/errors.ts';
import { textFault } from '@cordada/infra/http/json-text.ts';
import { compileValidator } from '@cordada/infra/http/validation.ts';
import type { Logger } from '@cordada/infra/telemetry/logger.ts';
import { traceIdOf } from '@cordada/infra/telemetry/trace-context.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLError } from 'graphql';
import { pedido } from '../compras/documents.ts';
import type { Pedido, Purchases } from '../compras/purchases.ts';
import { SHORT_TEXT } from '../documents.ts';
import { excessOf, type Limits } from './limits.ts';
import { readProductos } from './productos.ts';
import { typeDefinitions } from './schema.ts';

/** The words that a document may have: well above GraphiQL's introspection. */
const MOST_TOKENS = 2_000;
const MOST_ERRORS = 20;
const limits: Limits = {
  depth: 15,
  aliases: 20,
  cost: 400,
  // A purchase is work for five services, a list is one query: 20 of either a request.
  weights: { crearCompra: 20, compras: 20, compra: 10 },
};

/** The body of a request (GraphQL over HTTP). */
export interface GraphqlRequest {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>> | null;
  readonly operationName?: string | null;
}

/** An error, as GraphQL shows it; `extensions` bear what our other routes' errors do. */
interface ShownError {
  readonly message: string;
  readonly locations?: readonly { readonly line: number; readonly column: number }[];
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code: string; readonly status: number };
}

export interface GraphqlAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly data?: unknown; readonly errors?: readonly ShownError[] };
}

export interface GraphqlEngine {
  /** 200 with what could be done; 4xx where the document was not carried out, or nothing of it came about. */
  answer(body: GraphqlRequest, request: FastifyRequest, reply: FastifyReply): Promise<GraphqlAnswer>;
}

interface Context {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export interface GraphqlOptions {
  readonly purchases: Purchases;
  /** Whether anyone may ask what there is to ask for. */
  readonly introspection: boolean;
  readonly log: Logger;
}

/**
 * GraphQL by its reference implementation, which is loaded here: only whoever speaks GraphQL pays for it. Our limits
 * are asked between its parser and its validation, whose own work grows with the square of what is asked for.
 */
export const createGraphqlEngine = async ({
  purchases,
  introspection,
  log,
}: GraphqlOptions): Promise<GraphqlEngine> => {
  const graphql = await import('graphql');
  const schema = graphql.buildSchema(typeDefinitions);
  const rules = introspection
    ? graphql.specifiedRules
    : [...graphql.specifiedRules, graphql.NoSchemaIntrospectionCustomRule];

  const roots = {
    async compras({ idUsuario, limit }: { idUsuario: string; limit?: number | null }, { request }: Context) {
      if ([...idUsuario].length > SHORT_TEXT) throw wrong('idUsuario: es demasiado largo');
      if (limit != null && limit < 1) throw wrong('limit: debe ser al menos 1');
      checkText({ idUsuario });
      return purchases.ofUser(idUsuario, limit ?? undefined, request);
    },
    compra: ({ id }: { id: string }, { request }: Context) => purchases.find(id, request),
    async crearCompra(
      { productos: text, ...rest }: { idUsuario: string; productos: string; domicilio: string },
      { request, reply }: Context,
      { path }: { path: { key: string | number } },
    ) {
      const productos = readProductos(text);
      if ('fault' in productos) throw wrong(productos.fault);
      const wanted = checked({ ...rest, productos });
      // Several purchases of one request share its key: each counts under its own name.
      const id = await purchases.begin(request, reply, `/v1#${path.key}`, wanted);
      return { codigo: 203, mensaje: 'Procesando Mensaje', id };
    },
  };

  const shown = (error: GraphQLError, { request }: Context): ShownError => {
    const { locations, path, originalError } = error;
    const at = { ...(locations && { locations }), ...(path && { path }) };
    if (originalError instanceof HttpError) {
      const [problem] = originalError.problems;
      return {
        message: problem?.detail ?? originalError.message,
        ...at,
        extensions: { code: problem?.code ?? '', status: originalError.statusCode },
      };
    }
    if (originalError) {
      log.error(
        { err: originalError, request: request.id, trace_id: traceIdOf(request.traceparent) },
        'a GraphQL field failed',
      );
      return {
        message: 'Ha fallado algo en el servicio',
        ...at,
        extensions: { code: 'ERROR_INTERNO', status: 500 },
      };
    }
    return { message: error.message, ...at, extensions: { code: 'PETICION_INVALIDA', status: 400 } };
  };

  const refused = (errors: readonly GraphQLError[], context: Context): GraphqlAnswer => ({
    status: 400,
    headers: {},
    body: { errors: errors.slice(0, MOST_ERRORS).map((error) => shown(error, context)) },
  });

  return {
    async answer({ query, variables, operationName }, request, reply) {
      const context: Context = { request, reply };
      let document: import('graphql').DocumentNode;
      try {
        document = graphql.parse(query, { maxTokens: MOST_TOKENS, noLocation: false });
      } catch (error) {
        if (error instanceof graphql.GraphQLError) return refused([error], context);
        throw error;
      }
      const excess = excessOf(document, limits);
      if (excess !== undefined) return refused([new graphql.GraphQLError(excess)], context);
      const faults = graphql.validate(schema, document, rules, {
        maxErrors: MOST_ERRORS,
        hideSuggestions: !introspection,
      });
      if (faults.length > 0) return refused(faults, context);
      const { data, errors } = await graphql.execute({
        schema,
        document,
        rootValue: roots,
        contextValue: context,
        variableValues: variables ?? {},
        operationName: operationName ?? null,
        hideSuggestions: !introspection,
      });
      // Every field at the root may be null: without data nothing was carried out at all.
      if (data == null) return refused(errors ?? [], context);
      const body = { data, ...(errors && { errors: errors.map((error) => shown(error, context)) }) };
      const cause = nothingDone(data) ? errors?.[0]?.originalError : undefined;
      if (!(cause instanceof HttpError)) return { status: 200, headers: {}, body };
      // As on our other routes: whoever looks at the status alone sees that it must be sent again, or not.
      return { status: cause.statusCode, headers: cause.headers, body };
    },
  };
};

const nothingDone = (data: Readonly<Record<string, unknown>>): boolean =>
  Object.values(data).every((field) => field === null);

const wrong = (detail: string): HttpError => new HttpError({ status: 400, code: 'VALOR_INVALIDO', detail });

const check = compileValidator({ schema: pedido, method: '', url: '', httpPart: 'body' });

/** What REST asks of a body is asked of the arguments, too. */
const checked = (wanted: Pedido): Pedido => {
  const result = check(wanted) as { readonly error?: HttpError };
  if (result.error instanceof HttpError) {
    const [problem] = result.error.problems;
    throw wrong(`${problem?.source?.pointer?.slice(1) ?? ''}: ${problem?.detail}`);
  }
  checkText({ idUsuario: wanted.idUsuario, domicilio: wanted.domicilio });
  for (const { producto } of wanted.productos) checkText({ productos: producto });
  return wanted;
};

/** A string of GraphQL may spell by escapes what no text of ours may hold. */
const checkText = (texts: Readonly<Record<string, string>>): void => {
  for (const [name, text] of Object.entries(texts)) {
    const fault = textFault(text);
    if (fault !== undefined) throw wrong(`${name}: ${fault}`);
  }
};
