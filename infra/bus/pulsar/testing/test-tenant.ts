import type { Manifest } from '../../manifest.ts';
import type { PulsarAdmin } from '../admin.ts';
import { adminBacklogs } from '../backlogs.ts';
import { topicName } from '../topic-name.ts';

/** Two of each, so that what depends on the partition of a key shows. */
const PARTITIONS = 2;

/** A tenant for manifests of tests: its namespaces have the broker's own defaults, no schema is asked for. */
export interface TestTenant {
  /** Makes the topics and subscriptions of a manifest that no other test uses. */
  provision(manifest: Manifest): Promise<void>;
  readonly backlogs: ReturnType<typeof adminBacklogs>;
  /** Messages of a topic that consumers of a subscription have and have not acknowledged. */
  unacknowledged(topic: string, subscription: string): Promise<number>;
}

export const testTenant = (admin: PulsarAdmin, tenant: string): TestTenant => ({
  async provision({ topics, subscriptions }) {
    await admin.createTenant(tenant);
    for (const { owner } of topics.values()) await admin.createNamespace(`${tenant}/${owner}`);
    for (const topic of topics.keys()) await admin.createTopic(topicName(tenant, topic), PARTITIONS);
    for (const { name, topics } of subscriptions.values())
      for (const topic of topics) await admin.createSubscription(topicName(tenant, topic), name);
  },
  backlogs: adminBacklogs(admin, tenant),
  async unacknowledged(topic, subscription) {
    const stats = await admin.stats(topicName(tenant, topic));
    return stats?.subscriptions.get(subscription)?.unacknowledged ?? 0;
  },
});
