import type { SeededRandom } from '@cordada/infra/testing/seeded-random.ts';
import { type Deletions, noDeletions, sendDelete } from './deletions.ts';
import { send } from './send.ts';

/** What the keys of the load's purchases begin with: an installation has others, too. */
export const KEYS = 'compra-';

/** What a client knows of a purchase that it asked for. Its key is its domicilio too: by that it is found again. */
export interface Bought {
  readonly key: string;
  readonly usuario: string;
  readonly productos: readonly { readonly producto: string; readonly cantidad: number }[];
  /** Whether a rule of `openShop` refuses it. */
  readonly refused: boolean;
  /** Whether it may be refused, as there is not enough for everyone. */
  readonly scarce: boolean;
  /** `unknown`: the answer was lost, or it was a 503. */
  fate: 'unknown' | 'accepted';
  id?: string;
  readonly deletions: Deletions;
}

/** What is on sale, by its number. */
export interface Shop {
  readonly ample: readonly string[];
  /** Products of which there is less than is asked for. */
  readonly scarce: readonly string[];
  /** How many units of each there were at first. */
  readonly units: ReadonlyMap<string, number>;
}

const AMPLE_UNITS = 1_000_000;
const SCARCE_UNITS = 60;
const INACTIVE = 'kills-inactivo';
const POOR = 'kills-pobre';
const BUYERS = 20;
/** Headers of a request of §5 that waits long. */
export const demo = {
  'x-api-key': 'secret-key-123',
  'content-type': 'application/vnd.api+json',
  prefer: 'wait=60',
};
const plain = { 'content-type': 'application/json' };

const done = async (method: string, url: string, headers: Record<string, string>, body: object) => {
  const answer = await send(url, { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (answer.status !== 200 && answer.status !== 201)
    throw new Error(`${method} ${url} answered ${answer.status}: ${text}`);
  return JSON.parse(text);
};

/** Puts so many units of a new product on sale. @returns its number */
export const addProduct = async (
  base: string,
  nombre: string,
  precio: number,
  cantidad: number,
): Promise<string> => {
  const attributes = { nombre, precio };
  const made = await done('POST', `${base}/api/products`, demo, { data: { type: 'products', attributes } });
  const { id } = made.data as { id: string };
  const stock = { data: { type: 'inventory', attributes: { cantidad } } };
  await done('PATCH', `${base}/api/inventory/${id}`, demo, stock);
  return id;
};

/** Puts products on sale, and sets the rules that refuse some of the buyers. */
export const openShop = async (base: string): Promise<Shop> => {
  const units = new Map<string, number>();
  const product = async (nombre: string, precio: number, cantidad: number): Promise<string> => {
    const id = await addProduct(base, nombre, precio, cantidad);
    units.set(id, cantidad);
    return id;
  };
  const ample: string[] = [];
  for (const nombre of ['kills uno', 'kills dos', 'kills tres', 'kills cuatro'])
    ample.push(await product(nombre, 10.25, AMPLE_UNITS));
  const scarce = [
    await product('kills escaso', 99.99, SCARCE_UNITS),
    await product('kills raro', 7, SCARCE_UNITS),
  ];
  await done('PUT', `${base}/api/clientes/${INACTIVE}`, plain, { activo: false, limite: 1_000_000 });
  await done('PUT', `${base}/api/clientes/${POOR}`, plain, { activo: true, limite: 5 });
  return { ample, scarce, units };
};

/** A purchase to ask for. */
export const drawPurchase = (random: SeededRandom, shop: Shop, count: number): Bought => {
  const kind = random.pick(['good', 'good', 'good', 'scarce', 'scarce', 'inactive', 'poor'] as const);
  const first = random.below(shop.ample.length);
  const lines = Array.from({ length: 1 + random.below(3) }, (_, at) => ({
    producto: shop.ample[(first + at) % shop.ample.length] as string,
    cantidad: 1 + random.below(3),
  }));
  return {
    key: `${KEYS}${count}`,
    usuario: kind === 'inactive' ? INACTIVE : kind === 'poor' ? POOR : `kills-${random.below(BUYERS)}`,
    productos: kind === 'scarce' ? [...lines, { producto: random.pick(shop.scarce), cantidad: 1 }] : lines,
    refused: kind === 'inactive' || kind === 'poor',
    scarce: kind === 'scarce',
    fate: 'unknown',
    deletions: noDeletions(),
  };
};

/** An answer that no load should get. */
class Refused extends Error {}

/** Buys; repeating it with its key buys nothing more. @returns whether there was an answer that counts */
export const buy = async (base: string, bought: Bought): Promise<boolean> => {
  const { key, usuario, productos } = bought;
  try {
    const answer = await send(`${base}/api/compras`, {
      method: 'POST',
      headers: { ...plain, 'idempotency-key': key },
      body: JSON.stringify({ idUsuario: usuario, productos, domicilio: key }),
    });
    const body = (await answer.json()) as { id?: string };
    if (answer.status === 202 && body.id !== undefined) {
      if (bought.id !== undefined && bought.id !== body.id)
        throw new Refused(`the key ${key} has made the purchases ${bought.id} and ${body.id}`);
      bought.fate = 'accepted';
      bought.id = body.id;
      return true;
    }
    if (answer.status === 503 || answer.status === 409) return false;
    throw new Refused(`POST /api/compras answered ${answer.status}: ${JSON.stringify(body)}`);
  } catch (error) {
    if (error instanceof Refused) throw error;
    return false; // the process died before it answered
  }
};

/** Asks for the undoing of a purchase, whether it has ended or not. */
export const giveBack = (base: string, { id, deletions }: Bought): Promise<void> =>
  sendDelete(`${base}/api/compras/${id}`, deletions);

/** Buys many at once. @returns once each has been answered, or not */
export const buyAtOnce = async (
  bases: readonly string[],
  shop: Shop,
  random: SeededRandom,
  bought: Bought[],
  count: number,
): Promise<void> => {
  const these = Array.from({ length: count }, (_, at) => drawPurchase(random, shop, bought.length + at));
  bought.push(...these);
  await Promise.all(these.map((one) => buy(random.pick(bases), one)));
};

/** Buys again, with its key, all that was not answered, until it is. @param ms how long it tries */
export const buyAgain = async (
  bases: readonly string[],
  bought: readonly Bought[],
  random: SeededRandom,
  ms: number,
): Promise<void> => {
  const until = Date.now() + ms;
  for (const one of bought)
    while (one.fate === 'unknown' && Date.now() < until)
      if (!(await buy(random.pick(bases), one))) await new Promise((resolve) => setTimeout(resolve, 100));
};
