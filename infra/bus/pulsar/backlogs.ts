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

/** Messages of all `topics` that `subscription` has not acknowledged. */
export const lagOf = async (
  backlogs: Backlogs,
  topics: readonly string[],
  subscription: string,
): Promise<number> => {
  const all = await Promise.all(topics.map((topic) => backlogs.of(topic, subscription)));
  return all.reduce((sum, { messages }) => sum + messages, 0);
};

/** Whether `subscription` has acknowledged all that was published to `topics` before `instant` (epoch milliseconds). */
export const hasCaughtUp = async (
  backlogs: Backlogs,
  topics: readonly string[],
  subscription: string,
  instant: number,
): Promise<boolean> => {
  const all = await Promise.all(topics.map((topic) => backlogs.of(topic, subscription)));
  return all.every(({ messages, oldest }) => messages === 0 || (oldest !== undefined && oldest >= instant));
};

/**
 * The topics of a durable subscription.
 * @throws Error where it is not declared
 */
export const topicsOf = (manifest: Manifest, subscription: string): readonly string[] => {
  const declared = manifest.subscriptions.get(subscription);
  if (!declared) throw new Error(`The subscription ${subscription} is not declared`);
  return declared.topics;
};
