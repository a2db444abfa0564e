import type { Runtime } from '../../runtime.ts';
import type { Log, MessagingMetrics } from '../metrics.ts';
import type { UnitOfWork } from '../pipeline.ts';
import { createRelay } from '../relay.ts';
import type { MessagingStore } from '../store.ts';
import { unitOfWork } from '../unit-of-work.ts';

/** A log that nobody reads. */
export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Metrics that nobody reads. */
export const unmeasured: MessagingMetrics = {
  batch: () => {},
  retried: () => {},
  held: () => {},
  parked: () => {},
  published: () => {},
};

/** A unit of work whose relay is never started: what it writes to the outbox stays there. */
export const unpublishedWork = <Tx>(store: MessagingStore<Tx>, runtime: Runtime): UnitOfWork<Tx> => {
  const relay = createRelay({
    store,
    bus: { publish: async () => [] },
    service: 'partner',
    runtime,
    log: silent,
    metrics: unmeasured,
  });
  return unitOfWork({ store, relay, runtime, log: silent });
};
