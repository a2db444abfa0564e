import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from '../deploy/free-port.ts';
import { startGuardian } from '../deploy/guardian.ts';
import { type BrokerOptions, type BrokerPorts, brokerPidFile, startBroker } from '../deploy/pulsar/broker.ts';
import { brokerInstallation } from '../deploy/pulsar/broker-installation.ts';
import { type BrokerSecurity, makeBrokerSecurity } from '../deploy/pulsar/broker-security.ts';
import { ServerRefused } from '../deploy/server-refused.ts';

/** A broker for tests. */
export interface TestPulsar {
  /** `pulsar://…` */
  readonly serviceUrl: string;
  /** `ws://…`, without the path of the WebSocket API. */
  readonly wsUrl: string;
  /** `http://…`, of the admin REST. */
  readonly adminUrl: string;
  /** Stops a broker that this process started, and removes its data. A shared one goes on. */
  stop(): Promise<void>;
}

/** A broker of this process's own, which it may take away and bring back. */
export interface OwnTestPulsar extends TestPulsar {
  /** The broker dies at once, as in a crash. Its data stays. */
  kill(): Promise<void>;
  /** Starts it again, on the same ports and data. */
  restart(): Promise<void>;
  /** Freezes the broker: connections stay, nothing is answered. `resume` ends that. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** The addresses and credentials of a broker that asks who is there. The plain addresses ask for a token too. */
export interface TestSecurity extends BrokerSecurity {
  /** `pulsar+ssl://…` */
  readonly serviceUrl: string;
  /** `wss://…` */
  readonly wsUrl: string;
  /** `https://…` */
  readonly adminUrl: string;
}

export interface OwnPulsarOptions {
  /** Greatest heap, in MiB: 512 unless told. */
  readonly heapMb?: number;
  /** Compiled as well as Java can, which costs its start twice the work: for what measures. */
  readonly longLived?: boolean;
}

const path = (): string => process.env.PATH ?? '';

/**
 * The jars that the tests' brokers run on, fetched where they are missing.
 * @returns undefined, and says so in a line, where this machine cannot run a broker: the caller's tests are then skipped
 */
const findBroker = async (): Promise<Pick<BrokerOptions, 'java' | 'jars'> | undefined> => {
  try {
    const cache = process.env.PULSAR_CACHE;
    return await brokerInstallation(path(), { ...(cache ? { cache } : {}), say: console.log });
  } catch (error) {
    if (!(error instanceof ServerRefused)) throw error;
    console.log(`skipped: ${error.message}`);
    return undefined;
  }
};

/** Fetches the jars, where they are missing and can be: a suite's time limit does not count that. */
export const preparePulsar = async (): Promise<void> => {
  await findBroker();
};

/** So often is a start tried: another process may take a port between our choice and the broker's use of it. */
const ATTEMPTS = 3;
const RETRY_MS = 1_000;
const POLL_MS = 20;

const run = promisify(execFile);

const start = async (
  { heapMb, longLived }: OwnPulsarOptions,
  security?: (folder: string) => Promise<BrokerSecurity>,
): Promise<{ own: OwnTestPulsar; ports: BrokerPorts; security: BrokerSecurity | undefined } | undefined> => {
  const found = await findBroker();
  if (found === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'cordada-pulsar-'));
  const guardian = startGuardian(brokerPidFile(folder), 'KILL', folder);
  const attempt = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    for (let n = 1; ; n += 1) {
      try {
        return await work();
      } catch (error) {
        if (n === ATTEMPTS || !/ in use/.test(String(error))) throw error;
        await wait(RETRY_MS);
      }
    }
  };
  try {
    const made = await security?.(join(folder, 'security'));
    const common = {
      ...found,
      folder,
      shortLived: !longLived,
      ...(heapMb && { heapMb }),
      ...(made && { security: made }),
    };
    let ports: BrokerPorts = { broker: 0, web: 0 };
    let running = await attempt(async () => {
      const [broker = 0, web = 0, brokerTls = 0, webTls = 0] = await freePorts(4);
      ports = { broker, web, ...(made && { brokerTls, webTls }) };
      return startBroker({ ...common, ports });
    });
    const own: OwnTestPulsar = {
      serviceUrl: `pulsar://127.0.0.1:${ports.broker}`,
      wsUrl: `ws://127.0.0.1:${ports.web}`,
      adminUrl: `http://127.0.0.1:${ports.web}`,
      kill: () => running.kill(),
      async restart() {
        running = await attempt(() => startBroker({ ...common, ports }));
      },
      async pause() {
        process.kill(running.pid, 'SIGSTOP');
        // a busy machine takes its time to stop all threads
        while (!(await run('ps', ['-o', 'stat=', '-p', String(running.pid)])).stdout.startsWith('T'))
          await wait(POLL_MS);
      },
      async resume() {
        process.kill(running.pid, 'SIGCONT');
      },
      async stop() {
        await running.kill();
        await guardian.end();
      },
    };
    return { own, ports, security: made };
  } catch (error) {
    await guardian.end();
    throw error;
  }
};

/**
 * Starts a broker of this process's own on 127.0.0.1, on free ports, in a temporary folder. It is gone when the process
 * is, however that ends.
 * @returns undefined, and says so in a line, where this machine cannot run one: the caller's tests are then skipped
 */
export async function startOwnPulsar(options: OwnPulsarOptions = {}): Promise<OwnTestPulsar | undefined> {
  return (await start(options))?.own;
}

/** As `startOwnPulsar`, a broker that wants a token or a client certificate from everyone, over TLS too. */
export async function startSecuredPulsar(
  options: OwnPulsarOptions = {},
): Promise<(OwnTestPulsar & { readonly security: TestSecurity }) | undefined> {
  const started = await start(options, makeBrokerSecurity);
  if (started?.security === undefined) return undefined;
  const { own, ports, security } = started;
  return {
    ...own,
    security: {
      ...security,
      serviceUrl: `pulsar+ssl://127.0.0.1:${ports.brokerTls}`,
      wsUrl: `wss://127.0.0.1:${ports.webTls}`,
      adminUrl: `https://127.0.0.1:${ports.webTls}`,
    },
  };
}

/**
 * The broker that all test files of a run share: the one at `TEST_PULSAR_URL` and `TEST_PULSAR_ADMIN_URL`, else one of
 * this process's own. Take names of your own on it.
 * @returns undefined where there is none: the caller's tests are then skipped
 */
export async function startTestPulsar(options: OwnPulsarOptions = {}): Promise<TestPulsar | undefined> {
  const { TEST_PULSAR_URL: serviceUrl, TEST_PULSAR_ADMIN_URL: adminUrl } = process.env;
  if (serviceUrl === undefined || adminUrl === undefined) return startOwnPulsar(options);
  const wsUrl = adminUrl.replace(/^http/, 'ws');
  return { serviceUrl, adminUrl, wsUrl, stop: async () => undefined };
}
