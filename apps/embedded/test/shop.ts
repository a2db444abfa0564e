import * as assert from 'uvu/assert';
import type { Answer, ApiFleet } from './api-fleet.ts';

/** What is on the shelf of one product. */
export interface Stock {
  readonly id: string;
  readonly numero: number;
  readonly sku: string;
  readonly quantity: number;
  readonly reserved: number;
  readonly available: number;
}

/** A shop whose shelves a test fills, and whose customers it is. */
export interface Shop {
  /** One of the demo's products, with so many units and none reserved. It is this test's until the next one asks. */
  product(units: number): Promise<Stock>;
  stock(numero: number): Promise<Stock>;
  /** Buys and waits for the end. */
  buy(productos: readonly Linea[], options?: BuyOptions): Promise<Answer>;
  /** The order of a purchase, once it stands so. */
  orden(compra: { readonly idOrden: string }, status: string): Promise<Answer['json']>;
}

export interface Linea {
  readonly producto: string;
  readonly cantidad: number;
}

export interface BuyOptions {
  readonly idUsuario?: string;
  readonly vence?: string;
  readonly headers?: Record<string, string>;
}

export const wait = { prefer: 'wait=30' };

/** Asks until it is as it must be, for 10 s and more unless told; the last answer is then what a test shows. */
export const eventually = async <R>(
  look: () => Promise<R>,
  holds: (seen: R) => boolean,
  tries = 200,
): Promise<R> => {
  for (let made = 1; ; made += 1) {
    const seen = await look();
    if (holds(seen) || made >= tries) return seen;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** @param numbers the demo's products that this suite may fill and empty */
export const shopOf = ({ call }: Pick<ApiFleet<never>, 'call'>, numbers: readonly number[]): Shop => {
  let turn = 0;

  const adjust = async (numero: number, quantity: number): Promise<Stock> => {
    const url = `/api/v1/inventory/items/${numero}/adjust`;
    // The demo's products come by the usual messages, and may still be on their way.
    const { json, text } = await eventually(
      () => call('POST', url, { quantity }, wait),
      ({ status }) => status === 200,
    );
    assert.is(json.numero, numero, text);
    return json;
  };

  const stock: Shop['stock'] = async (numero) => {
    await adjust(numero, 1);
    return adjust(numero, -1);
  };

  return {
    stock,
    async product(units) {
      const numero = numbers[turn % numbers.length] as number;
      turn += 1;
      const { quantity, reserved } = await adjust(numero, 1);
      assert.is(reserved, 0, `product ${numero} is still spoken for`);
      return units === quantity ? stock(numero) : adjust(numero, units - quantity);
    },
    buy: (productos, { idUsuario = 'ana', vence, headers = wait } = {}) =>
      call(
        'POST',
        '/api/compras',
        { idUsuario, productos, domicilio: 'Calle 26 # 7-11', ...(vence && { vence }) },
        headers,
      ),
    async orden({ idOrden }, status) {
      const seen = await eventually(
        () => call('GET', `/api/ordenes/${idOrden}`),
        (one) => one.json.status === status,
      );
      assert.is(seen.json.status, status, seen.text);
      return seen.json;
    },
  };
};
