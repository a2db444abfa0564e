import type { Bus } from '@cordada/infra/bus/bus.ts';
import { busMessage } from '@cordada/infra/messaging/wire.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import { contracts } from '@cordada/schemas';
import { closedLoop, type LoadResult } from './closed-loop.ts';

/** A system that runs campaign sagas, under measurement. */
export interface Product {
  /** @param refusedEach each how many-th saga is of a brand without tracking, so that its last step is refused */
  run(count: number, inFlight: number, refusedEach: number): Promise<LoadResult>;
  close(): Promise<void>;
}

const REFUSED_BRAND = 'bench-without-tracking';

/** Messages that a saga of one participante publishes when all of it succeeds, the one that begins it included. */
export const MESSAGES_A_SAGA = 7;

/**
 * Runs sagas over a bus, everything included but HTTP: a saga begins by `IniciarCampaign` on the bus, and has ended
 * when its last event is on the bus.
 * @param bffUrl where the brand is set up whose last step is refused
 */
export const sagaLoad = async (
  bus: Bus,
  runtime: Pick<Runtime, 'now' | 'uuid'>,
  bffUrl: string,
): Promise<Product['run']> => {
  const ended = new Map<string, (contract: string) => void>();
  await bus.subscribe(
    {
      topics: [contracts.ReservaAprobada.topic, contracts.CampaignCancelada.topic],
      subscription: 'bench',
      mode: 'each-replica',
      maxBatch: 1000,
    },
    async (batch) => {
      for (const { key, topic } of batch) {
        ended.get(key)?.(topic);
        ended.delete(key);
      }
    },
  );
  const answer = await fetch(`${bffUrl}/api/marcas/${REFUSED_BRAND}/tracking`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ activo: false }),
  });
  if (!answer.ok) throw new Error(`the brand's tracking could not be switched off: ${answer.status}`);

  const saga = async (name: string, refused: boolean): Promise<void> => {
    const id = runtime.uuid();
    const end = new Promise<string>((resolve) => ended.set(id, resolve));
    const message = busMessage(
      {
        contract: contracts.IniciarCampaign,
        body: {
          nombre: name,
          presupuesto: '1500.50',
          divisa: 'COP',
          marca_id: refused ? REFUSED_BRAND : 'bench',
          participantes: [
            { id: 'p-1', tipo: 'influencer', nombre: 'Ana', informacion_perfil: 'viajes y montaña' },
          ],
        },
        correlationId: id,
        subject: id,
        idempotencyKey: id,
      },
      'bench',
      runtime,
    );
    const [settled] = await bus.publish([message]);
    if (settled?.status !== 'durable') throw new Error(`the bus did not take a saga: ${settled?.reason}`);
    const expected = refused ? contracts.CampaignCancelada.topic : contracts.ReservaAprobada.topic;
    const topic = await end;
    if (topic !== expected) throw new Error(`saga ${id} ended with ${topic} instead of ${expected}`);
  };

  let runs = 0;
  return (count, inFlight, refusedEach) => {
    runs += 1;
    return closedLoop(count, inFlight, (i) =>
      saga(`campaña ${runs}-${i}`, refusedEach > 0 && i % refusedEach === refusedEach - 1),
    );
  };
};
