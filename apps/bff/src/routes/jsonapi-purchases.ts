import { access } from '@cordada/infra/http/access.ts';
import { HttpError, notFound, unavailable } from '@cordada/infra/http/errors.ts';
import { Digits } from '@cordada/infra/http/json-text.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { RequestOrigin } from '@cordada/infra/http/service-client.ts';
import type { SagaView } from '@cordada/sagas/engine/view.ts';
import Type from 'typebox';
import type { Compra, Purchases } from '../compras/purchases.ts';
import { errors, postHeaders, SHORT_TEXT, text } from '../documents.ts';
import { MOST_UNITS } from '../inventory.ts';
import { answered, asked, historyDocument, pendingDocument, purchaseDocument } from '../jsonapi/documents.ts';
import type { Product, Products } from '../jsonapi/products.ts';
import type { Outcomes } from '../outcomes.ts';
import type { BffParts } from '../parts.ts';
import { UNASKED_WAIT_MS } from './jsonapi-products.ts';

const config = { access: access.only('ADMIN', 'OPERARIO', 'CLIENTE') };
const route = '/api/purchases';
/** Where the goods go is no affair of this document. */
const NOWHERE = 'No indicado';
/** Codes of a saga that ended because a service was away, not because of a rule. */
const away = new Set(['TIEMPO_AGOTADO', 'ERROR_INTERNO']);

const purchase = asked(
  'purchases',
  Type.Object(
    {
      producto_id: Type.Union([Type.Integer(), text(1, SHORT_TEXT)]),
      cantidad: Type.Integer({ minimum: 1, maximum: MOST_UNITS }),
    },
    { additionalProperties: false },
  ),
  { producto_id: 1, cantidad: 2 },
);

/** An order as ordenes tells it, as far as a history shows it. */
interface Bought {
  readonly id_compra: string;
  readonly status: string;
  readonly creada: string;
  readonly lineas: readonly {
    readonly id_item: string | null;
    readonly nombre: string;
    readonly cantidad: number;
    readonly precio_unitario: number | Digits | null;
  }[];
}

/** Purchases as systems.md §5 has them: each runs the saga of §2 and is answered once that has ended. */
export const addPurchaseRoutes = (
  scope: Server,
  parts: BffParts,
  products: Products,
  purchases: Purchases,
  outcomes: Outcomes,
): void => {
  const { consolidador, ordenes } = parts;

  scope.post(
    route,
    {
      config: { ...config, attributesRule: 'producto_id y cantidad (mayor a 0) son requeridos' },
      schema: {
        tags: ['products'],
        summary: 'Compra unidades de un producto',
        description:
          'Cuenta para el cliente de la API key. Espera a que acabe la saga de la compra (10 s si no se dice con ' +
          '`Prefer: wait=n`): 201 comprado, 409 rechazado, 503 si un servicio no respondió; si la espera acaba antes, 202, ' +
          'y nada se pierde.',
        headers: postHeaders,
        body: purchase,
        response: { 201: answered(purchaseDocument), 202: pendingDocument, '4xx': errors, '5xx': errors },
      },
    },
    async (request, reply) => {
      const { producto_id, cantidad } = request.body.data.attributes;
      const wait = outcomes.patience(request, reply, UNASKED_WAIT_MS);
      const product = await products.get(String(producto_id), request);
      await requireStock(product, request);
      const id = await purchases.begin(request, reply, route, {
        idUsuario: request.caller.name,
        productos: [{ producto: product.id, cantidad }],
        domicilio: NOWHERE,
      });
      const enlace = `/api/compras/${id}`;
      reply.header('location', enlace);
      const saga = await outcomes.saga('compra', id, wait);
      const compra = saga && (await purchases.find(id, request));
      if (!saga || !compra) {
        const attributes = { estado: 'COMPRA_CREADA' };
        return reply.code(202).send({ data: { type: 'purchases', id, attributes } } as never);
      }
      if (saga.estado !== 'COMPLETED') throw refusal(saga, compra, cantidad);
      const data = await bought(product, compra, request);
      return reply.code(201).send({ data } as never);
    },
  );

  /** @throws HttpError 404 where consolidador has nothing of it, 503 when it is away */
  const requireStock = async ({ id }: Product, origin: RequestOrigin): Promise<void> => {
    const found = await consolidador.find({ method: 'GET', path: ['items', id], origin });
    if (!found) throw notFound('Inventario no encontrado para este producto');
  };

  /** The same however often it is told, whatever became of the stock since. */
  const bought = async (product: Product, compra: Compra, origin: RequestOrigin) => {
    const [line] = compra.lineas ?? [];
    return {
      type: 'purchases',
      id: compra.id,
      attributes: {
        producto_id: product.numero,
        producto_nombre: line?.nombre ?? product.nombre,
        cantidad: line?.cantidad,
        precio_unitario: line?.precio_unitario,
        total: compra.total,
        inventario_restante: await leftAfter(product, compra, origin),
        fecha: compra.creada,
      },
    };
  };

  const leftAfter = async (
    product: Product,
    compra: Compra,
    origin: RequestOrigin,
  ): Promise<number | null> => {
    try {
      const { disponible } = await consolidador.call<{ disponible: number }>({
        method: 'GET',
        path: ['items', product.id, 'restante'],
        query: { origen: compra.id },
        origin,
      });
      return disponible;
    } catch (error) {
      // It is bought all the same.
      if (error instanceof HttpError) return null;
      throw error;
    }
  };

  scope.get(
    `${route}/history/:producto_id`,
    {
      config,
      schema: {
        tags: ['products'],
        summary: 'Las compras de un producto, de la más reciente a la más antigua',
        description: 'Todas, si no se da `limit`; las que se deshicieron no están.',
        params: Type.Object({ producto_id: Type.String() }),
        querystring: Type.Object(
          { limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })) },
          { additionalProperties: false },
        ),
        response: { 200: answered(Type.Array(historyDocument)), '4xx': errors, '5xx': errors },
      },
    },
    async (request) => {
      const product = await products.get(request.params.producto_id, request);
      const orders = await ordenes.call<Bought[]>({
        method: 'GET',
        path: ['items', product.id, 'ordenes'],
        query: { limit: request.query.limit },
        origin: request,
      });
      const kept = await Promise.all(orders.map((order) => isBought(order, request)));
      const data = orders.flatMap((order, index) => (kept[index] ? lines(product, order) : []));
      return { data } as never;
    },
  );

  /** An order follows its purchase: one that is PENDING may be bought already, or never be. */
  const isBought = async ({ status, id_compra }: Bought, origin: RequestOrigin): Promise<boolean> =>
    status !== 'PENDING' || (await purchases.find(id_compra, origin))?.estado === 'CONFIRMADA';
};

const refusal = (saga: SagaView, { faltantes }: Compra, asked: number): HttpError => {
  const { codigo = 'RECHAZADA', motivo = '' } = saga.motivo ?? {};
  if (away.has(codigo)) return unavailable(motivo);
  const [short] = faltantes ?? [];
  const detail =
    short === undefined
      ? motivo
      : `Inventario insuficiente. Disponible: ${short.disponible}, Solicitado: ${asked}`;
  return new HttpError({ status: 409, code: codigo, detail });
};

const lines = (product: Product, { id_compra, creada, lineas }: Bought) =>
  lineas
    .filter(({ id_item, precio_unitario }) => id_item === product.id && precio_unitario !== null)
    .map(({ nombre, cantidad, precio_unitario }) => ({
      type: 'purchases',
      id: id_compra,
      attributes: {
        producto_id: product.numero,
        producto_nombre: nombre,
        cantidad,
        precio_unitario: new Digits(String(precio_unitario)),
        total: new Digits(times(String(precio_unitario), cantidad)),
        fecha: creada,
      },
    }));

/** An amount of money so many times, exactly. */
const times = (amount: string, count: number): string => {
  const [whole = '0', decimals = ''] = amount.split('.');
  const cents = BigInt(whole + decimals.padEnd(2, '0')) * BigInt(count);
  const digits = cents.toString().padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
};
