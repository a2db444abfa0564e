import type { Bus } from '../bus.ts';
import type { Manifest } from '../manifest.ts';

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
