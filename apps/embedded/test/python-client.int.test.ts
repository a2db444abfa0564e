// time limit: 300 s
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import { pulsarAdmin } from '@cordada/infra/bus/pulsar/admin.ts';
import { provision } from '@cordada/infra/bus/pulsar/provision.ts';
import { publishedSchemas } from '@cordada/infra/bus/pulsar/published-schemas.ts';
import { startOwnPulsar } from '@cordada/infra/testing/pulsar.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startApiFleet } from './api-fleet.ts';

const test = suite("Python's Pulsar client among the services");

/** Where `.ci/pulsar-python` puts the client. */
const caches = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
const folder = process.env.PYTHON_PULSAR ?? join(caches, 'cordada', 'python-pulsar-3.13.0');
const example = fileURLToPath(new URL('../../../infra/bus/pulsar/examples/campaign.py', import.meta.url));

interface Ended {
  readonly code: number;
  readonly output: string;
}

const python = (...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const env = { ...process.env, PYTHONPATH: folder };
    execFile('python3', args, { env, timeout: 120_000 }, (error, stdout, stderr) => {
      const code = error ? Number(error.code ?? 1) : 0;
      resolve({ code, output: `${stdout}${stderr}` });
    });
  });

const missing = async (): Promise<string | undefined> => {
  const { code, output } = await python('-c', 'import pulsar, fastavro');
  if (code === 0) return undefined;
  return existsSync(folder)
    ? `Python's pulsar-client in ${folder} does not load: ${output}`
    : 'no pulsar-client for Python: .ci/pulsar-python installs it';
};

const reason = await missing();
if (reason !== undefined) console.log(`skipped: ${reason}`);
const pulsar = reason === undefined ? await startOwnPulsar() : undefined;

if (pulsar === undefined) test.skip('needs Python’s pulsar-client and a broker');
else {
  const admin = pulsarAdmin({ url: pulsar.adminUrl, fetch });
  await provision({
    admin,
    manifest,
    tenant: 'cordada',
    partitions: 2,
    enforceSchemas: false, // the fleet speaks WebSocket, which carries no schema
    schemasOf: publishedSchemas,
    sleep,
  });
  const { fleet, call } = await startApiFleet({
    env: { BUS_URL: pulsar.wsUrl.replace('ws:', 'pulsar+ws:'), PULSAR_ADMIN_URL: pulsar.adminUrl },
  });
  test.after(async () => {
    await fleet.stop();
    await pulsar.stop();
  });
  const run = (...args: string[]): Promise<Ended> =>
    python(example, '--broker', pulsar.serviceUrl, '--admin', pulsar.adminUrl, ...args);

  test('a campaign that it publishes is registered, and it sees every event of the saga', async () => {
    const { code, output } = await run('--marca', 'marca-python');
    assert.is(code, 0, output);
    const count = (contract: string): number =>
      output.split('\n').filter((line) => line.startsWith(contract)).length;
    for (const [contract, times] of [
      ['campaign/CampaignRegistrada', 1],
      ['partner/PartnerRegistrado', 2],
      ['tracking/EventoRegistrado', 2],
      ['campaign/ReservaAprobada', 1],
    ] as const) {
      assert.ok(count(contract) >= times, output);
    }
    assert.match(output, /"presupuesto": "1500.50"/);
    const saga = output.match(/^saga (\S+)$/m)?.[1];
    const { json } = await call('GET', `/api/sagas/campaign/${saga}`);
    assert.is(json.estado, 'COMPLETED');
    const campaigns = (await call('GET', '/obtener-campaigns')).json as {
      marca_id: string;
      presupuesto: unknown;
    }[];
    assert.is(campaigns.filter(({ marca_id }) => marca_id === 'marca-python').length, 1);
  });

  test('it sees a campaign undone whose brand is not tracked', async () => {
    const off = await call('PUT', '/api/marcas/marca-apagada/tracking', { activo: false });
    assert.is(off.status, 200, off.text);
    const { code, output } = await run('--marca', 'marca-apagada');
    assert.is(code, 1, output);
    assert.match(output, /^campaign\/CampaignCancelada /m);
  });

  test('a record of another shape is refused by the registry', async () => {
    const { code, output } = await run('--wrong');
    assert.is(code, 0, output);
    assert.match(output, /^refused: /m);
  });

  test('it leaves no subscription behind that would hold messages back', async () => {
    const stats = await admin.stats('persistent://cordada/campaign/ReservaAprobada.v1');
    const names = [...(stats?.subscriptions.keys() ?? [])];
    assert.equal(
      names.filter((name) => name.startsWith('example-')),
      [],
    );
  });
}

test.run();
