/** `npm run ledger:check`: proves on the stock as it is that every quantity is the fold of its ledger. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { checkLedger } from '@cordada/consolidador/ledger.ts';
import { ConfigError } from '@cordada/infra/config/declare.ts';
import { type AllSettings, readSettings } from '@cordada/infra/config/settings.ts';
import { statement } from '@cordada/infra/database/database.ts';
import { openPGlite } from '@cordada/infra/database/pglite.ts';
import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import { explain } from '@cordada/infra/service/refusal.ts';
import { DATABASE_PREFIX, openServicePostgres } from '@cordada/infra/service/service-database.ts';

const SERVICE = 'consolidador';
const NO_STOCK = 'there is no stock here';
const FOUND = statement('ledger_tables', "SELECT to_regclass('movimiento') IS NOT NULL AS found");

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** The stock's database, beside whoever serves it; a folder of the embedded one only while nothing else holds it. */
const open = async (
  settings: AllSettings,
): Promise<{ database: ServiceDatabase; close(): Promise<void> }> => {
  if (settings.DATABASE_URL !== undefined) {
    const database = await openServicePostgres(settings, {
      url: settings.DATABASE_URL,
      prefix: DATABASE_PREFIX,
      service: SERVICE,
      exclusive: 'watching',
    });
    return { database, close: () => database.close() };
  }
  const dataDir = resolve(settings.DATA_DIR, 'pglite');
  if (!existsSync(dataDir)) throw new ConfigError([`${NO_STOCK}: ${dataDir} does not exist`]);
  const embedded = await openPGlite({ dataDir });
  const database = await embedded.schema(SERVICE);
  return {
    database,
    async close() {
      await database.close();
      await embedded.close();
    },
  };
};

/** @returns the exit code */
const main = async (): Promise<number> => {
  const settings = readSettings(process.env);
  const { database, close } = await open(settings);
  try {
    const [tables] = await database.query<{ found: boolean }>(FOUND, []);
    if (!tables?.found) throw new ConfigError([`${NO_STOCK}: nothing has served this database yet`]);
    const findings = await checkLedger(database);
    for (const { says, differences, count } of findings) {
      say(`${count === 0 ? '✔' : '✘'} ${says}`);
      for (const difference of differences) say(`    ${difference}`);
      if (count > differences.length) say(`    … and ${count - differences.length} more`);
    }
    return findings.every(({ count }) => count === 0) ? 0 : 1;
  } finally {
    await close();
  }
};

try {
  process.exitCode = await main();
} catch (error) {
  for (const line of explain(error, process.env.DATABASE_URL).split('\n'))
    process.stderr.write(`✘ ${line}\n`);
  process.exitCode = 1;
}
