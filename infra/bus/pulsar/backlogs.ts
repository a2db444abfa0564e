import type { Bus } from '../bus.ts';
import type { Manifest } from '../manifest.ts';
import type { PulsarAdmin } from './admin.ts';
import { topicName } from './topic-name.ts';

/** What a durable subscription of one topic has not acknowledged. */
export interface Backlog {
  readonly messages: number;
  /** When the oldest of them was published (epoch milliseconds); absent where there is none. */
  readonly oldest?: number;
}

/** Asks the broker's admin REST for backlogs: the protocols that carry messages do not tell them. */
export interface Backlogs {
  /** @param topic of the manifest */
  of(topic: string, subscription: string): Promise<Backlog>;
}

/** The backlogs of a tenant's topics, as the admin REST tells them. */
export const adminBacklogs = (
  admin: PulsarAdmin,
  tenant: string,
): Backlogs & {
  /** Rejects with the reason when the broker does not serve. */
  health(): Promise<void>;
} => ({
  async of(topic, subscription) {
    const stats = await admin.stats(topicName(tenant, topic), true);
    const found = stats?.subscriptions.get(subscription);
    if (!found) throw new Error(`${topic} has no subscription ${subscription}: npm run provision makes it`);
    const { backlog: messages, oldestUnacknowledgedAt: oldest } = found;
    return { messages, ...(oldest !== undefined && { oldest }) };
  },
  health: () => admin.health(),
});

/** Asked before each question: who has closed answers none. @throws Error */
type MustBeOpen = () => void;

/** What a bus tells of its durable subscriptions by their backlogs. */
export const backlogReads = (
  manifest: Manifest,
  backlogs: Backlogs,
  mustBeOpen: MustBeOpen,
): Pick<Bus, 'caughtUp' | 'lag'> => {
  const backlogsOf = (subscription: string): Promise<Backlog[]> => {
    mustBeOpen();
    const declared = manifest.subscriptions.get(subscription);
    if (!declared) throw new Error(`The subscription ${subscription} is not declared`);
    return Promise.all(declared.topics.map((topic) => backlogs.of(topic, subscription)));
  };
  return {
    async caughtUp(subscription, instant) {
      const all = await backlogsOf(subscription);
      return all.every(
        ({ messages, oldest }) => messages === 0 || (oldest !== undefined && oldest >= instant),
      );
    },
    async lag(subscription) {
      const all = await backlogsOf(subscription);
      return all.reduce((sum, { messages }) => sum + messages, 0);
    },
  };
};
