import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { columnTypes } from './values.ts';

/** How the connection to the server is made private. Without it the URL's own `sslmode` counts. */
export type PostgresTls =
  | { readonly mode: 'off' }
  /** Encrypted, whoever the server is. */
  | { readonly mode: 'require' }
  /** The server's certificate must be of this authority (PEM), or of one that Node knows, and name the URL's host. */
  | { readonly mode: 'verify'; readonly ca?: string };

export interface Login {
  readonly name: string;
  /** Undefined where the server asks for none. */
  readonly password: string | undefined;
}

export interface PostgresOptions {
  /** `postgres://user:password@host:port/name`. The named database (`postgres` where none) is where others are made from. */
  readonly url: string;
  /** The service's own database, e.g. `cordada_campaign`; made (UTF8) where missing. */
  readonly database: string;
  /** The most connections for transactions, and as many again for autocommitted statements; one more for `background`. */
  readonly poolSize: number;
  readonly applicationName: string;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly tls?: PostgresTls;
  /** A role of the service's own, which reaches no other service's database; made where the URL's user may (role.ts). */
  readonly role?: Login;
  /** Is told in a line what the operator should know. */
  readonly told?: (line: string) => void;
  /**
   * Holds the database until `close`: `exclusive` against every other process, `shared` against those who want it
   * exclusively.
   */
  readonly hold?: 'exclusive' | 'shared';
}

/** How long to wait for a connection, new or from the pool. */
const CONNECT_TIMEOUT_MS = 5_000;

export const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

/** Parameters of the URL that would overrule `PostgresOptions.tls`. */
const TLS_PARAMETERS = [
  'ssl',
  'sslmode',
  'sslcert',
  'sslkey',
  'sslrootcert',
  'sslnegotiation',
  'uselibpqcompat',
];

const sslOf = (tls: PostgresTls, host: string): false | ConnectionOptions => {
  if (tls.mode !== 'verify') return tls.mode === 'require' && { rejectUnauthorized: false };
  const name = host.replace(/^\[|\]$/g, '');
  return {
    rejectUnauthorized: true,
    // pg names the server for the certificate's sake only where it has a name; else Node would expect `localhost`.
    ...(isIP(name) !== 0 && { host: name }),
    ...(tls.ca !== undefined && { ca: tls.ca }),
  };
};

/**
 * @param database undefined: the one that the URL names
 * @param login undefined: the URL's
 */
export const clientConfig = (
  { url: text, applicationName, tls }: Pick<PostgresOptions, 'url' | 'applicationName' | 'tls'>,
  database: string | undefined,
  login: Login | undefined,
): pg.ClientConfig => {
  const url = new URL(text);
  if (database !== undefined) url.pathname = `/${encodeURIComponent(database)}`;
  else if (url.pathname === '' || url.pathname === '/') url.pathname = '/postgres';
  if (login !== undefined) {
    url.username = encodeURIComponent(login.name);
    url.password = encodeURIComponent(login.password ?? '');
  }
  if (tls !== undefined) for (const name of TLS_PARAMETERS) url.searchParams.delete(name);
  return {
    connectionString: url.href,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    types: columnTypes,
    ...(tls !== undefined && { ssl: sslOf(tls, url.hostname) }),
  };
};

/** Runs `work` on a connection of its own. */
export const withClient = async <R>(
  config: pg.ClientConfig,
  work: (client: pg.Client) => Promise<R>,
): Promise<R> => {
  const client = new pg.Client(config);
  client.on('error', () => undefined); // the query under way rejects with it
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined); // the outcome of the work stands
  }
};
