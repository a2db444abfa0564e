import type { Pedido } from '../compras/purchases.ts';

/**
 * The products of a purchase as the original client writes them: `id:cantidad`, separated by commas. The quantity is
 * what follows the last colon, so that a name may have colons; a name with commas can be bought over REST.
 * @returns what is wrong, where it cannot be read
 */
export const readProductos = (text: string): Pedido['productos'] | { readonly fault: string } => {
  const productos: { producto: string; cantidad: number }[] = [];
  for (const [index, entry] of text.split(',').entries()) {
    const colon = entry.lastIndexOf(':');
    const producto = entry.slice(0, Math.max(0, colon)).trim();
    const cantidad = entry.slice(colon + 1).trim();
    if (colon < 0 || producto === '' || !/^[1-9][0-9]{0,8}$/.test(cantidad))
      return { fault: `productos: el elemento ${index + 1} no tiene la forma id:cantidad` };
    productos.push({ producto, cantidad: Number(cantidad) });
  }
  return productos;
};
