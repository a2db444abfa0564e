import type { Bus } from '../bus/bus.ts';
import { Counter, type Registry } from '../telemetry/metrics.ts';

/** `bus`, for who publishes, with how each message ended counted in `registry`. */
export const countedBus = (bus: Pick<Bus, 'publish'>, registry: Registry): Pick<Bus, 'publish'> => {
  const counts = { durable: 0, retryable: 0, refused: 0 };
  new Counter({
    name: 'bus_publish_total',
    help: 'Messages handed to the bus, by how that ended: durable, retryable (it may be published again) or refused',
    labelNames: ['outcome'],
    registers: [registry],
    // Counted apart and taken over when somebody asks: each message is published by a call of its own.
    collect() {
      this.reset();
      for (const [outcome, count] of Object.entries(counts)) this.inc({ outcome }, count);
    },
  });
  return {
    async publish(batch) {
      const settled = await bus.publish(batch);
      for (const { status } of settled) counts[status] += 1;
      return settled;
    },
  };
};
