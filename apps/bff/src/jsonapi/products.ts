import { HttpError, notFound, unavailable } from '@cordada/infra/http/errors.ts';
import { Digits } from '@cordada/infra/http/json-text.ts';
import type { RequestOrigin, ServiceClient } from '@cordada/infra/http/service-client.ts';

/** A product as admin-productos tells it. */
export interface Product {
  readonly id: string;
  readonly numero: number;
  readonly nombre: string;
  readonly descripcion: string | null;
  /** With two decimals. */
  readonly precio: string | null;
}

/** What a product says of itself in JSON:API. */
export const productAttributes = ({
  nombre,
  precio,
  descripcion,
}: Pick<Product, 'nombre' | 'precio' | 'descripcion'>) => ({
  nombre,
  precio: precio === null ? null : new Digits(precio),
  descripcion,
});

export const productResource = (product: Product) => ({
  type: 'products' as const,
  id: String(product.numero),
  attributes: productAttributes(product),
});

/** The products, where they are owned. */
export interface Products {
  /** @throws HttpError 404 where there is none, 503 when their owner is away */
  get(ref: string, origin: RequestOrigin): Promise<Product>;
  /** @throws HttpError 503 as `get` */
  list(limit: number | undefined, origin: RequestOrigin): Promise<Product[]>;
  /** Has `work` say, when the owner is away, what its clients expect to be told. */
  orAway<R>(work: Promise<R>): Promise<R>;
}

export const createProducts = (admin: ServiceClient): Products => {
  const orAway = async <R>(work: Promise<R>): Promise<R> => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof HttpError && error.statusCode === 503)
        throw unavailable('Servicio de productos no disponible después de 3 intentos');
      throw error;
    }
  };
  return {
    orAway,
    async get(ref, origin) {
      const path = ['products', ref];
      const found = await orAway(admin.find<Product>({ method: 'GET', path, origin }));
      if (!found) throw notFound('Producto no encontrado');
      return found;
    },
    list: (limit, origin) =>
      orAway(admin.call<Product[]>({ method: 'GET', path: ['products'], query: { limit }, origin })),
  };
};
