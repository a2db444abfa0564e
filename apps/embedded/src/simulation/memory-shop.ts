import { direct } from '@cordada/admin-productos/commands.ts';
import type { BusMessage } from '@cordada/infra/bus/bus.ts';
import type { Outgoing } from '@cordada/infra/messaging/message.ts';
import { busMessage } from '@cordada/infra/messaging/wire.ts';
import type { Incarnation } from '@cordada/infra/testing/virtual-time.ts';
import { entityId } from '@cordada/sagas/engine/turn.ts';
import { type Contract, contracts } from '@cordada/schemas';
import type { PlannedItem, PurchaseDriver, Purchases, StockCommand } from './purchases.ts';

/** The id that a planned item has where no admin-productos gives one. */
export const itemId = ({ peticion }: PlannedItem): string => entityId(peticion, 'item', 0);

/**
 * Commands about the stock as admin-productos publishes them, where it does not run itself: each under the id of its
 * request, until the bus says that it is durable.
 */
export const shopByBus = (
  { items }: Purchases,
  { runtime }: Incarnation,
  publish: (message: BusMessage) => Promise<boolean>,
): Pick<PurchaseDriver, 'create' | 'command' | 'idOf'> => {
  const ids = new Map(items.map((item) => [item.name, itemId(item)]));
  const send = (outgoing: Outgoing): Promise<boolean> =>
    publish(busMessage(outgoing, 'admin-productos', runtime));
  const commandOf = (
    id: string,
    { item, verb, quantity, peticion }: Omit<StockCommand, 'at' | 'times'>,
  ): Outgoing => {
    const about = <Body>(contract: Contract<Body>, body: Body): Outgoing =>
      direct(contract, body, peticion, id);
    switch (verb) {
      case 'adjust':
        return about(contracts.AjustarExistencia, { id_item: id, delta: quantity, disponible: null });
      case 'reserve':
        return about(contracts.ReservarExistencia, {
          id_item: id,
          id_reserva: peticion,
          cantidad: quantity,
        });
      case 'release':
        return about(contracts.LiberarExistencia, { id_item: id, cantidad: quantity });
      case 'describe':
        return about(contracts.ActualizarItem, {
          id_item: id,
          nombre: item,
          descripcion: `${quantity}`,
          precio: null,
          version_producto: 0,
        });
      case 'remove':
        return about(contracts.EliminarItem, { id_item: id });
      default:
        return verb satisfies never;
    }
  };

  return {
    async create(item) {
      const id = itemId(item);
      const numero = 1 + items.indexOf(item);
      const { name: nombre, precio, peticion } = item;
      const named = { numero, sku: `S-${nombre}`, nombre, descripcion: null, precio };
      const created = { ...named, id_producto: id, version: 1, fecha: new Date(runtime.now()) };
      const sent =
        (await send(direct(contracts.CrearItem, { ...named, id_item: id, cantidad: 0 }, peticion, id))) &&
        (await send({
          contract: contracts.ProductoCreado as Contract<unknown>,
          body: created,
          correlationId: peticion,
          idempotencyKey: `${id}/ProductoCreado/1`,
          key: id,
          subject: id,
        }));
      return sent ? peticion : undefined;
    },
    async command(command) {
      const id = ids.get(command.item);
      if (id === undefined) return null;
      return (await send(commandOf(id, command))) ? command.peticion : undefined;
    },
    idOf: async (item) => ids.get(item),
  };
};
