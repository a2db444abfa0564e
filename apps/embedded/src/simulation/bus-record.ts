import type { Bus } from '@cordada/infra/bus/bus.ts';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import type { Published } from './observation.ts';

/** The first message that was handed to the bus with an idempotency key. */
export interface FirstSent {
  readonly source: string;
  readonly contract: string;
  /** The correlation id. */
  readonly key: string;
  readonly message: string;
}

/** What was published in a run: the processes forget in their crashes. */
export class BusRecord {
  readonly published: Published[] = [];
  /** By idempotency key. */
  readonly sent = new Map<string, FirstSent>();

  /** The same bus, observed. */
  on<B extends Pick<Bus, 'publish'>>(bus: B): B {
    return {
      ...bus,
      publish: async (messages) => {
        for (const { topic, key, properties } of messages) {
          const once = properties.idempotencykey ?? '';
          if (!this.sent.has(once))
            this.sent.set(once, {
              source: properties['ce-source'] ?? '',
              contract: manifest.topics.get(topic)?.contract ?? topic,
              key: properties.correlationid ?? key,
              message: properties['ce-id'] ?? '',
            });
        }
        const settled = await bus.publish(messages);
        messages.forEach(({ topic, properties }, i) => {
          if (settled[i]?.status === 'durable')
            this.published.push({
              contract: manifest.topics.get(topic)?.contract ?? topic,
              message: properties['ce-id'] ?? '',
              subject: properties['ce-subject'] ?? '',
            });
        });
        return settled;
      },
    };
  }
}
