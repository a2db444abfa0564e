import { loadNativeClients } from '@cordada/infra/bus/pulsar/native/client.ts';
import type { TestPulsar } from '@cordada/infra/testing/pulsar.ts';
import { WebSocket } from 'ws';

/** What is produced and consumed bare; kept out of the product's own tenant, whose topics are declared. */
const TOPIC = 'public/default/bench-limit';
const SUBSCRIPTION = 'bench';
const KEYS = 500;
/** Messages on their way at once, as many as sagas are in flight in the fullest run. */
const WINDOW = 500;
/** About what a message of the campaign saga holds. */
const PAYLOAD = Buffer.alloc(120, 1);
const PROPERTIES: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from({ length: 11 }, (_, i) => [`property-${i}`, 'a value of about forty characters, as ours']),
);

/** One bare end of a transport: publishes one message, and calls back for each that it has consumed and acknowledged. */
interface Bare {
  publish(key: string): Promise<unknown>;
  close(): Promise<unknown>;
}

const nativeBare = async (broker: TestPulsar, consumed: () => void): Promise<Bare> => {
  const client = (await loadNativeClients({ url: broker.serviceUrl })).open();
  const topic = `persistent://${TOPIC}`;
  const consumer = await client.subscribe({
    topic,
    subscription: SUBSCRIPTION,
    subscriptionType: 'KeyShared',
    receiverQueueSize: 1_000,
  });
  const producer = await client.createProducer({
    topic,
    sendTimeoutMs: 0,
    blockIfQueueFull: false,
    batchingEnabled: false,
  });
  let closing = false;
  const receive = async (): Promise<void> => {
    while (!closing) {
      const message = await consumer.receive();
      message.getData();
      message.getProperties();
      void consumer.acknowledgeId(message.getMessageId());
      consumed();
    }
  };
  const loops = Array.from({ length: 16 }, () => receive().catch(() => undefined)); // closing ends their last call
  return {
    publish: (partitionKey) => producer.send({ data: PAYLOAD, properties: PROPERTIES, partitionKey }),
    async close() {
      closing = true;
      await consumer.close();
      await Promise.all(loops);
      await producer.close();
      await client.close();
    },
  };
};

const opened = (socket: WebSocket): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });

const webSocketBare = async (broker: TestPulsar, consumed: () => void): Promise<Bare> => {
  const base = `${broker.wsUrl}/ws/v2`;
  const consumer = await opened(
    new WebSocket(
      `${base}/consumer/persistent/${TOPIC}/${SUBSCRIPTION}?subscriptionType=Key_Shared&receiverQueueSize=1000`,
    ),
  );
  consumer.on('message', (frame) => {
    const { messageId, payload } = JSON.parse(String(frame));
    Buffer.from(payload, 'base64');
    consumer.send(JSON.stringify({ messageId }));
    consumed();
  });
  const producer = await opened(
    new WebSocket(`${base}/producer/persistent/${TOPIC}?sendTimeoutMillis=0&batchingEnabled=false`),
  );
  const open = new Map<string, () => void>();
  producer.on('message', (frame) => {
    const { result, context } = JSON.parse(String(frame));
    if (result !== 'ok') throw new Error(`the broker did not take a message: ${frame}`);
    open.get(context)?.();
    open.delete(context);
  });
  let sent = 0;
  return {
    publish: (key) =>
      new Promise<void>((resolve) => {
        const context = String(++sent);
        open.set(context, resolve);
        producer.send(
          JSON.stringify({ payload: PAYLOAD.toString('base64'), properties: PROPERTIES, key, context }),
        );
      }),
    async close() {
      producer.terminate();
      consumer.terminate();
    },
  };
};

/**
 * Messages a second that this machine carries from a bare producer, through the broker, to a bare consumer that
 * acknowledges each, both in this process, nothing of ours in between. Keys, sizes, unbatched sends and a window as in
 * the product.
 */
export const transportLimit = async (
  broker: TestPulsar,
  bus: 'pulsar' | 'pulsar+ws',
  count: number,
): Promise<number> => {
  let seen = 0;
  let whenSeen: (() => void) | undefined;
  const bare = await (bus === 'pulsar' ? nativeBare : webSocketBare)(broker, () => {
    if (++seen === count) whenSeen?.();
  });
  const all = new Promise<void>((resolve) => {
    whenSeen = resolve;
  });
  const began = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await bare.publish(`key-${next++ % KEYS}`);
  };
  await Promise.all(Array.from({ length: WINDOW }, worker));
  await all;
  const perSecond = count / ((performance.now() - began) / 1_000);
  await bare.close();
  return perSecond;
};
