import type { Socket } from 'node:net';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify';
import type { Registry } from 'prom-client';
import type { Runtime } from '../runtime.ts';
import { addDurations, type FindDurations } from '../telemetry/durations.ts';
import type { Logger } from '../telemetry/logger.ts';
import { traceIdOf } from '../telemetry/trace-context.ts';
import { access, addAccessControl, createIdentify, type Security } from './access.ts';
import { checkHeaders } from './check-headers.ts';
import { hearOut } from './early-answer.ts';
import { errorDocument, HttpError, notFound, type Problem } from './errors.ts';
import { addFastPath, type FastPath, unanswered } from './fast-path.ts';
import { addHealthRoutes, type Checks } from './health.ts';
import { settleNumbers, stringifyJson } from './json-body.ts';
import { Digits, JsonRefused, parseJson } from './json-text.ts';
import { createMethodIndex } from './method-index.ts';
import { addRateLimit } from './rate-limit.ts';
import { acceptRawPaths } from './raw-path.ts';
import { answerHeaders, givenId, LONGEST_ID, spanOf } from './request-identity.ts';
import type { Server } from './typed-server.ts';
import { checkUrlText, compileValidator, tokenHeader } from './validation.ts';

export type { Server } from './typed-server.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Its own span, in the trace of the caller where that has one: what it brings about carries this on. */
    traceparent: string;
    /** When it came, epoch milliseconds. */
    startedAt: number;
  }
}

export interface ServerOptions {
  /** The service: in logs, in metrics, and the audience of the tokens that other services call it with. */
  readonly name: string;
  /** One sentence for the head of `/docs`. */
  readonly description: string;
  readonly runtime: Runtime;
  readonly log: Logger;
  readonly registry: Registry;
  readonly security: Security;
  /** What `/health` asks; each rejects with the reason. */
  readonly checks: Checks;
  /** What `/ready` asks besides. */
  readonly ready?: Checks;
  /** Other paths of `/health`. */
  readonly healthAliases?: readonly string[];
  /** Requests a second of one caller; unlimited when absent. */
  readonly rateLimit?: number;
  /** The largest body in bytes; 1 MiB when absent. */
  readonly bodyLimit?: number;
  /** `/docs`; true when absent. */
  readonly docs?: boolean;
  /** Answers some requests without their route, as that would. */
  readonly fastPath?: FastPath;
  /** Whether an error means that something the service needs is away for now: answered 503 instead of 500. */
  isUnavailable?(error: unknown): boolean;
}

const requestTimeoutMs = 30_000;
const oneMebibyte = 1_048_576;
/** A body up to so many times as large as it may be is still read to its end. */
const patienceFactor = 16;

/**
 * A server with all that each route of ours has in common: lossless bodies, JSON:API errors, access control, rate
 * limit, metrics, `/health`, `/ready`, `/metrics`, `/docs`. Add the routes, then `listen` or `inject`. `close()`
 * refuses new connections, finishes what runs, and lets `preClose` hooks end what would run for ever.
 */
export const createServer = async (options: ServerOptions): Promise<Server> => {
  const { name, runtime, log, bodyLimit = oneMebibyte } = options;
  let draining = false;
  const app: Server = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: (logger) => logger, // nothing logs by request: a child for each would be made for nothing
    bodyLimit,
    requestTimeout: requestTimeoutMs,
    // What reaches a connection that is already open while we drain is still answered.
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
    genReqId: ({ headers }) => givenId(headers) ?? runtime.uuid(),
    clientErrorHandler(error, socket) {
      answerBrokenRequest(error, socket);
    },
    frameworkErrors: (error, request, reply) => {
      reply.header('x-request-id', request.id);
      answer(error, request as FastifyRequest, reply as FastifyReply);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  acceptRawPaths(app.server);

  const answer = (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const known = toHttpError(error, options);
    if (known.statusCode >= 500 && known.problems[0]?.code === 'ERROR_INTERNO')
      log.error(
        {
          err: error,
          method: request.method,
          route: request.routeOptions.url,
          request: request.id,
          trace_id: traceIdOf(request.traceparent),
        },
        'request failed',
      );
    reply
      .code(known.statusCode)
      .headers(known.headers)
      .type('application/json; charset=utf-8')
      .serializer(JSON.stringify)
      .send(errorDocument(known.problems));
  };

  app.setValidatorCompiler(compileValidator);
  app.setSerializerCompiler(
    ({ schema }) =>
      (data) =>
        stringifyJson(data, schema),
  );
  app.addHook('preSerialization', (_request, reply, payload, done) => {
    // Without a schema of its own an answer would go through `JSON.stringify`, which knows no `Digits`.
    if (reply.getSerializationFunction(String(reply.statusCode)) === undefined)
      reply.serializer((value: unknown) => stringifyJson(value));
    done(null, payload);
  });
  app.setErrorHandler((error, request, reply) => answer(error, request, reply));

  app.removeAllContentTypeParsers();
  takeJson(app, 'application/json');

  const methods = createMethodIndex();
  app.addHook('onRoute', ({ method, url }) => methods.add(method, url));
  app.setNotFoundHandler((request, reply) => {
    const allowed = methods.allowed(request.url);
    if (allowed.length === 0) throw notFound(`No existe ${request.url.split('?', 1)[0]}`);
    reply.header('allow', allowed.join(', '));
    throw new HttpError({
      status: 405,
      code: 'METODO_NO_ADMITIDO',
      detail: `Se admite ${allowed.join(', ')}`,
    });
  });

  app.decorateRequest('traceparent', '');
  const durations = addMetrics(app, options);
  app.addHook('onRequest', (request, reply, done) => {
    request.traceparent = spanOf(request.headers, runtime.uuid());
    const headers = answerHeaders(request.id, request.traceparent);
    for (let i = 0; i < headers.length; i += 2) reply.header(headers[i] as string, headers[i + 1]);
    done();
  });
  if (options.docs !== false) await addDocs(app, options);
  const identify = createIdentify(name, options.security);
  addAccessControl(app as unknown as FastifyInstance, identify);
  if (options.rateLimit !== undefined)
    await addRateLimit(app as unknown as FastifyInstance, runtime, options.rateLimit);
  app.addHook(
    'preParsing',
    checkHeaders((request) => {
      tokenHeader(request, 'x-request-id', LONGEST_ID);
      checkUrlText(request);
    }),
  );
  app.addHook('preValidation', (request, _reply, done) => {
    const schema = request.routeOptions.schema?.body;
    request.body = schema === undefined ? undefined : settleNumbers(request.body, schema);
    done();
  });
  app.addHook('preClose', async () => {
    draining = true;
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    // A client that kept its connection would hold `close()` back until the connection had idled long enough.
    if (draining) reply.header('connection', 'close');
    hearOut(request, reply, patienceFactor * bodyLimit, draining);
    done(null, payload);
  });

  if (options.fastPath !== undefined)
    addFastPath(app.server, options.fastPath, { runtime, identify, durations, draining: () => draining });
  addHealthRoutes(app, {
    service: name,
    runtime,
    registry: options.registry,
    checks: options.checks,
    ...(options.ready === undefined ? {} : { ready: options.ready }),
    ...(options.healthAliases && { healthAliases: options.healthAliases }),
    draining: () => draining,
  });
  return app;
};

/** Has `app` read bodies of a media type as JSON without loss. */
export const takeJson = (app: Server, mediaType: string): void => {
  app.addContentTypeParser(mediaType, { parseAs: 'buffer' }, async (_request: FastifyRequest, body: Buffer) =>
    readBody(body),
  );
};

/** @throws HttpError 400 for what is not UTF-8 or not acceptable JSON */
const readBody = (body: Buffer): unknown => {
  if (body.length === 0) return undefined;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw badBody('JSON_MALFORMADO', 'El cuerpo no es UTF-8 válido', '');
  }
  try {
    return parseJson(text, { number: (digits) => new Digits(digits) });
  } catch (error) {
    if (error instanceof JsonRefused) throw badBody(error.code, error.message, error.pointer);
    throw error;
  }
};

const badBody = (code: string, detail: string, pointer: string): HttpError =>
  new HttpError({ status: 400, code, detail, source: { pointer } });

/** What an error of Fastify's own means to a client. */
const frameworkProblems: Readonly<Record<string, Omit<Problem, 'status'>>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: 'DEMASIADO_GRANDE',
    detail: 'El cuerpo es demasiado grande',
    source: { pointer: '' },
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'TIPO_NO_ADMITIDO',
    detail: 'Content-Type debe ser application/json',
    source: { header: 'content-type' },
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'CUERPO_INCOMPLETO',
    detail: 'El cuerpo no tiene la longitud anunciada',
    source: { header: 'content-length' },
  },
  FST_ERR_BAD_URL: {
    code: 'URL_MALFORMADA',
    detail: 'La codificación con % de la URL no es válida',
    source: { parameter: 'url' },
  },
};

const toHttpError = (error: unknown, options: ServerOptions): HttpError => {
  if (error instanceof HttpError) return error;
  const { code, statusCode } = (error ?? {}) as Partial<FastifyError>;
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') return notFound('No existe nada con un identificador tan largo');
  const known = code === undefined ? undefined : frameworkProblems[code];
  if (known !== undefined && statusCode !== undefined) return new HttpError({ status: statusCode, ...known });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new HttpError({
      status: statusCode,
      code: 'PETICION_INVALIDA',
      detail: 'La petición no es válida',
    });
  if (options.isUnavailable?.(error) === true)
    return new HttpError(
      {
        status: 503,
        code: 'NO_DISPONIBLE',
        detail: `El servicio ${options.name} no está disponible por ahora`,
      },
      { 'retry-after': '1' },
    );
  return new HttpError({ status: 500, code: 'ERROR_INTERNO', detail: 'Ha fallado algo en el servicio' });
};

/** Answers what is not HTTP at all, before there is a request. */
const answerBrokenRequest = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem: Problem =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? { status: 431, code: 'CABECERAS_DEMASIADO_LARGAS', detail: 'Las cabeceras son demasiado largas' }
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? { status: 408, code: 'PETICION_LENTA', detail: 'La petición no llegó entera a tiempo' }
        : { status: 400, code: 'PETICION_MALFORMADA', detail: 'La petición no es HTTP válido' };
  const document = errorDocument([problem]);
  const body = JSON.stringify(document);
  socket.end(
    `HTTP/1.1 ${problem.status} ${document.errors[0]?.title}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
};

const addMetrics = (app: Server, { runtime, registry }: ServerOptions): FindDurations => {
  const durations = addDurations(registry, {
    name: 'http_request_duration_seconds',
    help: 'How long requests took, by method, route and status',
    labelNames: ['method', 'route', 'status'],
  });
  app.decorateRequest('startedAt', 0);
  app.addHook('onRequest', (request, _reply, done) => {
    request.startedAt = unanswered(request.raw)?.since ?? runtime.now();
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { method } = request;
    const route = request.routeOptions.url ?? 'none';
    durations(method, route, String(reply.statusCode)).observe(runtime.now() - request.startedAt);
    done();
  });
  return durations;
};

const addDocs = async (app: Server, { name, description }: ServerOptions): Promise<void> => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: `Cordada · ${name}`, description, version: '1.0.0' },
      components: {
        securitySchemes: {
          apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
          service: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        },
      },
    },
    hideUntagged: false,
  });
  // The page's own routes come without a declaration; they show nothing that is secret.
  const pages: FastifyPluginAsync = async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: access.public, rateLimit: false };
    });
    await scope.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
  };
  await app.register(pages);
};
