import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePorts } from '../free-port.ts';
import { underLock } from '../under-lock.ts';
import { classArchiveOf, findJava, startBroker } from './broker.ts';
import { brokerJars, type JarsOptions } from './broker-jars.ts';

/** How long the JVM may take to write the archive, once it is asked to end. */
const WRITE_TIMEOUT_MS = 120_000;

/** What a broker runs on. */
export interface BrokerInstallation {
  readonly java: string;
  readonly jars: string;
}

/**
 * Java, the broker's jars (`brokerJars`), and beside them the classes of a start as the JVM itself keeps them (class data
 * sharing): with those a start takes less than half the work. They are made once for a Java, by a start of their own; where
 * that fails, brokers start without.
 * @param path PATH
 * @throws ServerRefused where Java is missing, or the jars are and cannot be fetched
 */
export const brokerInstallation = async (path: string, options: JarsOptions): Promise<BrokerInstallation> => {
  const java = findJava(path);
  const jars = await brokerJars(path, options);
  const archive = classArchiveOf(java, jars);
  if (existsSync(archive)) return { java, jars };
  const waiting = () => options.say('· waiting for another process that prepares the broker …');
  try {
    await underLock(join(dirname(archive), 'classes.lock'), waiting, async () => {
      if (existsSync(archive)) return;
      options.say('· preparing the broker, once: the next starts take half the time …');
      const began = performance.now();
      await makeArchive({ java, jars }, archive);
      options.say(`✔ prepared in ${((performance.now() - began) / 1000).toFixed(0)} s`);
    });
  } catch (error) {
    // A cache that may only be read is one reason.
    options.say(`· not prepared, it starts slower: ${(error as Error).message}`);
  }
  return { java, jars };
};

/** Resolves once it stands at its place, whole. */
const makeArchive = async (installed: BrokerInstallation, archive: string): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'cordada-classes-'));
  const part = join(folder, 'classes.jsa');
  try {
    const [broker = 0, web = 0] = await freePorts(2);
    const data = join(folder, 'data');
    const options = { ...installed, folder: data, ports: { broker, web }, shortLived: true };
    const running = await startBroker({ ...options, recordClasses: part });
    // The JVM writes it as it ends by itself.
    process.kill(running.pid, 'SIGTERM');
    const timer = new AbortController();
    const late = wait(WRITE_TIMEOUT_MS, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([running.ended, late]);
    timer.abort();
    await running.kill();
    if (!existsSync(part)) throw new Error('Java wrote no archive of its classes');
    const beside = `${archive}.part`; // the temporary folder may be on another disk
    cpSync(part, beside);
    renameSync(beside, archive);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
