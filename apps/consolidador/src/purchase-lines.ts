import { amountOf, centsOf } from '@cordada/infra/cents.ts';
import type { Item } from './items.ts';
import { availableOf, MOST_UNITS, type Stock } from './stock.ts';

/** A product of a purchase, all its lines together. */
export interface Wanted {
  /** As its first line calls it. */
  readonly producto: string;
  readonly item: Item | undefined;
  readonly cantidad: number;
}

/** A product that is missing or short. */
export interface Faltante {
  readonly producto: string;
  readonly pedido: number;
  readonly disponible: number;
}

/** Why the lines of a purchase are none: a code for programs, a reason for people. */
export interface Refusal {
  readonly codigo: string;
  readonly motivo: string;
  readonly faltantes: readonly Faltante[];
}

/** Lines of one product become one, where the first of them stands. What is not found is one product a text. */
export const merged = (
  lines: readonly { readonly producto: string; readonly cantidad: number }[],
  find: (producto: string) => Item | undefined,
): readonly Wanted[] => {
  const wanted = new Map<string, Wanted>();
  for (const { producto, cantidad } of lines) {
    const item = find(producto);
    const key = item ? item.id : `?${producto}`;
    const before = wanted.get(key);
    wanted.set(
      key,
      before ? { ...before, cantidad: before.cantidad + cantidad } : { producto, item, cantidad },
    );
  }
  return [...wanted.values()];
};

/** Why lines cannot be bought as they stand. */
export const malformed = (lines: readonly { readonly cantidad: number }[]): Refusal | undefined => {
  if (lines.length === 0)
    return { codigo: 'SIN_PRODUCTOS', motivo: 'la compra no nombra ningún producto', faltantes: [] };
  if (lines.some(({ cantidad }) => cantidad < 1))
    return { codigo: 'CANTIDAD_INVALIDA', motivo: 'de cada producto se compra al menos uno', faltantes: [] };
  return undefined;
};

/**
 * That products are missing or short, with all of them.
 * @param nameOf what a product is called in the answer
 */
export const shortOf = (
  wanted: readonly Wanted[],
  nameOf: (each: Wanted) => string = ({ producto }) => producto,
): Refusal | undefined => {
  const faltantes = wanted
    .filter(({ item, cantidad }) => !item || availableOf(item) < cantidad)
    .map((each) => ({
      producto: nameOf(each),
      // Merged lines may ask for more than the answer can say; there is never that much either.
      pedido: Math.min(each.cantidad, MOST_UNITS),
      disponible: each.item ? availableOf(each.item) : 0,
    }));
  if (faltantes.length === 0) return undefined;
  const told = faltantes.map((f) => `${f.producto} (pedido ${f.pedido}, disponible ${f.disponible})`);
  return {
    codigo: 'INVENTARIO_INSUFICIENTE',
    motivo: `no alcanza el inventario: ${told.join(', ')}`,
    faltantes,
  };
};

/** What the lines cost, each and together, exactly; or why nobody can say so. */
export const priced = (
  wanted: readonly Wanted[],
  stock: Pick<Stock, 'precioOf'>,
): { readonly lines: readonly PricedLine[]; readonly total: string } | Refusal => {
  const lines: PricedLine[] = [];
  const unpriced: string[] = [];
  let cents = 0n;
  for (const { producto, item, cantidad } of wanted) {
    const price = item && stock.precioOf(item.id);
    if (!item || price === null || price === undefined) {
      unpriced.push(producto);
      continue;
    }
    cents += centsOf(price) * BigInt(cantidad);
    const { id: id_item, numero, sku, nombre } = item;
    lines.push({ id_item, numero, sku, nombre, cantidad, precio_unitario: price });
  }
  if (unpriced.length > 0)
    return { codigo: 'SIN_PRECIO', motivo: `no tiene precio: ${unpriced.join(', ')}`, faltantes: [] };
  const total = amountOf(cents);
  if (total === undefined)
    return {
      codigo: 'TOTAL_EXCESIVO',
      motivo: 'el total de la compra tiene más de 16 dígitos enteros',
      faltantes: [],
    };
  return { lines, total };
};

interface PricedLine {
  readonly id_item: string;
  readonly numero: number;
  readonly sku: string;
  readonly nombre: string;
  readonly cantidad: number;
  readonly precio_unitario: string;
}
