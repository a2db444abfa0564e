import { HttpError, type Problem } from '@cordada/infra/http/errors.ts';
import { type Server, takeJson } from '@cordada/infra/http/server.ts';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a body of JSON:API is told whose attributes are not what the route wants. */
    attributesRule?: string;
  }
}

/** https://www.iana.org/assignments/media-types/application/vnd.api+json */
export const MEDIA_TYPE = 'application/vnd.api+json';
const WRITES = new Set(['POST', 'PATCH']);

/**
 * Routes that speak JSON:API, in the words of the document that they come from: their bodies are of its media type and
 * so are their answers, errors too. What is wrong is looked for in this order: the key, the media type, the body.
 */
export const addJsonApiRoutes = async (app: Server, addRoutes: (scope: Server) => void): Promise<void> => {
  const routes: FastifyPluginAsync = async (child) => {
    const scope = child as unknown as Server;
    takeJson(scope, MEDIA_TYPE);
    // As the document of the API shows it.
    scope.addHook('onRoute', (shown) => {
      const media = { produces: [MEDIA_TYPE], ...(shown.schema?.body ? { consumes: [MEDIA_TYPE] } : {}) };
      shown.schema = { ...shown.schema, ...media, security: [{ apiKey: [] }] };
    });
    // After the access check, which is a hook of the whole server, and before the body is read.
    scope.addHook('preParsing', async ({ method, headers }) => {
      const given = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
      if (WRITES.has(method) && given !== MEDIA_TYPE) throw notJsonApi();
    });
    scope.addHook('onSend', async (_request, reply) => {
      reply.type(MEDIA_TYPE);
    });
    scope.setErrorHandler((error, request) => {
      throw error instanceof HttpError ? inItsWords(error, request) : error;
    });
    addRoutes(scope);
  };
  await app.register(routes);
};

const notJsonApi = (): HttpError =>
  new HttpError({
    status: 415,
    code: 'TIPO_NO_ADMITIDO',
    detail: `Content-Type debe ser ${MEDIA_TYPE}`,
    source: { header: 'content-type' },
  });

const inItsWords = (error: HttpError, request: FastifyRequest): HttpError => {
  const { statusCode, problems, headers } = error;
  if (statusCode === 401)
    return new HttpError(
      problems.map((problem) => ({ ...problem, detail: 'API Key inválida o no proporcionada' })),
      headers,
    );
  if (statusCode !== 400) return error;
  const told = problems.map((problem) => bodyProblem(problem, request));
  // What is no document of JSON:API has no attributes to speak of.
  const malformed = told.filter(({ detail }) => detail === MALFORMED);
  const [first, ...more] = malformed.length > 0 ? malformed : told;
  if (first === undefined) return error;
  return new HttpError([first, ...more.filter(({ detail }) => detail !== first.detail)], headers);
};

/** Codes of what is wrong with the value of a field that is known. */
const ofValue = new Set(['CAMPO_REQUERIDO', 'VALOR_INVALIDO', 'IMPORTE_INVALIDO', 'NUMERO_INEXACTO']);
const MALFORMED = 'Formato JSON API inválido';

const bodyProblem = (problem: Problem, { routeOptions }: FastifyRequest): Problem => {
  const pointer = problem.source?.pointer;
  if (pointer === undefined) return problem;
  const rule = routeOptions.config.attributesRule;
  const ofAttribute = pointer.startsWith('/data/attributes/') && ofValue.has(problem.code);
  return { ...problem, detail: ofAttribute && rule !== undefined ? rule : MALFORMED };
};
