import type { BusMessage, SubscribeOptions } from './bus.ts';
import type { Manifest } from './manifest.ts';

/** The largest message that every transport takes, in bytes: Pulsar's default `maxMessageSize`. */
export const MAX_MESSAGE_BYTES = 5 * 1024 * 1024;

/** A code unit of UTF-16 takes at most so many bytes of UTF-8. */
const MOST_BYTES_A_UNIT = 3;

/**
 * Bytes that `message` occupies: payload, key and properties. Of one that is far from the limit the text is counted in
 * code units, which costs a look at each length: nobody but a limit needs to know what it takes in UTF-8.
 */
export const messageBytes = (message: BusMessage): number => {
  const { payload, key, properties } = message;
  let units = key.length;
  for (const name in properties) units += name.length + (properties[name] as string).length;
  const near = payload.byteLength + MOST_BYTES_A_UNIT * units > MAX_MESSAGE_BYTES;
  return near ? exactBytes(message) : payload.byteLength + units;
};

const exactBytes = (message: BusMessage): number => {
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
