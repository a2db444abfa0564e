/** What clients are told while a service behind the BFF, or the broker, is away; and that what they repeat happens once. */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { addProduct, demo } from './purchases.ts';
import { send } from './send.ts';

/** A request, and how it must be answered. */
interface Ask {
  readonly what: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: object;
  /** While what it needs is away: the status, and what a person reads where that is an error. */
  readonly away: readonly [status: number, detail?: string];
  /** Once it is back, sent again as it was. */
  readonly back: number;
}

interface Told {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever it expects to be there
  readonly json: any;
  readonly text: string;
}

/** A product of an outage's own, and the buyer of some of it. */
interface Stall {
  readonly numero: string;
  readonly usuario: string;
  /** How many units are bought in all. */
  readonly bought: number;
}

export interface Outage {
  readonly name: string;
  readonly asks: readonly Ask[];
  readonly stall: Stall;
}

const UNITS = 100;
const BACK_MS = 120_000;
const MEDIA_TYPE = 'application/vnd.api+json';
const plain = { 'content-type': 'application/json' };
const unavailable = (service: string): string => `El servicio ${service} no está disponible por ahora`;
/** Word for word, as systems.md §5 has it. */
const NO_PRODUCTS = 'Servicio de productos no disponible después de 3 intentos';
const UNKNOWN = 'No se sabe si la petición se tomó; puede enviarse otra vez con la misma Idempotency-Key';
const keyed = (headers: Record<string, string>) => ({ ...headers, 'idempotency-key': randomUUID() });

const get = (path: string, away: Ask['away'], back: number, headers: Record<string, string> = {}): Ask => ({
  what: `GET ${path}`,
  method: 'GET',
  path,
  headers,
  away,
  back,
});
const purchase = ({ numero }: Stall, away: Ask['away']): Ask => ({
  what: 'a purchase of §5',
  method: 'POST',
  path: '/api/purchases',
  headers: keyed(demo),
  body: { data: { type: 'purchases', attributes: { producto_id: Number(numero), cantidad: 1 } } },
  away,
  back: 201,
});
const compra = (
  { numero, usuario }: Stall,
  away: Ask['away'],
  headers: Ask['headers'] = keyed(plain),
): Ask => ({
  what: 'a purchase over REST',
  method: 'POST',
  path: '/api/compras',
  headers,
  body: {
    idUsuario: usuario,
    productos: [{ producto: numero, cantidad: 1 }],
    domicilio: 'apagón',
  },
  away,
  back: 202,
});
const crearCompra = ({ numero, usuario }: Stall, away: Ask['away']): Ask => ({
  what: 'a purchase over GraphQL',
  method: 'POST',
  path: '/v1',
  headers: keyed(plain),
  body: {
    query: `mutation { crearCompra(idUsuario: "${usuario}", productos: "${numero}:1", domicilio: "apagón") { codigo mensaje id } }`,
  },
  away,
  back: 200,
});
const newItem = (away: Ask['away']): Ask => ({
  what: 'an item of §3',
  method: 'POST',
  path: '/api/v1/inventory/items',
  headers: { ...keyed(plain), prefer: 'wait=1' },
  body: { sku: `APAGON-${randomUUID()}`, name: 'apagón', quantity: 5 },
  away,
  back: 201,
});
const newProduct = (away: Ask['away']): Ask => ({
  what: 'a product of §5',
  method: 'POST',
  path: '/api/products',
  headers: { ...keyed(demo), prefer: 'wait=1' },
  body: { data: { type: 'products', attributes: { nombre: `apagón ${randomUUID()}`, precio: 1 } } },
  away,
  back: 201,
});

const stallOf = async (base: string, name: string, bought: number): Promise<Stall> => ({
  numero: await addProduct(base, `apagón ${name}`, 2.5, UNITS),
  usuario: `apagon-${name}`,
  bought,
});

/** admin-productos, gestor-compra and consultas are dead. */
export const deadServices = async (base: string): Promise<Outage> => {
  const name = 'muertos';
  const stall = await stallOf(base, name, 4);
  const key = { 'x-api-key': demo['x-api-key'] };
  const noProducts = [503, NO_PRODUCTS] as const;
  return {
    name,
    stall,
    asks: [
      purchase(stall, noProducts),
      newProduct(noProducts),
      get(`/api/products/${stall.numero}`, noProducts, 200, key),
      get('/api/products', noProducts, 200, key),
      get(`/api/inventory/${stall.numero}`, noProducts, 200, key),
      get(`/api/purchases/history/${stall.numero}`, noProducts, 200, key),
      newItem([503, unavailable('admin-productos')]),
      get(`/api/v1/inventory/items/${stall.numero}`, [503, unavailable('consultas')], 200),
      get(`/api/v1/inventory/items/${stall.numero}/stock`, [503, unavailable('consultas')], 200),
      compra(stall, [503, unavailable('gestor-compra')]),
      crearCompra(stall, [503, unavailable('gestor-compra')]),
      get(`/usuarios/${stall.usuario}/compras`, [503, unavailable('gestor-compra')], 200),
      // Without a key nobody has to be asked whether it came before: it is durable, and its owner takes it later.
      compra(stall, [202], plain),
    ],
  };
};

/** consolidador and ordenes answer nobody. */
export const frozenServices = async (base: string): Promise<Outage> => {
  const name = 'congelados';
  const stall = await stallOf(base, name, 3);
  const key = { 'x-api-key': demo['x-api-key'] };
  const stock = `/api/v1/inventory/items/${stall.numero}/stock`;
  await send(base + stock, {}); // so that it is kept
  return {
    name,
    stall,
    asks: [
      get(`/api/inventory/${stall.numero}`, [503, unavailable('consolidador')], 200, key),
      purchase(stall, [503, unavailable('consolidador')]),
      get('/api/reservas', [503, unavailable('consolidador')], 200),
      get(`/api/ordenes/${randomUUID()}`, [503, unavailable('ordenes')], 404),
      get(`/api/clientes/${stall.usuario}`, [503, unavailable('ordenes')], 200),
      get(stock, [200], 200),
      compra(stall, [202]),
      crearCompra(stall, [200]),
      newItem([202]),
    ],
  };
};

/** There is no broker: what goes through it is not known to be taken, what its owner keeps is. */
export const noBroker = async (base: string): Promise<Outage> => {
  const name = 'sin-broker';
  const stall = await stallOf(base, name, 3);
  return {
    name,
    stall,
    asks: [
      purchase(stall, [503, UNKNOWN]),
      compra(stall, [503, UNKNOWN]),
      crearCompra(stall, [503, UNKNOWN]),
      newItem([202]),
      newProduct([202]),
      get(`/usuarios/${stall.usuario}/compras`, [200], 200),
    ],
  };
};

const tell = async (base: string, { method, path, headers, body }: Ask): Promise<Told> => {
  const answer = await fetch(base + path, {
    method,
    headers,
    signal: AbortSignal.timeout(60_000),
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, json: JSON.parse(text), text };
};

/** Sends all that an outage asks, at once. @returns what is not answered as it must be */
export const askAway = async (bases: readonly string[], { asks }: Outage): Promise<string[]> => {
  const faults = await Promise.all(
    asks.map(async (ask, at): Promise<string[]> => {
      const { what, path, away } = ask;
      const [status, detail] = away;
      const told = await tell(bases[at % bases.length] ?? '', ask);
      const said = `${what} was answered ${told.status}: ${told.text}`;
      if (told.status !== status) return [`${said}; not ${status}`];
      if (detail === undefined) return [];
      const [error] = told.json.errors;
      if ((error?.detail ?? error?.message) !== detail) return [`${said}; not «${detail}»`];
      if (told.headers.get('retry-after') === null) return [`${said} without Retry-After`];
      if (path === '/v1') return error.extensions.status === 503 ? [] : [said];
      if (error.status !== '503' || error.title !== 'Service Unavailable') return [said];
      const isJsonApi = told.headers.get('content-type')?.startsWith(MEDIA_TYPE) ?? false;
      return ask.headers['x-api-key'] === undefined || isJsonApi
        ? []
        : [`${said} as ${told.headers.get('content-type')}`];
    }),
  );
  return faults.flat();
};

/** What an answer is about: the same for a repeated request. */
const idOf = ({ json }: Told): unknown =>
  json?.operationId ?? json?.data?.crearCompra?.id ?? json?.data?.id ?? json?.id;

const settled = async (look: () => Promise<Told>, holds: (told: Told) => boolean): Promise<Told> => {
  for (const until = Date.now() + BACK_MS; ; ) {
    const told = await look();
    if (holds(told) || Date.now() > until) return told;
    await wait(200);
  }
};

/**
 * Sends all of it again, twice, once what it needs is back, and counts what was bought.
 * @returns what does not hold
 */
export const askBack = async (bases: readonly string[], { asks, stall }: Outage): Promise<string[]> => {
  const [base = ''] = bases;
  const faults: string[] = [];
  const repeat = async (ask: Ask, at: number): Promise<void> => {
    const { what, back, headers } = ask;
    const repeatable = ask.method === 'GET' || headers['idempotency-key'] !== undefined;
    if (!repeatable) return;
    const again = (turn: number) => tell(bases[(at + turn) % bases.length] ?? '', ask);
    // A longer wait is not needed: what was accepted is told as such until it is done.
    const first = await settled(
      () => again(0),
      ({ status }) => status === back,
    );
    if (first.status !== back) {
      faults.push(`${what} is still answered ${first.status}: ${first.text}`);
      return;
    }
    if (ask.method === 'GET') return;
    const second = await again(1);
    if (second.status !== back || idOf(second) !== idOf(first))
      faults.push(`${what} was answered ${second.status}: ${second.text}; before ${first.text}`);
    if (second.headers.get('idempotent-replayed') !== 'true')
      faults.push(`${what}, sent again, is not told to be a repeat: ${second.text}`);
  };
  await Promise.all(asks.map(repeat));

  const key = { 'x-api-key': demo['x-api-key'] };
  const history = get(`/api/purchases/history/${stall.numero}`, [200], 200, key);
  const mine = get(`/usuarios/${stall.usuario}/compras`, [200], 200);
  const compras = await settled(
    () => tell(base, mine),
    ({ json }) => json.every(({ estado }: { estado: string }) => estado === 'CONFIRMADA'),
  );
  for (const { id, estado } of compras.json)
    if (estado !== 'CONFIRMADA') faults.push(`the purchase ${id} is ${estado}`);
  const sold = await settled(
    () => tell(base, history),
    ({ json }) => json.data.length >= stall.bought,
  );
  if (sold.json.data.length !== stall.bought)
    faults.push(`${stall.bought} purchases were asked for, and these made: ${sold.text}`);
  const inventory = await tell(base, get(`/api/inventory/${stall.numero}`, [200], 200, key));
  if (inventory.json.data.attributes.cantidad !== UNITS - stall.bought)
    faults.push(`of ${UNITS} units ${stall.bought} were bought, and left are: ${inventory.text}`);
  return faults;
};
