import type { BusMessage, SubscribeOptions } from './bus.ts';
import type { Manifest } from './manifest.ts';

/** The largest message that every transport takes, in bytes: Pulsar's default `maxMessageSize`. */
export const MAX_MESSAGE_BYTES = 5 * 1024 * 1024;

/** Bytes that `message` occupies: payload, key and properties. */
export const messageBytes = (message: BusMessage): number => {
  let bytes = message.payload.byteLength + Buffer.byteLength(message.key);
  for (const name in message.properties) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(message.properties[name] as string);
  }
  return bytes;
};

/** Why no transport may ever take `message`, or undefined. `bytes` is its size. */
export const refusal = (manifest: Manifest, message: BusMessage, bytes: number): string | undefined => {
  if (!manifest.topics.has(message.topic)) return `the topic ${message.topic} is not declared`;
  if (bytes > MAX_MESSAGE_BYTES) return `the message has ${bytes} bytes, more than ${MAX_MESSAGE_BYTES}`;
  return undefined;
};

/**
 * That the manifest knows what is subscribed to: for `shared-by-key` the subscription with just these topics, for
 * `each-replica` the topics.
 * @throws Error with the reason
 */
export const checkSubscription = (
  manifest: Manifest,
  { mode, subscription, topics }: SubscribeOptions,
): void => {
  const unknown = topics.find((topic) => !manifest.topics.has(topic));
  if (unknown) throw new Error(`The topic ${unknown} is not declared`);
  if (mode === 'each-replica') return;
  const declared = manifest.subscriptions.get(subscription);
  if (!declared) throw new Error(`The subscription ${subscription} is not declared`);
  if (topics.length !== declared.topics.length || declared.topics.some((topic) => !topics.includes(topic))) {
    throw new Error(
      `The subscription ${subscription} is declared with other topics than ${topics.join(', ')}`,
    );
  }
};
