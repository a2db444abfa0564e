/** `npm run provision [-- --check] [--no-schema-enforcement]`: makes on the broker what the manifest declares. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { PulsarAdminError } from '../bus/pulsar/admin.ts';
import { ProvisionRefused, provision, provisionDifference } from '../bus/pulsar/provision.ts';
import { productProvision } from '../bus/pulsar/provision-settings.ts';
import { ConfigError } from '../config/declare.ts';
import { readSettings } from '../config/settings.ts';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** @returns the exit code */
const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: { check: { type: 'boolean' }, 'no-schema-enforcement': { type: 'boolean' } },
  });
  const settings = readSettings(process.env);
  if (settings.PULSAR_ADMIN_URL === undefined && settings.BUS_URL === 'memory:') {
    throw new ConfigError([
      'BUS_URL does not name a broker: set it, as in BUS_URL=pulsar://127.0.0.1:6650 npm run provision',
    ]);
  }
  const enforce = values['no-schema-enforcement'] ? false : undefined;
  const options = await productProvision(settings, sleep, enforce);
  if (values.check) {
    const { changes, refusals } = await provisionDifference(options);
    for (const line of [...changes.map((change) => change.line), ...refusals.map((reason) => `✘ ${reason}`)])
      say(line);
    const drift = changes.length + refusals.length;
    say(drift === 0 ? '✔ the broker has all that is declared' : `✘ ${drift} differences`);
    return drift === 0 ? 0 : 1;
  }
  const changed = await provision(options, say);
  say(changed === 0 ? '✔ nothing to do' : `✔ ${changed} changes made`);
  return 0;
};

const isOurs = (error: unknown): error is Error =>
  error instanceof ConfigError ||
  error instanceof ProvisionRefused ||
  error instanceof PulsarAdminError ||
  String((error as { code?: unknown } | null)?.code).startsWith('ERR_PARSE_ARGS');

try {
  process.exitCode = await main();
} catch (error) {
  if (!isOurs(error)) throw error;
  for (const line of error.message.split('\n')) process.stderr.write(`✘ ${line}\n`);
  process.exitCode = 1;
}
