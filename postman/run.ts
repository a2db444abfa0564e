import { fileURLToPath } from 'node:url';
import { parseArgs, styleText } from 'node:util';
import { ConfigError } from '@cordada/infra/config/declare.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import newman, { type Execution } from 'newman';
import { startFleetProcess } from './fleet-process.ts';

/** Runs the collection against a BFF that runs, or one that it starts; the last line is `N passed, N failed`. */
const collection = fileURLToPath(new URL('cordada.postman_collection.json', import.meta.url));

const out = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const isBff = async (url: string): Promise<boolean> => {
  try {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(5_000) });
    return ((await answer.json()) as { service?: string }).service === 'bff';
  } catch {
    // Nothing there, or something that is not ours.
    return false;
  }
};

const runCollection = (base: string, folder: readonly string[] | undefined): Promise<readonly Execution[]> =>
  new Promise((resolve, reject) => {
    newman.run(
      {
        collection,
        envVar: [{ key: 'base', value: base }],
        timeoutRequest: 30_000,
        ...(folder === undefined ? {} : { folder }),
      },
      (error, summary) => (error === null ? resolve(summary.run.executions) : reject(error)),
    );
  });

interface Tally {
  passed: number;
  readonly failures: string[];
}

/** What each folder's requests came to. A request or a script that broke counts as one that failed. */
const tallies = (executions: readonly Execution[]): Map<string, Tally> => {
  const folders = new Map<string, Tally>();
  for (const { item, assertions = [], requestError, prerequestScript = [], testScript = [] } of executions) {
    const folder = item.parent()?.name ?? '';
    const tally = folders.get(folder) ?? { passed: 0, failures: [] };
    folders.set(folder, tally);
    const broken = [requestError, ...[...prerequestScript, ...testScript].map(({ error }) => error)];
    for (const error of broken) if (error) tally.failures.push(`${item.name}: ${error.message}`);
    for (const { assertion, error, skipped } of assertions) {
      if (error) tally.failures.push(`${item.name}: ${assertion}: ${error.message}`);
      else if (skipped !== true) tally.passed += 1;
    }
  }
  return folders;
};

const report = (executions: readonly Execution[]): void => {
  let passed = 0;
  let failed = 0;
  for (const [folder, tally] of tallies(executions)) {
    const mark = tally.failures.length === 0 ? styleText('green', '✓') : styleText('red', '✗');
    out(`${mark} ${folder}: ${tally.passed} passed, ${tally.failures.length} failed`);
    for (const failure of tally.failures) out(`    ${failure}`);
    passed += tally.passed;
    failed += tally.failures.length;
  }
  out(`${executions.length} requests`);
  out(`${passed} passed, ${failed} failed`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
};

/** The BFF to run against: the one that was named, the local one where it runs, else one of our own. */
const findBff = async (signal: AbortSignal): Promise<{ url: string; stop?: () => Promise<void> }> => {
  const settings = readSettings(process.env);
  if (settings.BFF_URL !== undefined) {
    const url = settings.BFF_URL.replace(/\/+$/, '');
    if (!(await isBff(url))) throw new Error(`Nothing answers at ${url} (BFF_URL). Start it with: npm start`);
    return { url };
  }
  const local = `http://127.0.0.1:${settings.PORT_BASE}`;
  if (await isBff(local)) return { url: local };
  out('No BFF runs here: starting one for this run (npm start, on free ports and a temporary folder)');
  return startFleetProcess(process.env, signal);
};

class Interrupted extends Error {}

const main = async (): Promise<void> => {
  const { values } = parseArgs({ options: { folder: { type: 'string', multiple: true } } });
  const interrupted = new AbortController();
  const untilInterrupted = new Promise<never>((_, reject) => {
    interrupted.signal.addEventListener('abort', () => reject(interrupted.signal.reason));
  });
  untilInterrupted.catch(() => undefined);
  // On, not once: from a terminal a Ctrl-C comes twice, the second from npm.
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => interrupted.abort(new Interrupted(`interrupted by ${name}`)));
  const bff = await findBff(interrupted.signal);
  try {
    out(`Running the collection against ${bff.url}`);
    report(await Promise.race([runCollection(bff.url, values.folder), untilInterrupted]));
  } finally {
    await bff.stop?.();
  }
};

try {
  await main();
} catch (error) {
  const lines =
    error instanceof ConfigError ? error.faults : [error instanceof Error ? error.message : String(error)];
  for (const line of lines) process.stderr.write(`${line}\n`);
  out('0 passed, 1 failed');
  process.exitCode = 1;
  // What newman still has under way would go on against a BFF that is gone.
  if (error instanceof Interrupted) process.exit();
}
