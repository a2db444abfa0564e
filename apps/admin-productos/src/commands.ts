import type { SqlTransaction } from '@cordada/infra/database/database.ts';
import { HttpError, notFound } from '@cordada/infra/http/errors.ts';
import type { Outgoing } from '@cordada/infra/messaging/message.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import { carryOut, type VerbAnswered } from '@cordada/infra/service/keyed-verbs.ts';
import type { Messaging } from '@cordada/infra/service/messaging.ts';
import { type Contract, contracts } from '@cordada/schemas';
import { type Producto, skuOf } from './producto.ts';
import { describeProduct, insertProducts, lockProduct, nextNumber } from './store.ts';

/** What was accepted: its outcome is read by the operation, at consolidador. */
export interface Accepted {
  readonly operationId: string;
  readonly id: string;
  readonly numero: number;
}

/** Who asks, by which request. */
export interface Asker {
  readonly quien: string;
  readonly peticion?: { readonly id: string; readonly huella: string };
  readonly traceparent: string;
}

/** A new product, with the units that there are of it. */
export interface NewProduct {
  /** By its number where absent. */
  readonly sku?: string;
  readonly nombre: string;
  readonly descripcion: string | null;
  readonly precio: string | null;
  readonly cantidad: number;
}

/** What a command does to one product: its body for consolidador, and what this service's own rows become. */
export interface ProductCommand<Body> {
  /** As the audit names it. */
  readonly action: string;
  readonly contract: Contract<Body>;
  body(producto: Producto, operationId: string): Body;
  /** Changes the product in `tx` and tells what is published besides. */
  change?(tx: SqlTransaction, producto: Producto, operationId: string, now: Date): readonly Outgoing[];
}

/** Consolidador has not said yet whether it takes the item: a command now might reach it before the item does. */
export class StillPending extends HttpError {
  constructor(ref: string) {
    super(
      { status: 409, code: 'ITEM_PENDIENTE', detail: `La creación de ${ref} aún no ha terminado` },
      { 'retry-after': '1' },
    );
  }
}

export interface Commands {
  create(asker: Asker, product: NewProduct): Promise<VerbAnswered<Accepted>>;
  /** @throws HttpError 404 where no live product is called `ref`; `StillPending` */
  apply<Body>(asker: Asker, ref: string, command: ProductCommand<Body>): Promise<VerbAnswered<Accepted>>;
}

/** What a product is from now on, as an event in order with the commands about its item. */
const announce = (
  contract: typeof contracts.ProductoCreado | typeof contracts.ProductoActualizado,
  producto: Pick<Producto, 'id' | 'numero' | 'sku' | 'nombre' | 'descripcion' | 'precio' | 'version'>,
  correlationId: string,
  now: Date,
): Outgoing => ({
  contract,
  body: {
    id_producto: producto.id,
    numero: producto.numero,
    sku: producto.sku,
    nombre: producto.nombre,
    descripcion: producto.descripcion,
    precio: producto.precio,
    version: producto.version,
    fecha: now,
  },
  correlationId,
  key: producto.id,
  subject: producto.id,
  idempotencyKey: `${producto.id}/${contract.name}/${producto.version}`,
});

/** A command to consolidador: it records the operation of that id, and handles an item's commands in order. */
export const direct = <Body>(
  contract: Contract<Body>,
  body: Body,
  operationId: string,
  item: string,
): Outgoing => ({
  contract,
  body,
  correlationId: operationId,
  idempotencyKey: operationId,
  key: item,
  subject: item,
});

/** Another name and description. @param precio what it costs from now on; null: what it did */
export const describe = (nombre: string, descripcion: string | null, precio: string | null) => ({
  action: 'item.actualizar',
  contract: contracts.ActualizarItem,
  body: ({ id, version }: Producto) => ({
    id_item: id,
    nombre,
    descripcion,
    precio,
    version_producto: version + 1,
  }),
  change(tx: SqlTransaction, producto: Producto, operationId: string, now: Date) {
    const next = {
      ...producto,
      nombre,
      descripcion,
      precio: precio ?? producto.precio,
      version: producto.version + 1,
    };
    describeProduct(tx, next, now);
    return [announce(contracts.ProductoActualizado, next, operationId, now)];
  },
});

export const remove = {
  action: 'item.eliminar',
  contract: contracts.EliminarItem,
  body: ({ id }: Producto) => ({ id_item: id }),
};

export const reserve = (cantidad: number) => ({
  action: 'item.reservar',
  contract: contracts.ReservarExistencia,
  body: ({ id }: Producto, operationId: string) => ({ id_item: id, id_reserva: operationId, cantidad }),
});

export const release = (cantidad: number) => ({
  action: 'item.liberar',
  contract: contracts.LiberarExistencia,
  body: ({ id }: Producto) => ({ id_item: id, cantidad }),
});

/** @param to how many units more, or how many are to be available then */
export const adjust = (to: { readonly delta: number } | { readonly disponible: number }) => ({
  action: 'item.ajustar',
  contract: contracts.AjustarExistencia,
  body: ({ id }: Producto) => ({ id_item: id, delta: 0, disponible: null, ...to }),
});

/**
 * Inserts products with the messages that create their items, in the caller's transaction.
 * @returns what is to be published
 */
export const createProducts = (
  tx: SqlTransaction,
  products: readonly (Pick<
    Producto,
    'id' | 'numero' | 'sku' | 'nombre' | 'descripcion' | 'precio' | 'operacion'
  > & {
    readonly cantidad: number;
  })[],
  now: Date,
): Outgoing[] => {
  insertProducts(tx, products, now);
  return products.flatMap(({ cantidad, operacion, ...product }) => {
    const { id, numero, sku, nombre, descripcion, precio } = product;
    const item = { id_item: id, numero, sku, nombre, descripcion, precio, cantidad };
    return [
      direct(contracts.CrearItem, item, operacion, id),
      announce(contracts.ProductoCreado, { ...product, version: 1 }, operacion, now),
    ];
  });
};

/**
 * Takes commands about products. Each is accepted in one transaction: the request's key, the product, and what goes to
 * consolidador, which decides.
 */
export const createCommands = (messaging: Messaging, runtime: Runtime): Commands => {
  const { store } = messaging;

  /** Keeps what is accepted, so that its operation can be read before consolidador has seen it. */
  const accept = (
    tx: SqlTransaction,
    accepted: Accepted,
    asker: Asker,
    action: string,
    now: Date,
  ): Accepted => {
    const { operationId: id } = accepted;
    store.insertOperations(tx, [
      { id, estado: 'PENDING', requestHash: '', message: id, recurso: null, error: null, created: now },
    ]);
    store.insertAudit(tx, { at: now, who: asker.quien, action, target: accepted.id, reason: '' });
    return accepted;
  };

  const traced = (publish: readonly Outgoing[], { traceparent }: Asker): Outgoing[] =>
    publish.map((outgoing) => ({ ...outgoing, traceparent }));

  return {
    create: (asker, product) =>
      carryOut(messaging, runtime, asker.peticion, async (tx, now) => {
        const { sku, nombre, descripcion, precio, cantidad } = product;
        const numero = await nextNumber(tx);
        const operacion = runtime.uuid();
        const created = {
          id: runtime.uuid(),
          numero,
          sku: sku ?? skuOf(numero),
          nombre,
          descripcion,
          precio,
          operacion,
          cantidad,
        };
        const publish = createProducts(tx, [created], now);
        const accepted = { operationId: operacion, id: created.id, numero };
        return {
          respuesta: accept(tx, accepted, asker, 'item.crear', now),
          publish: traced(publish, asker),
        };
      }),
    apply: (asker, ref, { action, contract, body, change }) =>
      carryOut(messaging, runtime, asker.peticion, async (tx, now) => {
        const producto = await lockProduct(tx, ref);
        if (!producto) throw notFound(`No existe el item ${ref}`);
        if (producto.estado === 'PENDIENTE') throw new StillPending(ref);
        const operationId = runtime.uuid();
        const publish = [
          direct(contract, body(producto, operationId), operationId, producto.id),
          ...(change?.(tx, producto, operationId, now) ?? []),
        ];
        const accepted = { operationId, id: producto.id, numero: producto.numero };
        return { respuesta: accept(tx, accepted, asker, action, now), publish: traced(publish, asker) };
      }),
  };
};
