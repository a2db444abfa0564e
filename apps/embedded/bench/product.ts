import { readSettings } from '@cordada/infra/config/settings.ts';
import { busMessage } from '@cordada/infra/messaging/wire.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { contracts } from '@cordada/schemas';
import { startFleet } from '../src/fleet.ts';
import type { Place } from '../src/stores.ts';
import { closedLoop, type LoadResult } from './closed-loop.ts';

export interface Product {
  /** @param refusedEach each how many-th saga is of a brand without tracking, so that its last step is refused */
  run(count: number, inFlight: number, refusedEach: number): Promise<LoadResult>;
  close(): Promise<void>;
}

const REFUSED_BRAND = 'bench-without-tracking';

/**
 * The whole fleet, everything included but HTTP: a saga begins by `IniciarCampaign` on the bus, and has ended when its
 * last event is on the bus.
 */
export const openProduct = async (place: Place): Promise<Product> => {
  const runtime = systemRuntime();
  const fleet = await startFleet({
    settings: readSettings({ LOG_LEVEL: 'error' }, { AUTH: 'demo' }),
    place,
    runtime,
    ports: 'free',
    readable: false,
  });
  const ended = new Map<string, (contract: string) => void>();
  await fleet.bus.subscribe(
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
  await fetch(`${fleet.urls.bff}/api/marcas/${REFUSED_BRAND}/tracking`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ activo: false }),
  }).then((answer) => {
    if (!answer.ok) throw new Error(`the brand's tracking could not be switched off: ${answer.status}`);
  });

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
    const [settled] = await fleet.bus.publish([message]);
    if (settled?.status !== 'durable') throw new Error(`the bus did not take a saga: ${settled?.reason}`);
    const expected = refused ? contracts.CampaignCancelada.topic : contracts.ReservaAprobada.topic;
    const topic = await end;
    if (topic !== expected) throw new Error(`saga ${id} ended with ${topic} instead of ${expected}`);
  };

  let runs = 0;
  return {
    run(count, inFlight, refusedEach) {
      runs += 1;
      return closedLoop(count, inFlight, (i) =>
        saga(`campaña ${runs}-${i}`, refusedEach > 0 && i % refusedEach === refusedEach - 1),
      );
    },
    close: () => fleet.stop(),
  };
};
