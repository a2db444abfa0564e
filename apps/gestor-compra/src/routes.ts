import { access } from '@cordada/infra/http/access.ts';
import { notFound } from '@cordada/infra/http/errors.ts';
import { Digits } from '@cordada/infra/http/json-text.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import type { Coordinator } from '@cordada/sagas/engine/coordinator.ts';
import { entityId } from '@cordada/sagas/engine/turn.ts';
import { addUndoRoute } from '@cordada/sagas/service/saga-routes.ts';
import type { CompraRechazada, IniciarCompra } from '@cordada/schemas';
import Type from 'typebox';
import type { Validada } from './compra.ts';
import type { PrismaClient, Compra as StoredCompra } from './generated/prisma/client.ts';

const config = { access: access.service };
const idParams = Type.Object({ id: Type.String() });

const view = (compra: StoredCompra) => {
  const { codigo, motivo, faltantes, total } = compra;
  const validada = compra.lineas as Validada['lineas'] | null;
  const pedido = compra.pedido as unknown as IniciarCompra['lineas'];
  return {
    id: compra.id,
    idUsuario: compra.idUsuario,
    domicilio: compra.domicilio,
    estado: compra.estado,
    ...(compra.detenida && { detenida: true }),
    productos: pedido.map(({ producto, cantidad }) => ({ producto, cantidad })),
    ...(validada && {
      lineas: validada.map(({ id_item, numero, sku, nombre, cantidad, precio_unitario }) => ({
        id_item,
        numero,
        sku,
        nombre,
        cantidad,
        precio_unitario: new Digits(precio_unitario),
      })),
    }),
    ...(total && { total: new Digits(total.toFixed(2)) }),
    idOrden: entityId(compra.id, 'orden', 0),
    ...(codigo !== null && {
      codigo,
      motivo: motivo ?? '',
      faltantes: ((faltantes ?? []) as unknown as CompraRechazada['faltantes']).map(
        ({ producto, pedido: wanted, disponible }) => ({ producto, pedido: wanted, disponible }),
      ),
    }),
    creada: compra.creada.toISOString(),
    actualizada: compra.actualizada.toISOString(),
  };
};

export interface RouteParts {
  readonly prisma: PrismaClient;
  // biome-ignore lint/suspicious/noExplicitAny: the transaction type is the coordinator's own affair
  readonly coordinator: Coordinator<any>;
}

/** What the BFF reads and undoes at `gestor-compra`, besides its sagas. */
export const addCompraRoutes = (app: Server, { prisma, coordinator }: RouteParts): void => {
  const find = async (id: string): Promise<StoredCompra> => {
    const compra = isUuid(id) ? await prisma.compra.findUnique({ where: { id } }) : null;
    if (!compra) throw notFound(`No existe la compra ${id}`);
    return compra;
  };

  app.get(
    '/compras',
    {
      config,
      schema: {
        querystring: Type.Object(
          { usuario: Type.Optional(Type.String()), limit: Type.Optional(Type.Integer({ minimum: 1 })) },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query: { usuario, limit } }) => {
      const compras = await prisma.compra.findMany({
        orderBy: [{ creada: 'asc' }, { id: 'asc' }],
        ...(usuario !== undefined && { where: { idUsuario: usuario } }),
        ...(limit !== undefined && { take: limit }),
      });
      return compras.map(view);
    },
  );

  app.get('/compras/:id', { config, schema: { params: idParams } }, async ({ params }) =>
    view(await find(params.id)),
  );

  addUndoRoute(app, '/compras', coordinator, async (id) => (await find(id)).id);
};
