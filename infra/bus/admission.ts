import type { BusMessage } from './bus.ts';
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
