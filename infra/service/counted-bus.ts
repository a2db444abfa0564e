import type { Bus } from '../bus/bus.ts';
import { Counter, type Registry } from '../telemetry/metrics.ts';

/** `bus`, for who publishes, with how each message ended counted in `registry`. */
export const countedBus = (bus: Pick<Bus, 'publish'>, registry: Registry): Pick<Bus, 'publish'> => {
  const messages = new Counter({
    name: 'bus_publish_total',
    help: 'Messages handed to the bus, by how that ended: durable, retryable (it may be published again) or refused',
    labelNames: ['outcome'],
    registers: [registry],
  });
  const counts = { durable: 0, retryable: 0, refused: 0 };
  // They are there from the start: a rate needs a first value to rise from.
  for (const outcome of Object.keys(counts)) messages.inc({ outcome }, 0);
  return {
    async publish(batch) {
      const settled = await bus.publish(batch);
      for (const { status } of settled) counts[status] += 1;
      for (const outcome of Object.keys(counts) as (keyof typeof counts)[])
        if (counts[outcome] > 0) {
          messages.inc({ outcome }, counts[outcome]);
          counts[outcome] = 0;
        }
      return settled;
    },
  };
};
