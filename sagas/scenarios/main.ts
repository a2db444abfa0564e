import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';
import { ConfigError } from '@cordada/infra/config/declare.ts';
import { type AllSettings, readSettings } from '@cordada/infra/config/settings.ts';
import { Command } from 'commander';
import { BffUnreachable, bffClient } from './bff-client.ts';
import { cacheCaida } from './cache-caida.ts';
import { compraJsonapi } from './compra-jsonapi.ts';
import { compraScenarios } from './compra-scenario.ts';
import { exitoso } from './exitoso.ts';
import { inventarioCqrs } from './inventario-cqrs.ts';
import type { Narrator, Playable, ScenarioOutcome } from './play.ts';
import { registroEventoFallido } from './registro-evento-fallido.ts';
import { registroPartnerFallido } from './registro-partner-fallido.ts';
import { compraScenario } from './run-compra.ts';
import { campaignScenario } from './run-scenario.ts';
import { entryLine } from './saga-view.ts';

const scenarios: readonly Playable[] = [
  ...[exitoso, registroEventoFallido, registroPartnerFallido].map(campaignScenario),
  ...compraScenarios.map(compraScenario),
  inventarioCqrs,
  cacheCaida,
  compraJsonapi,
];

const pause = async (ms: number, signal?: AbortSignal): Promise<void> => {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    // An aborted wait is a wait that is over.
    if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
  }
};

const out = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const fail = (line: string): void => {
  process.stderr.write(`${line}\n`);
  process.exitCode = 1;
};

const list = (): void => {
  out('npm run scenario <name>|all drives one through the BFF and checks what comes of it:');
  for (const { name, summary } of scenarios) out(`  ${name.padEnd(26)}${summary}`);
};

/** Tells a person what happens, as it happens. */
const storyteller = (): Narrator => {
  const begun = performance.now();
  const at = (): string =>
    styleText('dim', `${((performance.now() - begun) / 1000).toFixed(3).padStart(8)} s`);
  return {
    rule: (text) => out(`${at()}  rule: ${text}`),
    requested: (request, saga) => out(`${at()}  ${request} → 202, saga ${saga}`),
    moved: ({ entradas, estado }) => {
      for (const entry of entradas)
        out(`${at()}  ${styleText('dim', estado.padEnd(12))} ${entryLine(entry)}`);
    },
    ended: (estado) => out(`${at()}  ${styleText('bold', estado)}`),
    checked: ({ holds, says, saw }) =>
      out(
        `  ${holds ? styleText('green', '✓') : styleText('red', '✗')} ${says}${saw === undefined ? '' : ` — saw: ${saw}`}`,
      ),
  };
};

const nothing = (): void => undefined;
const silent: Narrator = {
  rule: nothing,
  requested: nothing,
  moved: nothing,
  ended: nothing,
  checked: nothing,
};

interface RunOptions {
  readonly json: boolean;
  readonly limit: number;
}

/** What stands at the BFF's address is not a BFF. */
class NotABff extends Error {}

/** Where the settings say that consultas caches. */
const redisOf = ({ REDIS_URL, REDIS_HOST, REDIS_PORT, REDIS_PASSWORD = '' }: AllSettings) =>
  REDIS_URL ?? (REDIS_HOST && `redis://:${encodeURIComponent(REDIS_PASSWORD)}@${REDIS_HOST}:${REDIS_PORT}`);

const run = async (
  chosen: readonly Playable[],
  base: string,
  options: RunOptions,
  redis: string | undefined,
): Promise<void> => {
  const interrupted = new AbortController();
  // On, not once: from a terminal a Ctrl-C comes twice, the second from npm, and the rules must be lifted still.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupted.abort());
  const bff = bffClient({ base, fetch, pause, timeoutMs: 15_000 });
  // Asked first, so that a BFF that is not there is said at once, and not after half a scenario.
  const { json } = await bff.send('GET', '/health');
  if ((json as { service?: string } | undefined)?.service !== 'bff')
    throw new NotABff(`What answers at ${base} is no bff of Cordada.`);
  const outcomes: ScenarioOutcome[] = [];
  for (const scenario of chosen) {
    if (interrupted.signal.aborted) break;
    if (!options.json) out(`\n${styleText('bold', scenario.name)}: ${scenario.summary}`);
    const outcome = await scenario.run({
      bff,
      narrator: options.json ? silent : storyteller(),
      uuid: randomUUID,
      now: () => performance.now(),
      pause,
      limitMs: options.limit * 1000,
      signal: interrupted.signal,
      ...(redis !== undefined && { redis }),
    });
    outcomes.push(outcome);
  }
  const held = outcomes.filter(({ holds }) => holds).length;
  if (options.json) out(JSON.stringify(outcomes));
  else out(`\n${held} of ${chosen.length} scenarios hold`);
  if (held < chosen.length) process.exitCode = 1;
};

const seconds = (text: string): number => {
  const value = Number(text);
  if (!(value > 0 && value <= 3600))
    throw new Error(`--limit is in seconds, more than 0 and at most 3600: ${text}`);
  return value;
};

const program = new Command('npm run scenario --')
  .description('Drives a saga through the BFF, shows it as it goes and checks what it left in every service.')
  .argument('[name]', `${scenarios.map(({ name }) => name).join(', ')} or all; without it: lists them`)
  .option('--json', 'only the outcomes, for machines', false)
  .option('--limit <seconds>', 'how long a saga may take', seconds, 60)
  .action(async (name: string | undefined, options: RunOptions) => {
    if (name === undefined) return list();
    const chosen = scenarios.filter((scenario) => name === 'all' || scenario.name === name);
    if (chosen.length === 0) {
      const names = scenarios.map((scenario) => scenario.name).join(', ');
      return fail(`There is no scenario "${name}": ${names} or all.`);
    }
    const settings = readSettings(process.env);
    const base = settings.BFF_URL ?? `http://127.0.0.1:${settings.PORT_BASE}`;
    try {
      await run(chosen, base, options, redisOf(settings));
    } catch (error) {
      if (error instanceof NotABff) return fail(error.message);
      if (!(error instanceof BffUnreachable)) throw error;
      fail(
        `Nothing answers at ${base} (${error.message}). Start it with: npm start, or name another by BFF_URL.`,
      );
    }
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  for (const fault of error.faults) fail(fault);
}
