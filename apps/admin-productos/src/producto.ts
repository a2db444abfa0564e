/**
 * - `PENDIENTE`: accepted; consolidador has not said yet whether it takes the item.
 * - `ACTIVO`: consolidador has it.
 * - `RECHAZADO`, `ELIMINADO`: final; nothing finds the product any more, and its SKU and name are free.
 */
export type EstadoProducto = 'PENDIENTE' | 'ACTIVO' | 'RECHAZADO' | 'ELIMINADO';

/** What a product is, as its owner keeps it. */
export interface Producto {
  readonly id: string;
  readonly numero: number;
  readonly sku: string;
  readonly nombre: string;
  readonly descripcion: string | null;
  /** With two decimals; null for what cannot be bought yet. */
  readonly precio: string | null;
  readonly estado: EstadoProducto;
  /** Grows with every change of what it is. */
  readonly version: number;
  /** The operation that creates its item. */
  readonly operacion: string;
  readonly creado: Date;
  readonly actualizado: Date;
}

/** The SKU of a product that is known by its number (systems.md, §4 and §5). */
export const skuOf = (numero: number): string => `P-${numero}`;

/** What became of a product at consolidador. */
export type Noticia = 'creado' | 'eliminado' | 'rechazado';

/**
 * The state after a piece of news. The events of one item come on several topics, in any order: gone is final, and a
 * refused item never was.
 */
export const settled = (estado: EstadoProducto, noticia: Noticia): EstadoProducto => {
  if (noticia === 'eliminado') return 'ELIMINADO';
  if (estado !== 'PENDIENTE') return estado;
  return noticia === 'creado' ? 'ACTIVO' : 'RECHAZADO';
};
