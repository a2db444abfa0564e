import type { Runtime } from '@cordada/infra/runtime.ts';
import {
  addLevel,
  Counter,
  durationBuckets,
  Histogram,
  type Registry,
} from '@cordada/infra/telemetry/metrics.ts';
import type { SagaMetrics } from '../engine/coordinator.ts';
import type { SagaReads } from '../engine/reads.ts';

/** What a coordinator tells of its sagas, as Prometheus metrics of `registry`. */
export const createSagaMetrics = (registry: Registry): SagaMetrics => {
  const registers = [registry];
  const steps = new Histogram({
    name: 'saga_step_duration_seconds',
    help: "From a step's first message to its last answer, by how it ended",
    labelNames: ['tipo', 'paso', 'fin'],
    buckets: durationBuckets,
    registers,
  });
  const sagas = new Histogram({
    name: 'saga_duration_seconds',
    help: 'From the beginning of a saga to its end, by how it ended',
    labelNames: ['tipo', 'estado'],
    buckets: durationBuckets,
    registers,
  });
  const parked = new Counter({
    name: 'saga_parked_total',
    help: 'Sagas that stopped and wait for an operator: the alert',
    labelNames: ['tipo', 'paso'],
    registers,
  });
  return {
    step: (tipo, paso, fin, ms) => steps.observe({ tipo, paso, fin }, ms / 1000),
    ended: (tipo, estado, ms) => sagas.observe({ tipo, estado }, ms / 1000),
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
