import { manifest } from '../bus/manifest.ts';
import { memoryBus } from '../bus/memory.ts';
import { readSettings } from '../config/settings.ts';
import { migrate } from '../database/migrate.ts';
import { openPGlite } from '../database/pglite.ts';
import type { ServiceDatabase } from '../database/pool-database.ts';
import { createServiceTokens, type ServiceTokens } from '../http/service-token.ts';
import type { ServiceDeps } from '../service/service.ts';
import { systemRuntime } from '../system-runtime.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createRegistry } from '../telemetry/metrics.ts';

/** What a test builds one service from: real parts, in memory. */
export interface TestServiceDeps extends ServiceDeps {
  readonly tokens: ServiceTokens;
  close(): Promise<void>;
}

/**
 * @param migrations the folders of the service's own migrations
 * @param given an empty database, which stays open; else a PGlite in memory
 * @param env settings other than the usual
 */
export const testServiceDeps = async (
  service: string,
  migrations: readonly string[],
  given?: ServiceDatabase,
  env: Readonly<Record<string, string>> = {},
): Promise<TestServiceDeps> => {
  const runtime = systemRuntime();
  const embedded = given ? undefined : await openPGlite({ memory: true });
  const database = given ?? ((await embedded?.schema(service)) as ServiceDatabase);
  await migrate(database, migrations, runtime);
  const bus = memoryBus({ runtime, manifest });
  const tokens = createServiceTokens('a secret of tests, long enough to sign', runtime);
  return {
    runtime,
    bus,
    database,
    tokens,
    log: createLogger({ name: service, level: 'silent', readable: false, now: () => runtime.now() }),
    registry: createRegistry(service),
    security: { auth: 'demo', apiKeys: [], tokens },
    settings: readSettings(env),
    async close() {
      await bus.close();
      if (given) return;
      await database.close();
      await embedded?.close();
    },
  };
};
