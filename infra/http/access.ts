import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { checkHeaders } from './check-headers.ts';
import { HttpError } from './errors.ts';
import type { ServiceTokens } from './service-token.ts';

export const roles = ['ADMIN', 'OPERARIO', 'CLIENTE'] as const;
export type Role = (typeof roles)[number];

/**
 * Who may call a route.
 * - `public`: anyone.
 * - `roles`: who presents a key of one of these roles; with `demo: 'open'` anyone while `AUTH=demo`.
 * - `service`: another service of the installation, by its signed token.
 */
export type Access =
  | { readonly kind: 'public' }
  | { readonly kind: 'roles'; readonly roles: readonly Role[]; readonly demo: 'open' | 'closed' }
  | { readonly kind: 'service' };

export const access = {
  public: { kind: 'public' },
  service: { kind: 'service' },
  /** Those roles; anyone while `AUTH=demo`. */
  demoOpen: (...allowed: Role[]): Access => ({ kind: 'roles', roles: allowed, demo: 'open' }),
  /** Those roles, in the demo too. */
  only: (...allowed: Role[]): Access => ({ kind: 'roles', roles: allowed, demo: 'closed' }),
} as const satisfies Record<string, Access | ((...allowed: Role[]) => Access)>;

/** Who calls. `demo` stands for everyone without a key while `AUTH=demo`. */
export interface Caller {
  readonly kind: 'anonymous' | 'demo' | 'key' | 'service';
  readonly name: string;
  readonly roles: readonly Role[];
}

export interface ApiKey {
  /** Who holds it; what the audit shows. */
  readonly name: string;
  readonly key: string;
  readonly roles: readonly Role[];
}

export interface Security {
  readonly auth: 'demo' | 'required';
  readonly apiKeys: readonly ApiKey[];
  readonly tokens: ServiceTokens;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route; a route without it cannot be registered. */
    access?: Access;
  }
  interface FastifyRequest {
    caller: Caller;
  }
}

const anonymous: Caller = { kind: 'anonymous', name: 'anonymous', roles: [] };
const demo: Caller = { kind: 'demo', name: 'demo', roles: [] };
/** A header longer than this is refused before anything is computed from it. */
const longestCredential = 2_048;

/**
 * Refuses to register a route that does not say who may call it, finds out who calls before anything else of a request
 * is looked at, and refuses who may not before its body is read.
 */
export const addAccessControl = (app: FastifyInstance, identify: Identify): void => {
  app.decorateRequest('caller', null as unknown as Caller);
  app.addHook('onRoute', (route) => {
    if (route.config?.access === undefined)
      throw new Error(
        `${String(route.method)} ${route.url} does not declare who may call it (config.access)`,
      );
  });
  app.addHook('onRequest', (request, _reply, done) => {
    request.caller = identify(request.headers, request.routeOptions.config.access);
    done();
  });
  app.addHook(
    'preParsing',
    checkHeaders((request) => {
      if (!request.is404) authorize(request.caller, request.routeOptions.config.access);
    }),
  );
};

/** Who calls a route that `wanted` may call. */
export type Identify = (headers: IncomingHttpHeaders, wanted: Access | undefined) => Caller;

/** @param service the audience of the tokens that it believes */
export const createIdentify = (service: string, security: Security): Identify => {
  const known = security.apiKeys.map(({ name, key, roles }) => ({
    caller: { kind: 'key', name, roles } satisfies Caller,
    digest: digest(key),
  }));
  return (headers, wanted) => {
    if (wanted?.kind === 'service') {
      const token = bearerOf(headers.authorization);
      const name = token === undefined ? undefined : security.tokens.verify(token, service);
      return name === undefined ? anonymous : { kind: 'service', name, roles: [] };
    }
    const key = headers['x-api-key'];
    if (typeof key === 'string' && key.length <= longestCredential) {
      const asked = digest(key);
      // Every key is compared, so that the time taken does not tell which one matched.
      const [found] = known.filter((candidate) => timingSafeEqual(candidate.digest, asked));
      return found?.caller ?? anonymous;
    }
    return key === undefined && security.auth === 'demo' ? demo : anonymous;
  };
};

const SCHEME = 'bearer ';

/** What comes after `Bearer `; undefined where that does not stand there. */
const bearerOf = (header = ''): string | undefined =>
  header.length <= longestCredential && header.slice(0, SCHEME.length).toLowerCase() === SCHEME
    ? header.slice(SCHEME.length)
    : undefined;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** @throws HttpError 401 for who is not known, 403 for who has not the role */
const authorize = (caller: Caller, wanted: Access | undefined): void => {
  if (wanted?.kind === 'public') return;
  if (wanted?.kind === 'service') {
    if (caller.kind === 'service') return;
    throw unauthorized('Token de servicio inválido o no proporcionado', 'authorization', 'Bearer');
  }
  if (wanted?.kind === 'roles') {
    if (caller.kind === 'demo' && wanted.demo === 'open') return;
    if (caller.kind === 'key') {
      if (wanted.roles.some((role) => caller.roles.includes(role))) return;
      throw new HttpError({ status: 403, code: 'PROHIBIDO', detail: 'La API key no tiene el rol necesario' });
    }
    throw unauthorized('API key inválida o no proporcionada', 'x-api-key', 'ApiKey');
  }
  throw new HttpError({ status: 403, code: 'PROHIBIDO', detail: 'La ruta no declara quién puede llamarla' });
};

const unauthorized = (detail: string, header: string, scheme: string): HttpError =>
  new HttpError(
    { status: 401, code: 'NO_AUTENTICADO', detail, source: { header } },
    { 'www-authenticate': scheme },
  );
