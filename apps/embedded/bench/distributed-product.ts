import { manifest } from '@cordada/infra/bus/manifest.ts';
import { openBus } from '@cordada/infra/bus/open-bus.ts';
import { provision } from '@cordada/infra/bus/pulsar/provision.ts';
import { productProvision } from '@cordada/infra/bus/pulsar/provision-settings.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { freePortBase } from '@cordada/infra/deploy/free-port.ts';
import { sleep } from '@cordada/infra/runtime.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import type { TestPulsar } from '@cordada/infra/testing/pulsar.ts';
import { startServiceProcesses } from '../src/distributed/service-processes.ts';
import { busSystem } from './bus-work.ts';
import type { System } from './work.ts';

/** Long enough for all services to start on two cores, in milliseconds. */
const START_LIMIT_MS = 120_000;

/** Every service as a process of its own over `broker`, which gets all that is declared, each on its own database. */
export const openDistributed = async (
  name: string,
  busUrl: string,
  broker: TestPulsar,
  databaseUrl: string,
): Promise<System> => {
  const runtime = systemRuntime();
  const settings = readSettings({ BUS_URL: busUrl, PULSAR_ADMIN_URL: broker.adminUrl });
  await provision(await productProvision(settings, (ms) => sleep(runtime, ms)), () => {});
  const portBase = await freePortBase(1);
  const env = {
    ...process.env,
    AUTH: 'demo',
    BUS_URL: busUrl,
    PULSAR_ADMIN_URL: broker.adminUrl,
    DATABASE_URL: databaseUrl,
    LOG_LEVEL: 'error',
    LOG_FORMAT: 'json',
    SERVICE_TOKEN_SECRET: `${runtime.uuid()}${runtime.uuid()}`,
  };
  const processes = startServiceProcesses({
    host: '127.0.0.1',
    portBase,
    replicas: 1,
    env,
    runtime,
    fetch,
    line: (who, text) => process.stderr.write(`${who} │ ${text}\n`),
  });
  try {
    await processes.ready(AbortSignal.timeout(START_LIMIT_MS));
    const bus = await openBus({ settings, runtime, manifest });
    return await busSystem({
      name,
      bus,
      bffUrl: processes.urls.bff[0] ?? '',
      runtime,
      async close() {
        await bus.close();
        await processes.stop();
      },
    });
  } catch (error) {
    await processes.stop();
    throw error;
  }
};
