import type { Bus } from '../bus/bus.ts';
import { addTally, type Registry } from '../telemetry/metrics.ts';

/** `bus`, for who publishes, with how each message ended counted in `registry`. */
export const countedBus = (bus: Pick<Bus, 'publish'>, registry: Registry): Pick<Bus, 'publish'> => {
  const counts = addTally(
    registry,
    {
      name: 'bus_publish_total',
      help: 'Messages handed to the bus, by how that ended: durable, retryable (it may be published again) or refused',
      label: 'outcome',
    },
    ['durable', 'retryable', 'refused'],
  );
  return {
    async publish(batch) {
      const settled = await bus.publish(batch);
      for (const { status } of settled) counts[status] += 1;
      return settled;
    },
  };
};
