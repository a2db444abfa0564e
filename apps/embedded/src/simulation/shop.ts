import { parseJson } from '@cordada/infra/http/json-text.ts';
import type { VirtualTime } from '@cordada/infra/testing/virtual-time.ts';
import { entityId } from '@cordada/sagas/engine/turn.ts';
import type { PurchaseDriver, Purchases } from './purchases.ts';
import type { ServiceName } from './systems.ts';

/** What is asked of a service over HTTP, as the BFF asks it. */
export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly body?: object;
}

/** What a service answered. */
export interface Answer {
  /** The life of the process that answered. */
  readonly replica: string;
  readonly status: number;
  readonly text: string;
}

/** Asks a service; undefined where nobody was there, or its process died meanwhile. */
export type Ask = (name: ServiceName, request: Request) => Promise<Answer | undefined>;

/** How the shop is kept through the services' own routes. */
export const shopByHttp = (
  ask: Ask,
  world: VirtualTime,
  { cacheMs }: Purchases,
  rest: Pick<PurchaseDriver, 'publish' | 'ship'>,
): PurchaseDriver => {
  const began = world.runtime.now();
  const ids = new Map<string, string>();

  /** The operation of a command that was accepted; null where it was refused, undefined where it may be asked again. */
  const accepted = async (
    request: Request,
  ): Promise<{ id: string; operationId: string } | null | undefined> => {
    const answer = await ask('admin-productos', request);
    if (answer?.status === 202)
      return (parseJson(answer.text) as { respuesta: { id: string; operationId: string } }).respuesta;
    return answer?.status === 404 ? null : undefined;
  };

  const as = (peticion: string) => ({ peticion: { id: peticion, huella: peticion } });
  return {
    ...rest,
    async create({ name, precio, peticion }) {
      const made = await accepted(
        precio === null
          ? { method: 'POST', url: '/items', body: { sku: `S-${name}`, name, quantity: 0, ...as(peticion) } }
          : { method: 'POST', url: '/products', body: { nombre: name, precio, ...as(peticion) } },
      );
      if (!made) return undefined;
      ids.set(name, made.id);
      return made.operationId;
    },
    async command({ item, verb, quantity, peticion }) {
      const url = `/items/${encodeURIComponent(item)}`;
      const requests = {
        adjust: { method: 'POST', url: `${url}/adjust`, body: { quantity, ...as(peticion) } },
        reserve: { method: 'POST', url: `${url}/reserve`, body: { quantity, ...as(peticion) } },
        release: { method: 'POST', url: `${url}/release`, body: { quantity, ...as(peticion) } },
        describe: { method: 'PUT', url, body: { name: item, description: `${quantity}`, ...as(peticion) } },
        remove: { method: 'DELETE', url, body: as(peticion) },
      } as const;
      const made = await accepted(requests[verb]);
      return made === null ? null : made?.operationId;
    },
    idOf: async (item) => ids.get(item),
    async deshacer(saga) {
      const body = { entidad: entityId(saga, 'orden', 0), motivo: 'sim' };
      await ask('gestor-compra', { method: 'POST', url: `/sagas/compra/${saga}/deshacer`, body });
    },
    async setCustomer({ id, activo, limite }) {
      const answer = await ask('ordenes', {
        method: 'PUT',
        url: `/clientes/${id}`,
        body: { activo, limite },
      });
      return answer?.status === 200;
    },
    async read({ item, view }) {
      const asked = world.runtime.now() - began;
      const answer = await ask('consultas', {
        method: 'GET',
        url: `/items/${encodeURIComponent(item)}${view === 'stock' ? '/stock' : ''}`,
      });
      if (answer?.status !== 200) return undefined;
      const shown = parseJson(answer.text) as {
        id: string;
        version?: number;
        quantity: number;
        reserved: number;
      };
      return {
        replica: answer.replica,
        asked,
        at: world.runtime.now() - began,
        ttlMs: cacheMs[view],
        id: shown.id,
        version: shown.version,
        quantity: shown.quantity,
        reserved: shown.reserved,
      };
    },
  };
};
