import type { RowSet } from '@cordada/infra/database/row-set.ts';
import type { Reaction } from '@cordada/infra/messaging/capability.ts';
import {
  contracts,
  type ItemCreado,
  type ItemEliminado,
  type OperacionInventarioRechazada,
} from '@cordada/schemas';
import { type Noticia, type Producto, settled } from './producto.ts';

/** The products that a batch of events is about. */
export interface ProductRows {
  readonly productos: RowSet<Producto>;
}

const settle = ({ productos }: ProductRows, id: string, noticia: Noticia): void => {
  const producto = productos.get(id);
  if (!producto) return;
  const estado = settled(producto.estado, noticia);
  if (estado !== producto.estado) productos.update({ ...producto, estado });
};

const itemCreado: Reaction<ProductRows, ItemCreado> = {
  kind: 'event',
  contract: contracts.ItemCreado,
  handle(rows, { body }) {
    settle(rows, body.id_item, 'creado');
    return [];
  },
};

const itemEliminado: Reaction<ProductRows, ItemEliminado> = {
  kind: 'event',
  contract: contracts.ItemEliminado,
  handle(rows, { body }) {
    settle(rows, body.id_item, 'eliminado');
    return [];
  },
};

const operacionRechazada: Reaction<ProductRows, OperacionInventarioRechazada> = {
  kind: 'event',
  contract: contracts.OperacionInventarioRechazada,
  handle(rows, { body, envelope }) {
    // The refusal of a later command leaves the product as it is.
    if (rows.productos.get(body.id_item)?.operacion === envelope.correlationId)
      settle(rows, body.id_item, 'rechazado');
    return [];
  },
};

export const reactions = [itemCreado, itemEliminado, operacionRechazada] as const;
