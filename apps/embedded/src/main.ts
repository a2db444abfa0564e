import { resolve } from 'node:path';
import { forServices } from '@cordada/infra/config/services.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { runGracefully, say } from '@cordada/infra/service/graceful-process.ts';
import { UnknownArgument } from '@cordada/infra/service/refusal.ts';
import { DATABASE_PREFIX } from '@cordada/infra/service/service-database.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { card } from './card.ts';
import { startFleet } from './fleet.ts';
import type { Place } from './stores.ts';

const runtime = systemRuntime();

runGracefully({
  runtime,
  databaseUrl: process.env.DATABASE_URL,
  async start(signal) {
    const [argument] = process.argv.slice(2);
    if (argument !== undefined) {
      throw new UnknownArgument(
        `Unknown argument ${argument}: settings are variables of the environment, as in PORT_BASE=9000 npm start`,
      );
    }
    const settings = readSettings(process.env, { AUTH: 'demo' });
    const { DATABASE_URL } = settings;
    const place: Place =
      DATABASE_URL === undefined
        ? { kind: 'pglite', dataDir: resolve(settings.DATA_DIR) }
        : { kind: 'postgres', url: DATABASE_URL, prefix: DATABASE_PREFIX };
    const readable =
      settings.LOG_FORMAT === 'readable' || (settings.LOG_FORMAT === 'auto' && process.stdout.isTTY);
    const fleet = await startFleet({
      settings,
      place,
      runtime,
      ports: 'listen',
      readable,
      signal,
      progress: (done, ms) => say(`✔ ${done} in ${(ms / 1000).toFixed(1)} s`),
    });
    const urls = forServices((name) => [fleet.urls[name]]);
    say(card({ settings, place, urls, seconds: process.uptime() }));
    return fleet;
  },
});
