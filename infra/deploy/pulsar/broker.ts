import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../find-program.ts';
import { startGuardian } from '../guardian.ts';
import { ServerRefused } from '../server-refused.ts';
import type { BrokerSecurity } from './broker-security.ts';

const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;
const ASK_TIMEOUT_MS = 5_000;
const POLL_MS = 100;
const KEPT_LOG = 4_000;

export interface BrokerPorts {
  /** Binary protocol. */
  readonly broker: number;
  /** Admin REST and WebSocket. */
  readonly web: number;
  /** The same two over TLS, where `security` is given. */
  readonly brokerTls?: number;
  readonly webTls?: number;
}

export interface BrokerOptions {
  /** The `java` to run. */
  readonly java: string;
  /** The folder of jars: `brokerJars`. */
  readonly jars: string;
  /** Data and configuration; the same folder brings the same topics back. */
  readonly folder: string;
  readonly ports: BrokerPorts;
  readonly security?: BrokerSecurity;
  /** Greatest heap, in MiB. */
  readonly heapMb?: number;
  /** For a broker that lives for minutes: it starts with half the work, and never gets as fast as it can be. */
  readonly shortLived?: boolean;
  /** The file that takes the classes it has loaded, when it ends by itself: broker-installation.ts. */
  readonly recordClasses?: string;
  /** Lines of the broker's log (warnings and errors), as they come. */
  log?(line: string): void;
}

export interface Broker {
  /** Whoever runs the broker wants to know when it ends by itself: the reason, in one line. */
  readonly ended: Promise<string>;
  /** Pid of the JVM. */
  readonly pid: number;
  /** Ends it as the broker wants to be ended: what is under way is written. By SIGKILL where that takes over 30 s. */
  stop(): Promise<void>;
  /** SIGKILL: a crash of the broker. Its disk stays. */
  kill(): Promise<void>;
}

/** What the JVM must open to the broker's Netty and metrics: the list of Pulsar's own bin/pulsar. */
const OPENED = [
  'java.base/jdk.internal.loader',
  'java.base/java.lang',
  'java.base/java.io',
  'java.base/java.util.zip',
  'java.base/java.nio',
  'java.base/jdk.internal.misc',
  'java.base/jdk.internal.platform',
  'java.management/sun.management',
  'jdk.management/com.sun.management.internal',
];

/** @throws ServerRefused where there is none */
export const findJava = (path: string): string => {
  const java = findProgram('java', path);
  if (java === undefined) {
    throw new ServerRefused('Pulsar needs Java 17 or newer: apt-get install openjdk-17-jre-headless');
  }
  return java;
};

/** Where the classes stand that a broker of these jars loads under this Java: broker-installation.ts makes them. */
export const classArchiveOf = (java: string, jars: string): string =>
  join(dirname(jars), `classes-${Math.trunc(statSync(realpathSync(java)).mtimeMs)}.jsa`);

const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The name of the interface that 127.0.0.1 is on: without it, the bookie listens on every one. */
const loopback = (): string | undefined =>
  Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some(({ address }) => address === '127.0.0.1'),
  )?.[0];

const configuration = ({ ports, security }: BrokerOptions): string => {
  const own: Record<string, string | number | undefined> = {
    bindAddress: '127.0.0.1',
    advertisedAddress: '127.0.0.1',
    brokerServicePort: ports.broker,
    webServicePort: ports.web,
    brokerServicePortTls: ports.brokerTls,
    webServicePortTls: ports.webTls,
    listeningInterface: loopback(),
    allowLoopback: 'true',
    ...security?.settings,
  };
  const lines = Object.entries(own).filter(([, value]) => value !== undefined);
  return [
    readFileSync(beside('standalone.conf'), 'utf8'),
    ...lines.map(([name, value]) => `${name}=${value}\n`),
  ].join('');
};

/** Whether the broker serves: its namespaces are there, and it answers its own health check. */
const isReady = async (web: string, security: BrokerSecurity | undefined): Promise<boolean> => {
  const headers: Record<string, string> =
    security === undefined ? {} : { authorization: `Bearer ${security.token}` };
  try {
    for (const path of ['namespaces/public/default', 'brokers/health']) {
      const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
      const answer = await fetch(`${web}/admin/v2/${path}`, { headers, signal });
      await answer.text();
      if (!answer.ok) return false;
    }
    return true;
  } catch {
    return false; // not yet
  }
};

/** Where the pid of the broker of a folder stands while it runs. */
export const brokerPidFile = (folder: string): string => join(folder, 'broker.pid');

/**
 * Where the broker of a folder unpacks its native libraries: one that is killed leaves them there, 10 MiB each time, and
 * the next start on the folder removes them.
 */
export const brokerTemporaryFolder = (folder: string): string => join(folder, 'temporary');

/** The pid of the broker that runs on a folder now. A crash may have left a pid that is another process's since. */
const brokerOf = (pidFile: string): number | undefined => {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8'));
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('PulsarStandaloneStarter') ? pid : undefined;
  } catch {
    return undefined; // no file, or no such process
  }
};

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/**
 * Starts a broker and waits until it serves. It listens on 127.0.0.1 only, and ends with this process however that ends.
 * @throws ServerRefused with the reason where it ends before, a port in use among them, or takes over two minutes
 */
export const startBroker = async (options: BrokerOptions): Promise<Broker> => {
  const { java, jars, folder, ports, security, heapMb = 512, log } = options;
  mkdirSync(folder, { recursive: true });
  const temporary = brokerTemporaryFolder(folder);
  const config = join(folder, 'standalone.conf');
  writeFileSync(config, configuration(options), { mode: 0o600 });
  const pidFile = brokerPidFile(folder);
  const other = brokerOf(pidFile);
  if (other !== undefined)
    throw new ServerRefused(`process ${other} is a broker that runs on ${folder} already`);
  rmSync(pidFile, { force: true });
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary);
  const guardian = startGuardian(pidFile, 'KILL');

  const archive = classArchiveOf(java, jars);
  const jvm = [
    ...(options.recordClasses !== undefined ? [`-XX:ArchiveClassesAtExit=${options.recordClasses}`] : []),
    ...(options.recordClasses === undefined && existsSync(archive)
      ? [`-XX:SharedArchiveFile=${archive}`]
      : []),
    // Classes that are not in the archive, and an archive that does not fit, are passed over in silence.
    '-Xlog:cds=error',
    '-Xlog:cds+dynamic=error',
    '-Xms128m',
    `-Xmx${heapMb}m`,
    '-XX:MaxDirectMemorySize=512m',
    '-XX:+ExitOnOutOfMemoryError',
    ...(options.shortLived ? ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'] : []),
    `-Djava.io.tmpdir=${temporary}`,
    '-Dio.netty.tryReflectionSetAccessible=true',
    `-Dlog4j2.configurationFile=${beside('log4j2.xml')}`,
    ...OPENED.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
  ];
  const program = ['-cp', join(jars, '*'), 'org.apache.pulsar.PulsarStandaloneStarter', '--config', config];
  const places = ['--metadata-dir', join(folder, 'metadata'), '--bookkeeper-dir', join(folder, 'bookkeeper')];
  const args = [...jvm, ...program, '--no-functions-worker', '--no-stream-storage', ...places];
  // The shell leaves the pid before it becomes the JVM, so that there is no moment in which the guardian knows none.
  const child = spawn('sh', ['-c', 'echo $$ > "$1"; shift; exec "$@"', 'sh', pidFile, java, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a Ctrl-C of the terminal reaches it through us
  });
  let kept = '';
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      kept = (kept + text).slice(-KEPT_LOG);
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) log?.(line);
    });
  }
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`${java} cannot be run: ${error.message}`));
    child.on('exit', (code, signal) => {
      rmSync(pidFile, { force: true }); // a guardian must not take another process for it
      const reason = /Address already in use|BindException/.test(kept)
        ? `a port of ${Object.values(ports).join(', ')} is in use`
        : (kept.match(/^.*(?:ERROR|Exception).*$/m)?.[0] ?? kept.trimEnd().split('\n').at(-1) ?? '');
      resolve(`the broker ended (${signal ?? `exit code ${code}`}): ${reason}`);
    });
  });
  const end = async (): Promise<void> => {
    child.ref();
    if (!hasEnded(child)) child.kill('SIGKILL');
    await ended;
    await guardian.end();
  };

  const web = `http://127.0.0.1:${ports.web}`;
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await isReady(web, security))) {
    if (!hasEnded(child) && performance.now() < deadline) {
      await wait(POLL_MS);
      continue;
    }
    const reason = hasEnded(child) ? await ended : `no answer within ${START_TIMEOUT_MS / 1000} s`;
    await end();
    throw new ServerRefused(`Pulsar did not start: ${reason}`);
  }
  child.unref();
  for (const stream of [child.stdout, child.stderr]) (stream as unknown as { unref(): void }).unref();

  return {
    ended,
    pid: child.pid ?? 0,
    kill: end,
    async stop() {
      child.ref();
      if (!hasEnded(child)) child.kill('SIGTERM');
      await Promise.race([ended, wait(STOP_TIMEOUT_MS, undefined, { ref: false })]);
      await end();
    },
  };
};
