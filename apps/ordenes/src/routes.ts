import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import { access } from '@cordada/infra/http/access.ts';
import { conflict, notFound } from '@cordada/infra/http/errors.ts';
import { Digits } from '@cordada/infra/http/json-text.ts';
import { money } from '@cordada/infra/http/money.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import type { Messaging } from '@cordada/infra/service/messaging.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import Type from 'typebox';
import { readCliente, writeCliente } from './cliente.ts';
import type { Prisma, PrismaClient } from './generated/prisma/client.ts';
import { type Cliente, maySay, type Orden } from './orden.ts';
import { lockOrdenes, updateOrdenes } from './store.ts';

const config = { access: access.service };
const idParams = Type.Object({ id: Type.String() });
const whole = { lineas: { orderBy: { n: 'asc' } } } as const satisfies Prisma.OrdenInclude;
type StoredOrden = Prisma.OrdenGetPayload<{ include: typeof whole }>;

const view = (orden: StoredOrden) => ({
  id: orden.id,
  id_compra: orden.compra,
  cliente: orden.cliente,
  domicilio: orden.domicilio,
  status: orden.estado,
  total: orden.total && new Digits(orden.total.toFixed(2)),
  ...(orden.codigo !== null && { codigo: orden.codigo }),
  ...(orden.motivo !== null && { motivo: orden.motivo }),
  lineas: orden.lineas.map(({ idItem, numero, nombre, cantidad, precioUnitario }) => ({
    id_item: idItem,
    numero,
    nombre,
    cantidad,
    precio_unitario: precioUnitario && new Digits(precioUnitario.toFixed(2)),
  })),
  creada: orden.creada.toISOString(),
  actualizada: orden.actualizada.toISOString(),
});

const viewCliente = ({ id, activo, limite }: Cliente) => ({ id, activo, limite: new Digits(limite) });

export interface RouteParts {
  readonly messaging: Messaging;
  readonly database: ServiceDatabase;
  readonly prisma: PrismaClient;
  readonly runtime: Runtime;
}

/** What the BFF reads and sets at `ordenes`. */
export const addOrdenRoutes = (app: Server, { messaging, database, prisma, runtime }: RouteParts): void => {
  const find = async (id: string): Promise<StoredOrden> => {
    const orden = isUuid(id) ? await prisma.orden.findUnique({ where: { id }, include: whole }) : null;
    if (!orden) throw notFound(`No existe la orden ${id}`);
    return orden;
  };

  app.get(
    '/ordenes',
    {
      config,
      schema: {
        querystring: Type.Object(
          {
            compra: Type.Optional(Type.String()),
            cliente: Type.Optional(Type.String()),
            limit: Type.Optional(Type.Integer({ minimum: 1 })),
          },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query: { compra, cliente, limit } }) => {
      if (compra !== undefined && !isUuid(compra)) return [];
      const ordenes = await prisma.orden.findMany({
        where: { ...(compra !== undefined && { compra }), ...(cliente !== undefined && { cliente }) },
        include: whole,
        orderBy: [{ creada: 'asc' }, { id: 'asc' }],
        ...(limit !== undefined && { take: limit }),
      });
      return ordenes.map(view);
    },
  );

  app.get(
    '/items/:id/ordenes',
    {
      config,
      schema: {
        params: idParams,
        querystring: Type.Object(
          { limit: Type.Optional(Type.Integer({ minimum: 1 })) },
          { additionalProperties: false },
        ),
      },
    },
    async ({ params: { id }, query: { limit } }) => {
      if (!isUuid(id)) return [];
      const ordenes = await prisma.orden.findMany({
        where: { lineas: { some: { idItem: id } }, estado: { notIn: ['REJECTED', 'CANCELLED'] } },
        include: whole,
        orderBy: [{ creada: 'desc' }, { id: 'desc' }],
        ...(limit !== undefined && { take: limit }),
      });
      return ordenes.map(view);
    },
  );

  app.get('/ordenes/:id', { config, schema: { params: idParams } }, async ({ params }) =>
    view(await find(params.id)),
  );

  app.put(
    '/ordenes/:id/estado',
    {
      config,
      schema: {
        params: idParams,
        body: Type.Object(
          {
            status: Type.Union([Type.Literal('IN_TRANSIT'), Type.Literal('DELIVERED')]),
            quien: Type.String(),
          },
          { additionalProperties: false },
        ),
      },
    },
    async ({ params: { id }, body: { status, quien } }) => {
      if (!isUuid(id)) throw notFound(`No existe la orden ${id}`);
      await messaging.store.transaction(async (tx) => {
        const [orden] = await lockOrdenes(tx, [id]);
        if (!orden) throw notFound(`No existe la orden ${id}`);
        if (orden.estado === status) return;
        if (!maySay(orden, status))
          throw conflict('TRANSICION_INVALIDA', `La orden ${id} está ${orden.estado}: no pasa a ${status}`);
        const now = new Date(runtime.now());
        updateOrdenes(tx, [{ ...orden, estado: status } satisfies Orden], now);
        messaging.store.insertAudit(tx, {
          at: now,
          who: quien,
          action: 'orden.estado',
          target: id,
          reason: `${orden.estado} → ${status}`,
        });
      });
      return view(await find(id));
    },
  );

  app.get('/clientes/:id', { config, schema: { params: idParams } }, async ({ params: { id } }) =>
    viewCliente(await readCliente(database, id)),
  );

  app.put(
    '/clientes/:id',
    {
      config,
      schema: {
        params: idParams,
        body: Type.Object(
          { activo: Type.Boolean(), limite: money, quien: Type.String() },
          { additionalProperties: false },
        ),
      },
    },
    async ({ params: { id }, body: { activo, limite, quien } }) => {
      const cliente = { id, activo, limite };
      await writeCliente(messaging, cliente, quien, new Date(runtime.now()));
      return viewCliente(cliente);
    },
  );
};
