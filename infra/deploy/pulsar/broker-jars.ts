import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../find-program.ts';
import { ServerRefused } from '../server-refused.ts';
import { underLock } from '../under-lock.ts';

const pom = fileURLToPath(new URL('pom.xml', import.meta.url));

/** The broker that we run, as pom.xml pins it. */
export const brokerVersion = /<pulsar\.version>([^<]+)</.exec(readFileSync(pom, 'utf8'))?.[1] ?? '';

/** Where the jars go unless something else is asked for: all checkouts of a user share it. */
export const defaultCache = (): string => join(homedir(), '.cache', 'cordada');

/** A line of progress after so many jars. */
const SHOWN_EVERY = 25;

export interface JarsOptions {
  /** The folder that holds a folder for each version of the broker. */
  readonly cache?: string;
  /** Takes lines of progress. */
  say(line: string): void;
}

/** Resolves and copies by Maven, into `folder`. */
const fetchInto = (folder: string, mvn: string, say: JarsOptions['say']): Promise<void> =>
  new Promise((resolve, reject) => {
    const args = ['-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime'];
    const child = spawn(mvn, [...args, `-DoutputDirectory=${folder}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = (): void => void child.kill('SIGKILL');
    process.on('exit', stop);
    const errors: string[] = [];
    let jars = 0;
    const read = (line: string): void => {
      const error = /^\[ERROR\] (.+)/.exec(line)?.[1];
      if (error !== undefined) errors.push(error);
      if (!/Downloaded from \S+: \S+\.jar /.test(line)) return;
      jars += 1;
      if (jars % SHOWN_EVERY === 0) say(`· ${jars} jars of about 320 fetched …`);
    };
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', read);
    child.on('error', reject);
    child.on('close', (code) => {
      process.off('exit', stop);
      if (code === 0) return resolve();
      const [reason = `exit code ${code}`] = errors;
      reject(new ServerRefused(`Maven cannot fetch the jars of Pulsar ${brokerVersion}: ${reason}`));
    });
  });

/**
 * The jars of the broker, fetched once by Maven (235 MB) and kept in the cache, whole or not at all. Whoever asks while
 * another process fetches waits for it.
 * @returns the folder that holds them
 * @throws ServerRefused where they are not there and Maven is missing or cannot fetch them
 */
export const brokerJars = async (path: string, options: JarsOptions): Promise<string> => {
  const { say } = options;
  const folder = join(options.cache ?? defaultCache(), `pulsar-${brokerVersion}`);
  const jars = join(folder, 'lib');
  if (existsSync(jars)) return jars;
  const mvn = findProgram('mvn', path);
  if (mvn === undefined) {
    throw new ServerRefused(
      `The jars of Pulsar ${brokerVersion} are not in ${folder}, and Maven, which fetches them, is missing: apt-get install maven`,
    );
  }
  mkdirSync(folder, { recursive: true });
  const waiting = () => say(`· waiting for another process that fetches Pulsar ${brokerVersion} …`);
  return underLock(join(folder, 'fetching.lock'), waiting, async () => {
    if (existsSync(jars)) return jars;
    say(`· fetching Pulsar ${brokerVersion} by Maven into ${folder}, once …`);
    const began = performance.now();
    const part = join(folder, 'lib.part');
    rmSync(part, { recursive: true, force: true });
    await fetchInto(part, mvn, say);
    renameSync(part, jars);
    say(`✔ Pulsar ${brokerVersion} fetched in ${((performance.now() - began) / 1000).toFixed(0)} s`);
    return jars;
  });
};
