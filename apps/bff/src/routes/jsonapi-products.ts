import { access } from '@cordada/infra/http/access.ts';
import { notFound } from '@cordada/infra/http/errors.ts';
import { money } from '@cordada/infra/http/money.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { RequestOrigin } from '@cordada/infra/http/service-client.ts';
import Type from 'typebox';
import { errors, LONG_TEXT, postHeaders, text, waitHeader } from '../documents.ts';
import { MOST_UNITS, type StockItem, sendCommand } from '../inventory.ts';
import {
  answered,
  asked,
  inventoryDocument,
  pendingDocument,
  productDocument,
} from '../jsonapi/documents.ts';
import { type Product, type Products, productAttributes, productResource } from '../jsonapi/products.ts';
import type { Outcomes } from '../outcomes.ts';
import type { BffParts } from '../parts.ts';
import type { Verbs } from '../verbs.ts';

const everyone = access.only('ADMIN', 'OPERARIO', 'CLIENTE');
const keepers = access.only('ADMIN', 'OPERARIO');
/** How long a write waits for its outcome unless it says otherwise, in milliseconds. */
export const UNASKED_WAIT_MS = 10_000;
/** As many as the document's own table holds of a name. */
const LONGEST_NAME = 255;

const newProduct = asked(
  'products',
  Type.Object(
    {
      nombre: text(1, LONGEST_NAME),
      precio: money,
      descripcion: Type.Optional(Type.Union([text(0, LONG_TEXT), Type.Null()])),
    },
    { additionalProperties: false },
  ),
  { nombre: 'Laptop', precio: 1999.99, descripcion: 'De 14 pulgadas' },
);
const newStock = asked(
  'inventory',
  Type.Object(
    { cantidad: Type.Integer({ minimum: 0, maximum: MOST_UNITS }) },
    { additionalProperties: false },
  ),
  { cantidad: 50 },
);
const limit = Type.Object(
  { limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })) },
  { additionalProperties: false },
);

/** Products and their inventory, as systems.md §5 has them. */
export const addProductRoutes = (
  scope: Server,
  parts: BffParts,
  products: Products,
  verbs: Verbs,
  outcomes: Outcomes,
): void => {
  const { consolidador } = parts;
  const tools = { parts, verbs, outcomes };

  scope.post(
    '/api/products',
    {
      config: { access: keepers, attributesRule: 'Nombre y precio son requeridos' },
      schema: {
        tags: ['products'],
        summary: 'Crea un producto',
        description:
          'Responde 201 cuando el inventario lo tiene, con su precio: enseguida se le pueden poner unidades. Si tarda más ' +
          'de lo que se espera (10 s si no se dice con `Prefer: wait=n`), 202 con la operación en `Location`.',
        headers: postHeaders,
        body: newProduct,
        response: { 201: answered(productDocument), 202: pendingDocument, '4xx': errors, '5xx': errors },
      },
    },
    async (request, reply) => {
      const { nombre, precio, descripcion = null } = request.body.data.attributes;
      const body = { nombre, precio, descripcion };
      const wait = outcomes.patience(request, reply, UNASKED_WAIT_MS);
      const { accepted, ended } = await products.orAway(
        sendCommand(tools, request, reply, { path: ['products'], body }, wait),
      );
      const product = { ...body, id: accepted.id, numero: accepted.numero };
      if (ended) {
        reply.code(201).header('location', `/api/products/${accepted.numero}`);
        return { data: productResource(product) } as never;
      }
      reply.code(202).header('location', `/api/operations/${accepted.operationId}`);
      return pending('products', accepted.numero) as never;
    },
  );

  scope.get(
    '/api/products',
    {
      config: { access: everyone },
      schema: {
        tags: ['products'],
        summary: 'Los productos, por el orden de su número',
        description: 'Todos, si no se da `limit`.',
        querystring: limit,
        response: { 200: answered(Type.Array(productDocument)), '4xx': errors, '5xx': errors },
      },
    },
    async (request) => {
      const found = await products.list(request.query.limit, request);
      return { data: found.map(productResource) } as never;
    },
  );

  scope.get(
    '/api/products/:id',
    {
      config: { access: everyone },
      schema: {
        tags: ['products'],
        summary: 'Un producto',
        description: 'Por su número, su id, su SKU o su nombre.',
        params: Type.Object({ id: Type.String() }),
        response: { 200: answered(productDocument), '4xx': errors, '5xx': errors },
      },
    },
    async (request) => ({ data: productResource(await products.get(request.params.id, request)) }) as never,
  );

  /** @throws HttpError 404 where consolidador has nothing of it, 503 when it is away */
  const stockOf = async (product: Product, origin: RequestOrigin) => {
    const path = ['items', product.id];
    const found = await consolidador.find<StockItem>({ method: 'GET', path, origin });
    if (!found) throw notFound('Inventario no encontrado para este producto');
    return {
      data: {
        type: 'inventory',
        id: String(product.numero),
        attributes: {
          producto_id: product.numero,
          cantidad: found.available,
          producto: { id: String(product.numero), ...productAttributes(product) },
        },
      },
    };
  };
  const params = Type.Object({ producto_id: Type.String() });

  scope.get(
    '/api/inventory/:producto_id',
    {
      config: { access: everyone },
      schema: {
        tags: ['products'],
        summary: 'Lo que hay de un producto, con el producto',
        description: '`cantidad` es lo disponible.',
        params,
        response: { 200: answered(inventoryDocument), '4xx': errors, '5xx': errors },
      },
    },
    async (request) => {
      const product = await products.get(request.params.producto_id, request);
      return (await stockOf(product, request)) as never;
    },
  );

  scope.patch(
    '/api/inventory/:producto_id',
    {
      config: { access: keepers, attributesRule: 'Cantidad debe ser un número no negativo' },
      schema: {
        tags: ['products'],
        summary: 'Dice cuántas unidades hay disponibles de un producto',
        description:
          'Repetido deja lo mismo: no usa `Idempotency-Key`. Espera a que el inventario lo tenga, como la creación.',
        headers: Type.Object(waitHeader),
        params,
        body: newStock,
        response: { 200: answered(inventoryDocument), 202: pendingDocument, '4xx': errors, '5xx': errors },
      },
    },
    async (request, reply) => {
      const { cantidad } = request.body.data.attributes;
      const product = await products.get(request.params.producto_id, request);
      await stockOf(product, request);
      const send = { path: ['items', product.id, 'adjust'], body: { available: cantidad } };
      const wait = outcomes.patience(request, reply, UNASKED_WAIT_MS);
      const { accepted, ended } = await products.orAway(sendCommand(tools, request, reply, send, wait));
      if (ended) return (await stockOf(product, request)) as never;
      reply.code(202).header('location', `/api/operations/${accepted.operationId}`);
      return pending('inventory', product.numero) as never;
    },
  );
};

const pending = (type: string, numero: number) => ({
  data: { type, id: String(numero), attributes: { estado: 'PENDING' } },
});
