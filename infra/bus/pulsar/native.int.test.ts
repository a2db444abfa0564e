// time limit: 300 s
import { suite } from 'uvu';
import { systemRuntime } from '../../system-runtime.ts';
import { startTestPulsar } from '../../testing/pulsar.ts';
import type { Manifest } from '../manifest.ts';
import { busConformance } from '../testing/conformance.ts';
import { nativeBus } from './native.ts';

const tenant = 'cordada';
const missing = await import('pulsar-client').then(
  () => undefined,
  () => 'pulsar-client is not installed: .ci/pulsar-native builds it',
);
const broker = missing === undefined ? await startTestPulsar() : undefined;

if (!broker) {
  if (missing) console.log(`skipped: ${missing}`);
  const test = suite('native bus');
  test.skip('needs the native client and a broker');
  test.run();
} else {
  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(`${broker.adminUrl}/admin/v2/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok && answer.status !== 409) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text.startsWith('{') ? JSON.parse(text) : text;
  };
  const provision = async ({ topics, subscriptions }: Manifest): Promise<void> => {
    await ask('PUT', `tenants/${tenant}`, { allowedClusters: ['standalone'] });
    for (const { owner } of topics.values()) await ask('PUT', `namespaces/${tenant}/${owner}`, {});
    for (const topic of topics.keys()) await ask('PUT', `persistent/${tenant}/${topic}/partitions`, 2);
    for (const { name, topics } of subscriptions.values())
      for (const topic of topics)
        await ask('PUT', `persistent/${tenant}/${topic}/subscription/${name}`, { ledgerId: -1, entryId: -1 });
  };

  const conformance = busConformance('native', async (manifest) => {
    await provision(manifest);
    return {
      connect: () =>
        nativeBus({
          access: { url: broker.serviceUrl },
          tenant,
          manifest,
          runtime: systemRuntime(),
          backlogs: {
            async of(topic, subscription) {
              const query = 'perPartition=true&getPreciseBacklog=true&getEarliestTimeInBacklog=true';
              const { partitions } = (await ask(
                'GET',
                `persistent/${tenant}/${topic}/partitioned-stats?${query}`,
              )) as {
                partitions: Record<string, { subscriptions: Record<string, Record<string, number>> }>;
              };
              let messages = 0;
              let oldest = Number.POSITIVE_INFINITY;
              for (const { subscriptions } of Object.values(partitions)) {
                const { msgBacklog = 0, earliestMsgPublishTimeInBacklog = 0 } =
                  subscriptions[subscription] ?? {};
                messages += msgBacklog;
                if (msgBacklog > 0) oldest = Math.min(oldest, earliestMsgPublishTimeInBacklog);
              }
              return { messages, ...(messages > 0 && { oldest }) };
            },
          },
        }),
      close: async () => {},
    };
  });
  conformance.run();
}
