import type { ApiKey, Role } from '../http/access.ts';
import { ConfigError, declare, isOneLetterOff, type Setting, type Settings } from './declare.ts';
import { MOST_REPLICAS, type Neighbour, neighbourNames, type UrlsSetting, urlsSetting } from './services.ts';

const roleNames: readonly Role[] = ['ADMIN', 'OPERARIO', 'CLIENTE'];
const shortestSecret = 32;

const urlsOf = (service: Neighbour) =>
  declare.optional(
    declare.urls(
      ['http:', 'https:'],
      `Addresses of the replicas of ${service}, separated by commas; the local one by default.`,
    ),
  );
const urls = Object.fromEntries(
  neighbourNames.map((service) => [urlsSetting(service), urlsOf(service)]),
) as Record<UrlsSetting, ReturnType<typeof urlsOf>>;

const keptFor = (what: string) =>
  declare.integer(0, 0, 36_500, `Days for which ${what} are kept; 0: for ever.`);

/** Every variable that the product reads. */
export const declared = {
  DATA_DIR: declare.text('.data', 'Folder of the embedded database, where DATABASE_URL is not set.'),
  PORT_BASE: declare.integer(8000, 1, 65_000, 'Port of the bff; the other services take the nine after it.'),
  PORT: declare.optional(
    declare.integer(
      0,
      1,
      65_535,
      'Port of a service started by itself, instead of its place after PORT_BASE.',
    ),
  ),
  REPLICA: declare.integer(
    0,
    0,
    MOST_REPLICAS - 1,
    'Number of a replica of a service started by itself: it listens on 100 ports further for each.',
  ),
  ...urls,
  HOST: declare.text('127.0.0.1', 'Address that the servers listen on.'),
  BUS_URL: declare.url(
    'memory:',
    ['memory:', 'pulsar:', 'pulsar+ssl:', 'pulsar+ws:', 'pulsar+wss:'],
    'Transport of the messages: within the process, or a Pulsar broker, natively or over its WebSocket API.',
  ),
  PULSAR_ADMIN_URL: declare.optional(
    declare.url(
      '',
      ['http:', 'https:'],
      "The broker's admin REST; by default port 8080 (TLS: 8443) of BUS_URL's host, or a WebSocket URL's own.",
    ),
  ),
  PULSAR_TOKEN: declare.optional(declare.text('', 'Token that tells the broker who is there.')),
  PULSAR_CERT: declare.optional(
    declare.text('', 'Client certificate that tells the broker who is there (PEM file), with PULSAR_KEY.'),
  ),
  PULSAR_KEY: declare.optional(declare.text('', 'Private key of PULSAR_CERT (PEM file).')),
  PULSAR_TRUST_CERTS: declare.optional(
    declare.text('', "Authorities that the broker's certificate may be of (PEM file); else the usual ones."),
  ),
  PULSAR_PARTITIONS: declare.integer(
    4,
    1,
    100,
    'Partitions of each topic that npm run provision makes; fixed from then on.',
  ),
  PULSAR_PORT: declare.integer(6650, 1, 65_535, 'Port of the broker that npm run pulsar runs.'),
  PULSAR_WEB_PORT: declare.integer(8080, 1, 65_535, 'Port of its admin REST and its WebSocket API.'),
  PULSAR_CACHE: declare.optional(
    declare.text('', 'Folder that its jars are fetched into; ~/.cache/cordada by default.'),
  ),
  POSTGRES_PORT: declare.integer(5432, 1, 65_535, 'Port of the Postgres that npm run db runs.'),
  DATABASE_URL: declare.optional(
    declare.url('', ['postgres:', 'postgresql:'], 'Postgres server; one database a service is made in it.'),
  ),
  DATABASE_POOL_SIZE: declare.integer(
    5,
    1,
    500,
    'Connections of one process to one database for transactions; as many again for reads, and three more.',
  ),
  DATABASE_STATEMENT_TIMEOUT: declare.integer(
    15_000,
    100,
    600_000,
    'Milliseconds after which Postgres ends a statement, or a transaction that does nothing.',
  ),
  DATABASE_LOCK_TIMEOUT: declare.integer(
    5_000,
    10,
    600_000,
    'Milliseconds for which Postgres has a statement wait for a lock.',
  ),
  DATABASE_SSL: declare.optional(
    declare.oneOf(
      'verify',
      ['off', 'require', 'verify'],
      'Encrypts the connection to Postgres; verify: and checks its certificate. Else as DATABASE_URL says.',
    ),
  ),
  DATABASE_CA: declare.optional(
    declare.text('', 'File of the certificate (PEM) that the one of Postgres must be signed by.'),
  ),
  DATABASE_ROLES: declare.oneOf(
    'auto',
    ['auto', 'off'],
    'auto: a role a service, which reaches its own database only, where the user of DATABASE_URL may make it.',
  ),
  DATABASE_ROLE_SECRET: declare.optional(
    declare.parsed<string>(
      '',
      atLeast(shortestSecret),
      'The passwords of the roles are derived from it; from the password in DATABASE_URL where it is absent.',
    ),
  ),
  REDIS_URL: declare.optional(
    declare.url(
      '',
      ['redis:', 'rediss:'],
      'Redis that consultas caches in, a database of its own; without it, and without REDIS_HOST, in memory.',
    ),
  ),
  REDIS_HOST: declare.optional(declare.text('', 'Host of that Redis, instead of REDIS_URL.')),
  REDIS_PORT: declare.integer(6379, 1, 65_535, 'Port of that Redis, and of the one that npm run redis runs.'),
  REDIS_PASSWORD: declare.optional(declare.text('', 'Password of that Redis.')),
  CACHE_TTL_MS: declare.integer(
    300_000,
    1,
    86_400_000,
    'Milliseconds for which consultas shows an item, or a page of them, as it was.',
  ),
  CACHE_STOCK_TTL_MS: declare.integer(
    150_000,
    1,
    86_400_000,
    'Milliseconds for which consultas shows what there is of an item as it was.',
  ),
  AUTH: declare.oneOf('required', ['demo', 'required'], 'demo: the routes of the demo are open to anyone.'),
  API_KEYS: declare.parsed<readonly ApiKey[]>(
    [],
    parseApiKeys,
    'Keys for X-API-Key: name:key[:ROLE+ROLE], separated by commas; every role where none is named.',
  ),
  RATE_LIMIT: declare.integer(600, 1, 1_000_000, 'Requests a second of one caller.'),
  RETAIN_LEDGER_DAYS: declare.integer(
    730,
    0,
    36_500,
    'Days that movements of stock and ended reservations are kept one by one, then added up; 0: for ever. No purchase older than that can be undone.',
  ),
  RESERVA_TTL_MS: declare.integer(
    900_000,
    100,
    2_592_000_000,
    'Milliseconds that a reservation of stock lives: then one made by hand ends, and a purchase gives up or goes on.',
  ),
  RETAIN_INBOX_DAYS: declare.integer(
    14,
    1,
    3_650,
    'Days for which it is known what has been handled; an older message is held, not handled.',
  ),
  RETAIN_SAGAS_DAYS: keptFor(
    'sagas that have ended, with their logs (what they made stays: purchases, orders, campaigns),',
  ),
  RETAIN_OPERATIONS_DAYS: keptFor('operations'),
  RETAIN_AUDIT_DAYS: keptFor('what people did by hand, and why'),
  LOG_LEVEL: declare.oneOf(
    'info',
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    'The least that is logged.',
  ),
  LOG_FORMAT: declare.oneOf(
    'auto',
    ['auto', 'json', 'readable'],
    'auto: readable in a terminal, JSON otherwise.',
  ),
  SERVICE_TOKEN_SECRET: declare.optional(
    declare.parsed<string>(
      '',
      atLeast(shortestSecret),
      'Signs the tokens that services trust one another by; the same for all services of an installation.',
    ),
  ),
  BFF_URL: declare.optional(
    declare.url(
      '',
      ['http:', 'https:'],
      'Where scenario and postman find the bff; the local one by default.',
    ),
  ),
} as const satisfies Record<string, Setting<unknown>>;

export type AllSettings = Settings<typeof declared>;

/** Settings whose values do not belong in a message. */
const secret = new Set<string>([
  'DATABASE_URL',
  'REDIS_URL',
  'REDIS_PASSWORD',
  'API_KEYS',
  'SERVICE_TOKEN_SECRET',
  'DATABASE_ROLE_SECRET',
  'PULSAR_TOKEN',
]);

/**
 * Reads all settings at once.
 * @param env the variables of the process
 * @param defaults what a program of ours starts with unless the environment says otherwise (`{ AUTH: 'demo' }`)
 * @throws ConfigError with a line for each variable that is out of range or one letter off a known name
 */
export const readSettings = (
  env: Readonly<Record<string, string | undefined>>,
  defaults: Partial<AllSettings> = {},
): AllSettings => {
  const faults: string[] = [];
  const names = Object.keys(declared);
  for (const name of Object.keys(env)) {
    const meant = names.find((known) => isOneLetterOff(name, known));
    if (meant !== undefined && !names.includes(name))
      faults.push(`${inOneLine(name)} is not a setting: did you mean ${meant}?`);
  }
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(declared)) {
    const text = env[name];
    values[name] = setting.initial;
    if (name in defaults) values[name] = defaults[name as keyof AllSettings];
    if (text === undefined || text === '') continue;
    try {
      values[name] = setting.read(text);
    } catch (error) {
      const shown = secret.has(name) ? '' : `=${inOneLine(text)}`;
      faults.push(`${name}${shown} ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return values as AllSettings;
};

const longestShown = 60;

/** A value as a message shows it: without line breaks, and cut short. */
const inOneLine = (text: string): string => {
  const line = text.replace(/[\u0000-\u001f\u007f]/g, ' ');
  return line.length > longestShown ? `${line.slice(0, longestShown)}…` : line;
};

function atLeast(length: number): (text: string) => string {
  return (text) => {
    if (text.length < length) throw new Error(`must have at least ${length} characters`);
    return text;
  };
}

function parseApiKeys(text: string): readonly ApiKey[] {
  const keys = text.split(',').map((entry): ApiKey => {
    const [name = '', key = '', named, ...rest] = entry.trim().split(':');
    const roles = named === undefined ? roleNames : named.split('+');
    const known = roles.every((role): role is Role => (roleNames as readonly string[]).includes(role));
    if (name === '' || key === '' || rest.length > 0 || !known)
      throw new Error(
        `must be name:key[:ROLE+ROLE], separated by commas, with roles of ${roleNames.join(', ')}`,
      );
    return { name, key, roles: roles as readonly Role[] };
  });
  if (new Set(keys.map(({ name }) => name)).size < keys.length) throw new Error('names a holder twice');
  return keys;
}
