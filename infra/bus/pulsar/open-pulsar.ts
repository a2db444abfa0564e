import { readFile } from 'node:fs/promises';
import { ConfigError } from '../../config/declare.ts';
import type { AllSettings } from '../../config/settings.ts';
import type { Bus } from '../bus.ts';
import type { OpenBusOptions } from '../open-options.ts';
import { type PulsarAdmin, pulsarAdmin } from './admin.ts';
import { adminBacklogs } from './backlogs.ts';
import type { NativeSchema } from './native/client.ts';
import { publishedSchemas } from './published-schemas.ts';
import { restFetch, type TlsIdentity } from './rest-fetch.ts';

/** The tenant of all that is ours. */
export const TENANT = 'cordada';

/** Pulsar's own defaults. */
const ADMIN_PORT = 8080;
const ADMIN_TLS_PORT = 8443;

type PulsarSettings = Pick<
  AllSettings,
  'BUS_URL' | 'PULSAR_ADMIN_URL' | 'PULSAR_TOKEN' | 'PULSAR_CERT' | 'PULSAR_KEY' | 'PULSAR_TRUST_CERTS'
>;

/** Where the admin REST is: as told, else on the broker's host at Pulsar's port, or a WebSocket URL's own. */
export const adminUrlOf = ({ BUS_URL, PULSAR_ADMIN_URL }: PulsarSettings): string => {
  if (PULSAR_ADMIN_URL !== undefined) return PULSAR_ADMIN_URL;
  const { protocol, hostname, host } = new URL(BUS_URL);
  if (protocol === 'pulsar+ws:') return `http://${host}`;
  if (protocol === 'pulsar+wss:') return `https://${host}`;
  if (protocol === 'pulsar+ssl:') return `https://${hostname}:${ADMIN_TLS_PORT}`;
  return `http://${hostname}:${ADMIN_PORT}`;
};

/** @throws ConfigError with a line for each file that cannot be read, or that has no use */
const readIdentity = async (settings: PulsarSettings): Promise<TlsIdentity> => {
  const faults: string[] = [];
  const secured = /^(pulsar\+ssl|pulsar\+wss):$/.test(new URL(settings.BUS_URL).protocol);
  const read = async (name: 'PULSAR_TRUST_CERTS' | 'PULSAR_CERT' | 'PULSAR_KEY') => {
    const path = settings[name];
    if (path === undefined) return undefined;
    if (!secured) faults.push(`${name} is for pulsar+ssl:// or pulsar+wss://, BUS_URL is neither`);
    return readFile(path).catch((error: NodeJS.ErrnoException) => {
      faults.push(`${name}=${path} cannot be read: ${error.code}`);
      return undefined;
    });
  };
  const [ca, cert, key] = [
    await read('PULSAR_TRUST_CERTS'),
    await read('PULSAR_CERT'),
    await read('PULSAR_KEY'),
  ];
  const { PULSAR_CERT, PULSAR_KEY } = settings;
  if ((PULSAR_CERT === undefined) !== (PULSAR_KEY === undefined))
    faults.push('PULSAR_CERT and PULSAR_KEY go together: one of them is not set');
  if (faults.length > 0) throw new ConfigError(faults);
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
};

/**
 * The admin REST of the broker that the settings name.
 * @throws ConfigError with a line for each file that cannot be read, or that has no use
 */
export const openAdmin = async (settings: PulsarSettings): Promise<PulsarAdmin> =>
  adminAs(await readIdentity(settings), settings);

const adminAs = (identity: TlsIdentity, settings: PulsarSettings): PulsarAdmin =>
  pulsarAdmin({
    url: adminUrlOf(settings),
    fetch: restFetch(identity),
    token: settings.PULSAR_TOKEN,
  });

/** What producers declare, so that a broker which wants a schema takes them. */
const newestSchema = (topic: string): NativeSchema | undefined => {
  const schema = publishedSchemas(topic).at(-1);
  return schema === undefined ? undefined : { schemaType: 'Avro', name: topic, schema };
};

/**
 * Opens the Pulsar transport that BUS_URL names. Whether the broker is there is `health`'s to tell.
 * @throws ConfigError, NativeClientMissing with a line that says what to change
 */
export const openPulsar = async (options: OpenBusOptions): Promise<Bus> => {
  const { settings, manifest, runtime, rejected } = options;
  const identity = await readIdentity(settings);
  const admin = adminAs(identity, settings);
  const common = {
    tenant: TENANT,
    manifest,
    runtime,
    backlogs: adminBacklogs(admin, TENANT),
    ...(rejected && { rejected }),
  };
  const token = settings.PULSAR_TOKEN !== undefined && { token: settings.PULSAR_TOKEN };

  if (/^pulsar\+wss?:/.test(settings.BUS_URL)) {
    const { webSocketBus } = await import('./websocket.ts');
    return webSocketBus({
      ...common,
      ...token,
      url: settings.BUS_URL.replace(/^pulsar\+/, ''),
      tls: identity,
    });
  }
  const { PULSAR_CERT: cert, PULSAR_KEY: key, PULSAR_TRUST_CERTS: trustCerts } = settings;
  const { nativeBus } = await import('./native.ts');
  return nativeBus({
    ...common,
    schemaOf: newestSchema,
    access: {
      url: settings.BUS_URL,
      ...token,
      ...(cert !== undefined && key !== undefined && { certificate: { cert, key } }),
      ...(trustCerts !== undefined && { trustCerts }),
    },
  });
};
