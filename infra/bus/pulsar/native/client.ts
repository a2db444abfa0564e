import { StartRefused } from '../../../service/start-refused.ts';

/** The part of npm's `pulsar-client` that we use. Types of our own: the package is optional, and so are its types. */

export interface NativeMessageId {
  toString(): string;
}

export interface NativeMessage {
  getData(): Buffer;
  /** An array with named members. */
  getProperties(): Record<string, string>;
  getPartitionKey(): string;
  getPublishTimestamp(): number;
  getMessageId(): NativeMessageId;
}

export interface NativeProducer {
  send(message: {
    readonly data: Buffer;
    readonly properties: Readonly<Record<string, string>>;
    readonly partitionKey: string;
  }): Promise<NativeMessageId>;
  isConnected(): boolean;
  close(): Promise<null>;
}

export interface NativeConsumer {
  receive(): Promise<NativeMessage>;
  acknowledgeId(id: NativeMessageId): Promise<null>;
  isConnected(): boolean;
  close(): Promise<null>;
}

export interface NativeReader {
  isConnected(): boolean;
  close(): Promise<null>;
}

export interface NativeSchema {
  readonly schemaType: 'Avro';
  readonly name: string;
  readonly schema: string;
}

export interface NativeClient {
  createProducer(config: Readonly<Record<string, unknown>>): Promise<NativeProducer>;
  subscribe(config: Readonly<Record<string, unknown>>): Promise<NativeConsumer>;
  createReader(
    config: Readonly<Record<string, unknown>> & {
      listener(message: NativeMessage): Promise<void> | undefined;
    },
  ): Promise<NativeReader>;
  getPartitionsForTopic(topic: string): Promise<string[]>;
  close(): Promise<null>;
}

interface NativeModule {
  readonly Client: {
    new (config: Readonly<Record<string, unknown>>): NativeClient;
    setLogHandler(handler: (level: number, file: string, line: number, message: string) => void): void;
  };
  readonly MessageId: { latest(): NativeMessageId };
  readonly AuthenticationTls: new (paths: {
    readonly certificatePath: string;
    readonly privateKeyPath: string;
  }) => object;
  readonly AuthenticationToken: new (params: { readonly token: string }) => object;
}

/** Who we are to the broker, and whom we trust to be the broker. */
export interface NativeAccess {
  /** `pulsar://host:port` or `pulsar+ssl://host:port`. */
  readonly url: string;
  readonly token?: string;
  /** Paths of PEM files: a client certificate and its key. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Path of a PEM file with the authorities that the broker's certificate may be of; Node's where absent. */
  readonly trustCerts?: string;
}

/** The package is not installed, or has no binary for this machine. */
export class NativeClientMissing extends StartRefused {
  override readonly name = 'NativeClientMissing';
}

/** Makes connections to one broker; each has sockets and threads of its own. */
export interface NativeClients {
  open(): NativeClient;
  latest(): NativeMessageId;
}

/** How long the client itself waits for an answer of the broker, in seconds. */
const OPERATION_TIMEOUT_S = 10;
const CONNECTION_TIMEOUT_MS = 5_000;

/**
 * The first client of the process, which must never be collected: the library has one logger a process, and whatever of
 * its threads logs, of whichever client, reads the log level in the memory of the first.
 */
const kept: NativeClient[] = [];

/**
 * Loads the native client, on first use.
 * @throws NativeClientMissing that names both ways out
 */
export const loadNativeClients = async (access: NativeAccess): Promise<NativeClients> => {
  const native = await load(access.url);
  const { url, token, certificate, trustCerts } = access;
  // a token says more than the certificate of the connection that it comes over
  const authentication =
    token !== undefined
      ? new native.AuthenticationToken({ token })
      : certificate &&
        new native.AuthenticationTls({ certificatePath: certificate.cert, privateKeyPath: certificate.key });
  return {
    latest: () => native.MessageId.latest(),
    open: () => {
      const client = new native.Client({
        serviceUrl: url,
        operationTimeoutSeconds: OPERATION_TIMEOUT_S,
        connectionTimeoutMs: CONNECTION_TIMEOUT_MS,
        ioThreads: 1,
        messageListenerThreads: 1,
        statsIntervalInSeconds: 0,
        tlsValidateHostname: true,
        ...(authentication && { authentication }),
        ...(certificate && {
          tlsCertificateFilePath: certificate.cert,
          tlsPrivateKeyFilePath: certificate.key,
        }),
        ...(trustCerts !== undefined && { tlsTrustCertsFilePath: trustCerts }),
      });
      if (kept.length === 0) kept.push(client);
      return client;
    },
  };
};

const load = async (url: string): Promise<NativeModule> => {
  try {
    const { default: native } = (await import('pulsar-client')) as { default: NativeModule };
    return native;
  } catch (error) {
    const { protocol, hostname } = new URL(url);
    const websocket =
      protocol === 'pulsar+ssl:' ? `pulsar+wss://${hostname}:8443` : `pulsar+ws://${hostname}:8080`;
    throw new NativeClientMissing(
      `${protocol} needs the npm package pulsar-client, which cannot be loaded (${reason(error)}): ` +
        `install it (npm install), or use Pulsar's WebSocket API (BUS_URL=${websocket}).`,
    );
  }
};

const reason = (error: unknown): string => {
  const { code, message } = error as { code?: string; message?: string };
  return code ?? String(message).split('\n')[0] ?? '';
};
