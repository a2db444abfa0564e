import type { Delivery } from '@cordada/infra/bus/bus.ts';
import { type AnyContract, decode } from '@cordada/infra/messaging/wire.ts';
import {
  contracts,
  type ExistenciaAjustada,
  type InventarioReservado,
  type ItemActualizado,
  type ItemCreado,
  type ItemEliminado,
} from '@cordada/schemas';
import type { News } from './cache.ts';
import { refKeysOf, type Versioned } from './item.ts';

/** The events of consolidador by which something that is kept may be older than what there is. */
export const newsContracts: readonly AnyContract[] = [
  contracts.ItemCreado,
  contracts.ItemActualizado,
  contracts.ItemEliminado,
  contracts.ExistenciaAjustada,
  contracts.ExistenciaReservada,
  contracts.ExistenciaLiberada,
  contracts.InventarioReservado,
  contracts.InventarioLiberado,
  contracts.ReservaConfirmada,
  contracts.InventarioDevuelto,
];
const byTopic = new Map(newsContracts.map((contract) => [contract.topic, contract]));

type Described = ItemCreado | ItemActualizado;
type Changed = Described | ItemEliminado | ExistenciaAjustada;
type Body = Changed | Pick<InventarioReservado, 'existencias'>;

/** The items of a body, in their new versions. */
const versionsIn = (body: Body): Versioned[] =>
  'existencias' in body
    ? body.existencias.map(({ id_item, version }) => ({ id: id_item, version }))
    : [{ id: body.id_item, version: body.version }];

/** Keys of refs that may mean another item now: what items are called by changed. */
const refsIn = (contract: string, body: Body): string[] => {
  if (contract === 'ItemCreado' || contract === 'ItemActualizado') {
    const { sku, nombre, numero } = body as Described;
    return refKeysOf({ sku, name: nombre, numero });
  }
  return contract === 'ItemEliminado' ? refKeysOf({ sku: (body as ItemEliminado).sku }) : [];
};

/**
 * What a batch of events tells.
 * @param unreadable told of each message that tells nothing: what is kept is right again by its time to live
 */
export const newsOf = (batch: readonly Delivery[], unreadable: (cause: string) => void): News => {
  const versions: Versioned[] = [];
  const refs: string[] = [];
  for (const delivery of batch) {
    const decoded = decode(delivery, byTopic.get(delivery.topic));
    const cause = decoded.readable ? decoded.received.fault?.cause : decoded.cause;
    if (!decoded.readable || cause !== undefined) {
      unreadable(cause ?? '');
      continue;
    }
    const body = decoded.received.body as Body;
    versions.push(...versionsIn(body));
    refs.push(...refsIn(decoded.received.envelope.contract, body));
  }
  return { versions, refs };
};
