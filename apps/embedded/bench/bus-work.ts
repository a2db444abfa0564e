import type { Bus } from '@cordada/infra/bus/bus.ts';
import type { Outgoing } from '@cordada/infra/messaging/message.ts';
import { busMessage } from '@cordada/infra/messaging/wire.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import { contracts } from '@cordada/schemas';
import { closedLoop } from './closed-loop.ts';
import { ITEMS, type System } from './work.ts';

const REFUSED_BRAND = 'bench-without-tracking';
/** Each how many-th campaign of those that are refused at times is of that brand: its last step is refused. */
const REFUSED_EACH = 10;
const BUYERS = 1_000;
/** More than a bench can buy. */
const UNITS = 1_000_000;
/** Above what the demo's products have. */
const FIRST_NUMBER = 1_000_000;
const SETUP_IN_FLIGHT = 100;
const PAGE = 100;

const ends = [
  contracts.ReservaAprobada,
  contracts.CampaignCancelada,
  contracts.CompraConfirmada,
  contracts.CompraRechazada,
  contracts.ItemCreado,
  contracts.ExistenciaAjustada,
  contracts.OperacionInventarioRechazada,
] as const;
type End = (typeof ends)[number];

/** A product under measurement: where its messages are, and its BFF. */
export interface Product {
  readonly name: string;
  readonly bus: Bus;
  readonly bffUrl: string;
  readonly runtime: Pick<Runtime, 'now' | 'uuid'>;
  close(): Promise<void>;
}

/**
 * A product that works over a bus, everything included but HTTP: work begins by its command on the bus, and has ended
 * when its last event is on the bus. Makes the items that are bought.
 * @param items over how many work is spread
 */
export const busSystem = async (
  { name, bus, bffUrl, runtime, close }: Product,
  items: number = ITEMS,
): Promise<System & { readonly items: readonly string[] }> => {
  const waiting = new Map<string, { end: ((topic: string) => void) | undefined }>();
  await bus.subscribe(
    { topics: ends.map(({ topic }) => topic), subscription: 'bench', mode: 'each-replica', maxBatch: 1000 },
    async (batch) => {
      for (const { topic, properties } of batch) {
        const id = properties.correlationid ?? '';
        const one = waiting.get(id);
        if (!one) continue;
        one.end?.(topic);
        one.end = undefined;
        waiting.delete(id);
      }
    },
  );

  /** @throws Error where it ends otherwise */
  const bringAbout = async (
    end: End,
    { contract, body, item }: Pick<Outgoing, 'contract' | 'body'> & { readonly item?: string },
  ): Promise<void> => {
    const id = runtime.uuid();
    const ended = new Promise<string>((resolve) => waiting.set(id, { end: resolve }));
    const about = item ?? id;
    const message = busMessage(
      { contract, body, key: about, subject: about, correlationId: id, idempotencyKey: id },
      'bench',
      runtime,
    );
    const [settled] = await bus.publish([message]);
    if (settled?.status !== 'durable') throw new Error(`the bus did not take a message: ${settled?.reason}`);
    const topic = await ended;
    if (topic !== end.topic) throw new Error(`${message.topic} ${id} ended with ${topic}, not ${end.topic}`);
  };

  const answer = await fetch(`${bffUrl}/api/marcas/${REFUSED_BRAND}/tracking`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ activo: false }),
  });
  if (!answer.ok) throw new Error(`the brand's tracking could not be switched off: ${answer.status}`);

  let campaigns = 0;
  const campaign = (refused: boolean): Promise<void> =>
    bringAbout(refused ? contracts.CampaignCancelada : contracts.ReservaAprobada, {
      contract: contracts.IniciarCampaign,
      body: {
        nombre: `campaña ${campaigns++}`,
        presupuesto: '1500.50',
        divisa: 'COP',
        marca_id: refused ? REFUSED_BRAND : 'bench',
        participantes: [
          { id: 'p-1', tipo: 'influencer', nombre: 'Ana', informacion_perfil: 'viajes y montaña' },
        ],
      },
    });

  const hot = runtime.uuid();
  const spread = Array.from({ length: items }, () => runtime.uuid());
  const left = new Map([hot, ...spread].map((item) => [item, UNITS]));
  const moved = (item: string, units: number): void =>
    void left.set(item, (left.get(item) as number) + units);
  const all = [...left.keys()];
  await closedLoop(all.length, SETUP_IN_FLIGHT, (i) => {
    const item = all[i] as string;
    return bringAbout(contracts.ItemCreado, {
      contract: contracts.CrearItem,
      item,
      body: {
        id_item: item,
        numero: FIRST_NUMBER + i,
        sku: `BENCH-${i}`,
        nombre: `artículo ${i}`,
        descripcion: null,
        precio: '12.50',
        cantidad: UNITS,
      },
    });
  });
  const purchase = async (item: string, i: number): Promise<void> => {
    await bringAbout(contracts.CompraConfirmada, {
      contract: contracts.IniciarCompra,
      body: {
        id_usuario: `buyer-${i % BUYERS}`,
        domicilio: 'Calle 1',
        lineas: [{ producto: item, cantidad: 1 }],
        vence: null,
      },
    });
    moved(item, -1);
  };
  const adjustment = async (item: string, delta: number): Promise<void> => {
    await bringAbout(contracts.ExistenciaAjustada, {
      contract: contracts.AjustarExistencia,
      item,
      body: { id_item: item, delta, disponible: null },
    });
    moved(item, delta);
  };
  /** Neighbours are far apart: what is in flight at once is of different items, as far as there are as many. */
  const nth = (i: number): string => spread[(i * 7) % items] as string;

  return {
    name,
    items: spread,
    work: {
      campaign: (count, inFlight) => closedLoop(count, inFlight, () => campaign(false)),
      campaignRefused: (count, inFlight) =>
        closedLoop(count, inFlight, (i) => campaign(i % REFUSED_EACH === REFUSED_EACH - 1)),
      compra: (count, inFlight) => closedLoop(count, inFlight, (i) => purchase(nth(i), i)),
      compraHot: (count, inFlight) => closedLoop(count, inFlight, (i) => purchase(hot, i)),
      ajuste: (count, inFlight) =>
        closedLoop(count, inFlight, (i) => adjustment(nth(i), i % 2 === 0 ? 3 : -2)),
    },
    async checkStock() {
      const unseen = new Map(left);
      for (let page = 1, pages = 1; page <= pages; page += 1) {
        const list = await fetch(`${bffUrl}/api/v1/inventory/items?page=${page}&page_size=${PAGE}`);
        if (!list.ok) throw new Error(`the items of ${name} cannot be read: ${list.status}`);
        const { items: listed, total_pages } = (await list.json()) as {
          items: { id: string; quantity: number; reserved: number }[];
          total_pages: number;
        };
        pages = total_pages;
        for (const { id, quantity, reserved } of listed) {
          const expected = unseen.get(id) ?? quantity;
          if (quantity !== expected || reserved !== 0)
            throw new Error(
              `${name}: of item ${id} there are ${quantity}, ${reserved} reserved, not ${expected}`,
            );
          unseen.delete(id);
        }
      }
      if (unseen.size > 0) throw new Error(`${name}: ${unseen.size} items are not listed`);
    },
    close,
  };
};
