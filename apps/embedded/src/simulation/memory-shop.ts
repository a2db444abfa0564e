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
  const direct = <Body>(contract: Contract<Body>, body: Body, operacion: string, id: string): Outgoing => ({
    contract: contract as Contract<unknown>,
    body,
    correlationId: operacion,
    idempotencyKey: operacion,
    key: id,
    subject: id,
  });

  const commandOf = (
    id: string,
    { item, verb, quantity, peticion }: Omit<StockCommand, 'at' | 'times'>,
  ): Outgoing => {
    switch (verb) {
      case 'adjust':
        return direct(
          contracts.AjustarExistencia,
          { id_item: id, delta: quantity, disponible: null },
          peticion,
          id,
        );
      case 'reserve':
        return direct(
          contracts.ReservarExistencia,
          { id_item: id, id_reserva: peticion, cantidad: quantity },
          peticion,
          id,
        );
      case 'release':
        return direct(contracts.LiberarExistencia, { id_item: id, cantidad: quantity }, peticion, id);
      case 'describe':
        return direct(
          contracts.ActualizarItem,
          { id_item: id, nombre: item, descripcion: `${quantity}`, precio: null, version_producto: 0 },
          peticion,
          id,
        );
      case 'remove':
        return direct(contracts.EliminarItem, { id_item: id }, peticion, id);
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
