import { fileURLToPath } from 'node:url';
import type { SqlTransaction } from '@cordada/infra/database/database.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { Signals } from '@cordada/infra/messaging/signals.ts';
import type { Messaging } from '@cordada/infra/service/messaging.ts';
import type { ServiceDeps } from '@cordada/infra/service/service.ts';
import { type Coordinator, type CoordinatorOptions, coordinator } from '../engine/coordinator.ts';
import { sagaReads } from '../engine/reads.ts';
import { sqlSagaStore } from '../engine/sql-store.ts';
import { addSagaGauges, createSagaMetrics } from './saga-metrics.ts';
import { addSagaRoutes } from './saga-routes.ts';

/** Where the migrations of the engine's own tables stand. */
export const sagaMigrations = fileURLToPath(new URL('../engine/migrations', import.meta.url));

export type CoordinationOptions = Pick<
  CoordinatorOptions<SqlTransaction>,
  'service' | 'subscription' | 'definitions' | 'local' | 'project'
> & { readonly messaging: Messaging };

/** The coordinator of a service that owns sagas, on its database, with its reads, metrics and routes. */
export const coordinate = (
  { database, bus, runtime, log, registry }: ServiceDeps,
  { messaging, ...options }: CoordinationOptions,
): { readonly coordinator: Coordinator<SqlTransaction>; addRoutes(app: Server): void } => {
  const running = coordinator<SqlTransaction>({
    ...options,
    store: sqlSagaStore(database),
    uow: messaging.unitOfWork,
    bus,
    runtime,
    log,
    metrics: createSagaMetrics(registry),
    asked: messaging.store,
  });
  const onCommitted = ofAllReplicas(running, messaging.signals);
  const reads = sagaReads({ database, definitions: options.definitions, runtime, onCommitted });
  addSagaGauges(registry, runtime, reads);
  return {
    coordinator: running,
    addRoutes: (app) => addSagaRoutes(app, { coordinator: running, onCommitted, reads, runtime }),
  };
};

type OnCommitted = Coordinator<SqlTransaction>['onCommitted'];

/** The hints of this process's coordinator, told to the other replicas too, and those that these tell. Lossy. */
const ofAllReplicas = (
  { onCommitted }: { onCommitted: OnCommitted },
  signals: Signals | undefined,
): OnCommitted => {
  if (!signals) return onCommitted;
  const listeners = new Set<(sagas: readonly string[]) => void>();
  signals.on('sagas', (sagas = []) => {
    for (const listener of listeners) listener(sagas);
  });
  onCommitted((sagas) => signals.send('sagas', sagas));
  return (listener) => {
    listeners.add(listener);
    const forget = onCommitted(listener);
    return () => {
      listeners.delete(listener);
      forget();
    };
  };
};
