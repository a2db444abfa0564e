import type { Runtime } from '@cordada/infra/runtime.ts';
import { addDurations } from '@cordada/infra/telemetry/durations.ts';
import { addLevel, Counter, type Registry } from '@cordada/infra/telemetry/metrics.ts';
import type { SagaMetrics } from '../engine/coordinator.ts';
import type { SagaReads } from '../engine/reads.ts';

/** What a coordinator tells of its sagas, as Prometheus metrics of `registry`. */
export const createSagaMetrics = (registry: Registry): SagaMetrics => {
  const steps = addDurations(registry, {
    name: 'saga_step_duration_seconds',
    help: "From a step's first message to its last answer, by how it ended",
    labelNames: ['tipo', 'paso', 'fin'],
  });
  const sagas = addDurations(registry, {
    name: 'saga_duration_seconds',
    help: 'From the beginning of a saga to its end, by how it ended',
    labelNames: ['tipo', 'estado'],
  });
  const parked = new Counter({
    name: 'saga_parked_total',
    help: 'Sagas that stopped and wait for an operator: the alert',
    labelNames: ['tipo', 'paso'],
    registers: [registry],
  });
  return {
    step: (tipo, paso, fin, ms) => steps(tipo, paso, fin).observe(ms),
    ended: (tipo, estado, ms) => sagas(tipo, estado).observe(ms),
    parked: (tipo, paso) => parked.inc({ tipo, paso }),
  };
};

/** How many sagas live, by state, read when it is asked for. */
export const addSagaGauges = (registry: Registry, runtime: Runtime, reads: Pick<SagaReads, 'counts'>): void =>
  addLevel(
    registry,
    runtime,
    { name: 'sagas_live', help: 'Sagas that have not ended, by state', labelNames: ['tipo', 'estado'] },
    async () =>
      (await reads.counts()).map(({ tipo, estado, sagas }) => ({ labels: { tipo, estado }, value: sagas })),
  );
