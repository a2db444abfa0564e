import { execFile } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const VALID_DAYS = '30';

/** A broker that asks who is there, by a token or a client certificate, and speaks TLS. All paths are PEM files. */
export interface BrokerSecurity {
  /** Of the superuser, which may do anything. */
  readonly token: string;
  /** A token that the broker knows to be `subject`'s, who may do nothing unless a namespace grants it. */
  tokenOf(subject: string): string;
  /** The authority that signed the broker's certificate. */
  readonly trustCerts: string;
  /** A client certificate of the superuser, and its key. */
  readonly cert: string;
  readonly key: string;
  /** What the broker's configuration says of it. */
  readonly settings: Readonly<Record<string, string>>;
}

const SUPERUSER = 'cordada';

/** A JSON Web Token, HS256. */
const sign = (subject: string, secret: Buffer): string => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: subject })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
};

/**
 * Makes a secret, an authority, and certificates of the broker (127.0.0.1, localhost) and of a client.
 * @param folder where they go; whoever reads it is the superuser
 */
export const makeBrokerSecurity = async (folder: string): Promise<BrokerSecurity> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  const key = ['-newkey', 'rsa:2048', '-nodes', '-days', VALID_DAYS];
  const authority = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem'];

  const secret = randomBytes(32);
  await writeFile(at('token-secret'), secret);
  await openssl(
    'req',
    '-x509',
    ...key,
    '-subj',
    '/CN=test authority',
    '-keyout',
    'ca-key.pem',
    '-out',
    'ca.pem',
  );
  for (const [name, subject, extension] of [
    ['broker', 'broker', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
    ['client', SUPERUSER, 'extendedKeyUsage=clientAuth'],
  ] as const) {
    const files = ['-keyout', `${name}-key.pem`, '-out', `${name}.pem`];
    await openssl(
      'req',
      '-x509',
      ...key,
      ...authority,
      '-subj',
      `/CN=${subject}`,
      '-addext',
      extension,
      ...files,
    );
  }

  const token = sign(SUPERUSER, secret);
  const authentication = 'org.apache.pulsar.broker.authentication.AuthenticationProvider';
  return {
    token,
    tokenOf: (subject) => sign(subject, secret),
    trustCerts: at('ca.pem'),
    cert: at('client.pem'),
    key: at('client-key.pem'),
    settings: {
      authenticationEnabled: 'true',
      authenticationProviders: `${authentication}Token,${authentication}Tls`,
      authorizationEnabled: 'true',
      superUserRoles: SUPERUSER,
      tokenSecretKey: `file://${at('token-secret')}`,
      tlsCertificateFilePath: at('broker.pem'),
      tlsKeyFilePath: at('broker-key.pem'),
      tlsTrustCertsFilePath: at('ca.pem'),
      brokerClientAuthenticationPlugin: 'org.apache.pulsar.client.impl.auth.AuthenticationToken',
      brokerClientAuthenticationParameters: `token:${token}`,
      brokerClientTrustCertsFilePath: at('ca.pem'),
    },
  };
};
