// time limit: 400 s
import { suite } from 'uvu';
import { systemRuntime } from '../../system-runtime.ts';
import { startTestPulsar } from '../../testing/pulsar.ts';
import type { Manifest } from '../manifest.ts';
import { busConformance } from '../testing/conformance.ts';
import { webSocketBus } from './websocket.ts';

const pulsar = await startTestPulsar();

const admin = async (method: string, path: string, body?: unknown): Promise<Response> => {
  const answer = await fetch(`${pulsar?.adminUrl}/admin/v2/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (answer.ok || answer.status === 409) return answer;
  throw new Error(`${method} ${path}: ${answer.status} ${(await answer.text()).slice(0, 300)}`);
};

const provision = async ({ topics, subscriptions }: Manifest): Promise<void> => {
  await admin('PUT', 'tenants/cordada', { allowedClusters: ['standalone'] });
  for (const owner of new Set([...topics.values()].map(({ owner }) => owner))) {
    await admin('PUT', `namespaces/cordada/${owner}`);
  }
  for (const topic of topics.keys()) await admin('PUT', `persistent/cordada/${topic}`);
  for (const { name, topics } of subscriptions.values()) {
    for (const topic of topics) {
      await admin('PUT', `persistent/cordada/${topic}/subscription/${name}`, { ledgerId: -1, entryId: -1 });
    }
  }
};

interface Stats {
  readonly subscriptions: Record<
    string,
    { readonly msgBacklog: number; readonly earliestMsgPublishTimeInBacklog: number }
  >;
}

const backlogs = {
  async of(topic: string, subscription: string) {
    const query = 'getPreciseBacklog=true&getEarliestTimeInBacklog=true';
    const stats = (await (await admin('GET', `persistent/cordada/${topic}/stats?${query}`)).json()) as Stats;
    const { msgBacklog = 0, earliestMsgPublishTimeInBacklog: oldest = 0 } =
      stats.subscriptions[subscription] ?? {};
    return { messages: msgBacklog, ...(oldest > 0 ? { oldest } : {}) };
  },
  async health() {
    await admin('GET', 'brokers/ready');
  },
};

if (pulsar === undefined) {
  const test = suite('bus conformance: Pulsar over WebSocket');
  test.skip('no broker');
  test.run();
} else {
  busConformance('Pulsar over WebSocket', async (manifest) => {
    await provision(manifest);
    return {
      connect: async () =>
        webSocketBus({ url: pulsar.wsUrl, manifest, runtime: systemRuntime(), tenant: 'cordada', backlogs }),
      close: async () => {},
    };
  }).run();
}
