import type { BusMessage } from '../../bus.ts';

/**
 * The largest frame that is read, in bytes: base64 makes four of three bytes, and a message's properties count for its
 * size (admission.ts).
 */
export const LARGEST_FRAME_BYTES = 16 * 1024 * 1024;

/** What a frame without its payload occupies beside its key and properties, in bytes: an estimate from above. */
const FRAME_OVERHEAD_BYTES = 128;

/** Bytes that a frame of a message of `bytes` bytes occupies, about. */
export const frameBytes = (bytes: number): number => Math.ceil((bytes * 4) / 3) + FRAME_OVERHEAD_BYTES;

/** The frame that publishes `message`. The broker's answer bears `context`. */
export const publishFrame = ({ key, properties, payload }: BusMessage, context: number): string =>
  `{"payload":"${base64(payload)}","properties":${JSON.stringify(properties)},"key":${JSON.stringify(key)},"context":"${context}"}`;

const base64 = (payload: Uint8Array): string =>
  Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('base64');

/** The frame that acknowledges a message; to a reader's connection, that asks for one more. */
export const acknowledgeFrame = (messageId: string): string => `{"messageId":"${messageId}"}`;

/** The frame that lets the broker deliver so many messages more (`pullMode`). */
export const permitFrame = (messages: number): string => `{"type":"permit","permitMessages":${messages}}`;

/** How the publishing of one message ended, in the broker's words. */
export interface PublishAnswer {
  /** Undefined where the broker could not read the frame. */
  readonly context: number | undefined;
  /** 0: published. Otherwise a code of Pulsar's `WebSocketError`. */
  readonly error: number;
  readonly reason: string;
}

/** Codes of Pulsar's `WebSocketError` that a producer is answered with. */
export const PAYLOAD_ENCODING_ERROR = 7;

/** A message as a consumer or reader gets it. */
export interface DeliveredFrame {
  readonly messageId: string;
  readonly key: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
  readonly publishedAt: number;
}

/** @throws Error in one line when the frame is not an answer of a producer's connection */
export const readPublishAnswer = (frame: string): PublishAnswer => {
  const { result, context, errorMsg } = parse(frame);
  if (typeof result !== 'string') throw malformed(frame, 'result');
  const number = typeof context === 'string' && /^\d{1,15}$/.test(context) ? Number(context) : undefined;
  if (result === 'ok') return { context: number, error: 0, reason: '' };
  const code = result.match(/^send-error:(\d+)$/)?.[1];
  if (code === undefined) throw malformed(frame, 'result');
  return { context: number, error: Number(code), reason: typeof errorMsg === 'string' ? errorMsg : result };
};

/** @throws Error in one line when the frame is not a message */
export const readDelivery = (frame: string): DeliveredFrame => {
  const { messageId, key, properties, payload, publishTime } = parse(frame);
  if (typeof messageId !== 'string' || messageId === '' || !/^[A-Za-z0-9+/=]+$/.test(messageId)) {
    throw malformed(frame, 'messageId');
  }
  if (typeof payload !== 'string') throw malformed(frame, 'payload');
  if (key !== undefined && key !== null && typeof key !== 'string') throw malformed(frame, 'key');
  const publishedAt = typeof publishTime === 'string' ? Date.parse(publishTime) : Number.NaN;
  if (Number.isNaN(publishedAt)) throw malformed(frame, 'publishTime');
  if (!areProperties(properties)) throw malformed(frame, 'properties');
  return {
    messageId,
    key: key ?? '',
    properties: properties ?? {},
    payload: Buffer.from(payload, 'base64'),
    publishedAt,
  };
};

const areProperties = (value: unknown): value is Record<string, string> | null | undefined => {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'object' || Array.isArray(value)) return false;
  for (const name in value) {
    if (typeof (value as Record<string, unknown>)[name] !== 'string') return false;
  }
  return true;
};

const parse = (frame: string): Record<string, unknown> => {
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    throw malformed(frame);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(frame);
  return value as Record<string, unknown>;
};

const LONGEST_SHOWN = 80;

const malformed = (frame: string, field?: string): Error => {
  const shown = frame.slice(0, LONGEST_SHOWN).replace(/[\u0000-\u001f\u007f]/g, ' ');
  return new Error(`the broker sent what is not ${field ? `a ${field}` : 'JSON'}: ${shown}`);
};
