import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import { access } from '@cordada/infra/http/access.ts';
import { notFound } from '@cordada/infra/http/errors.ts';
import { money } from '@cordada/infra/http/money.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import { type Runtime, sleep } from '@cordada/infra/runtime.ts';
import { peticion, type VerbAnswered } from '@cordada/infra/service/keyed-verbs.ts';
import Type from 'typebox';
import {
  type Accepted,
  adjust,
  type Commands,
  describe,
  type ProductCommand,
  release,
  remove,
  reserve,
  StillPending,
} from './commands.ts';
import type { PrismaClient } from './generated/prisma/client.ts';
import type { Producto } from './producto.ts';
import { findProduct } from './store.ts';

const config = { access: access.service };
const refParams = Type.Object({ ref: Type.String() });
/** How long a command waits for the item to be there, in milliseconds. */
const PENDING_LIMIT_MS = 2_000;
const PENDING_POLL_MS = 25;

const asker = { quien: Type.String(), peticion };
const units = Type.Integer({ minimum: 1, maximum: 1_000_000_000 });
const bodyOf = <Fields extends Parameters<typeof Type.Object>[0]>(fields: Fields) =>
  Type.Object({ ...fields, ...asker }, { additionalProperties: false });
const nullableText = Type.Optional(Type.Union([Type.String(), Type.Null()]));

type Viewed = Pick<
  Producto,
  'id' | 'numero' | 'sku' | 'nombre' | 'descripcion' | 'version' | 'creado' | 'actualizado'
> & { readonly estado: string; readonly precio: string | null };

const view = ({ creado, actualizado, ...producto }: Viewed) => ({
  id: producto.id,
  numero: producto.numero,
  sku: producto.sku,
  nombre: producto.nombre,
  descripcion: producto.descripcion,
  precio: producto.precio,
  estado: producto.estado,
  version: producto.version,
  creado: creado.toISOString(),
  actualizado: actualizado.toISOString(),
});

export interface RouteParts {
  readonly commands: Commands;
  readonly database: ServiceDatabase;
  readonly prisma: PrismaClient;
  readonly runtime: Runtime;
}

/** What the BFF asks of `admin-productos`: commands, and what a product is. */
export const addProductRoutes = (app: Server, { commands, database, prisma, runtime }: RouteParts): void => {
  /** Applies a command once the item is there: right after it was asked for, it may not be yet. */
  const apply = async <Body>(
    ref: string,
    request: {
      readonly traceparent: string;
      readonly body: { quien: string; peticion?: { id: string; huella: string } };
    },
    command: ProductCommand<Body>,
  ): Promise<VerbAnswered<Accepted>> => {
    const until = runtime.now() + PENDING_LIMIT_MS;
    for (;;) {
      try {
        return await commands.apply({ ...request.body, traceparent: request.traceparent }, ref, command);
      } catch (error) {
        if (!(error instanceof StillPending) || runtime.now() >= until) throw error;
        await sleep(runtime, PENDING_POLL_MS);
      }
    }
  };

  app.post(
    '/items',
    {
      config,
      schema: {
        body: bodyOf({
          sku: Type.String({ minLength: 1 }),
          name: Type.String({ minLength: 1 }),
          description: nullableText,
          quantity: Type.Integer({ minimum: 0, maximum: 1_000_000_000 }),
          price: Type.Optional(money),
        }),
      },
    },
    ({ body, traceparent }, reply) => {
      reply.code(202);
      return commands.create(
        { ...body, traceparent },
        {
          sku: body.sku,
          nombre: body.name,
          descripcion: body.description ?? null,
          precio: body.price ?? null,
          cantidad: body.quantity,
        },
      );
    },
  );

  app.put(
    '/items/:ref',
    {
      config,
      schema: {
        params: refParams,
        body: bodyOf({
          name: Type.String({ minLength: 1 }),
          description: nullableText,
          price: Type.Optional(money),
        }),
      },
    },
    (request, reply) => {
      reply.code(202);
      const { name, description, price } = request.body;
      return apply(request.params.ref, request, describe(name, description ?? null, price ?? null));
    },
  );

  app.delete('/items/:ref', { config, schema: { params: refParams, body: bodyOf({}) } }, (request, reply) => {
    reply.code(202);
    return apply(request.params.ref, request, remove);
  });

  for (const [verb, command] of [
    ['reserve', reserve],
    ['release', release],
  ] as const)
    app.post(
      `/items/:ref/${verb}`,
      { config, schema: { params: refParams, body: bodyOf({ quantity: units }) } },
      (request, reply) => {
        reply.code(202);
        return apply<unknown>(
          request.params.ref,
          request,
          command(request.body.quantity) as ProductCommand<unknown>,
        );
      },
    );

  app.post(
    '/items/:ref/adjust',
    {
      config,
      schema: {
        params: refParams,
        body: Type.Union([
          bodyOf({ quantity: Type.Integer({ minimum: -1_000_000_000, maximum: 1_000_000_000 }) }),
          bodyOf({ available: Type.Integer({ minimum: 0, maximum: 1_000_000_000 }) }),
        ]),
      },
    },
    (request, reply) => {
      reply.code(202);
      const { body } = request;
      const to = 'available' in body ? { disponible: body.available } : { delta: body.quantity };
      return apply(request.params.ref, request, adjust(to));
    },
  );

  app.post(
    '/products',
    {
      config,
      schema: {
        body: bodyOf({
          nombre: Type.String({ minLength: 1 }),
          precio: money,
          descripcion: nullableText,
        }),
      },
    },
    ({ body, traceparent }, reply) => {
      reply.code(202);
      const { nombre, precio, descripcion } = body;
      return commands.create(
        { ...body, traceparent },
        { nombre, precio, descripcion: descripcion ?? null, cantidad: 0 },
      );
    },
  );

  app.get(
    '/products',
    {
      config,
      schema: {
        querystring: Type.Object(
          { limit: Type.Optional(Type.Integer({ minimum: 1 })) },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query }) => {
      const found = await prisma.producto.findMany({
        where: { estado: { in: ['ACTIVO', 'PENDIENTE'] } },
        orderBy: { numero: 'asc' },
        ...(query.limit === undefined ? {} : { take: query.limit }),
      });
      return found.map((producto) => view({ ...producto, precio: producto.precio?.toFixed(2) ?? null }));
    },
  );

  app.get('/products/:ref', { config, schema: { params: refParams } }, async ({ params: { ref } }) => {
    const producto = await findProduct(database, ref);
    if (!producto) throw notFound(`No existe el producto ${ref}`);
    return view(producto);
  });
};
