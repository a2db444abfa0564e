import type { Answer } from './bff-client.ts';
import { expectStatus, type Playable, play, type ScenarioOptions } from './play.ts';
import { check } from './saga-view.ts';

/** The key of the open demo (systems.md, "Across all of them"). */
const headers = { 'x-api-key': 'secret-key-123', 'content-type': 'application/vnd.api+json' };
const longest = { ...headers, prefer: 'wait=60' };

const asks = ({ bff }: ScenarioOptions) => ({
  write: (method: string, path: string, type: string, attributes: object, more: object = {}) =>
    bff.send(method, path, { data: { type, attributes } }, { ...longest, ...more }),
  read: (path: string) => bff.send('GET', path, undefined, headers),
});

// biome-ignore lint/suspicious/noExplicitAny: a scenario reads whatever it expects to be there
const attributesOf = ({ json }: Answer): any => (json as any)?.data?.attributes ?? {};
const detailOf = ({ json }: Answer): string =>
  (json as { errors?: { detail: string }[] })?.errors?.[0]?.detail ?? '';

/** A product is put on sale, bought, and sold out, as the document of §5 has it. */
export const compraJsonapi: Playable = {
  name: 'compra-jsonapi',
  summary: 'A product with a price and a stock is bought over JSON:API until there is not enough of it.',
  run: (options) =>
    play('compra-jsonapi', [], options, async ({ note }) => {
      const { write, read } = asks(options);
      const nombre = `Laptop ${options.uuid()}`;
      const created = await write('POST', '/api/products', 'products', { nombre, precio: 1999.99 });
      expectStatus(created, 201);
      const { id } = (created.json as { data: { id: string } }).data;
      const stocked = await write('PATCH', `/api/inventory/${id}`, 'inventory', { cantidad: 5 });
      note(check('its inventory is there at once', stocked.status === 200, () => stocked.text));

      const key = { 'idempotency-key': options.uuid() };
      const buy = (cantidad: number, more: object = {}) =>
        write('POST', '/api/purchases', 'purchases', { producto_id: Number(id), cantidad }, more);
      const bought = await buy(3, key);
      note(check('3 of 5 are bought: 201', bought.status === 201, () => bought.text));
      const { total, inventario_restante: left, producto_nombre: called } = attributesOf(bought);
      note(check('at 5999.97 in all', total === 5999.97, () => String(total)));
      note(check('2 are left', left === 2 && called === nombre, () => bought.text));
      const repeated = await buy(3, key);
      note(
        check('the same request again buys nothing more', repeated.text === bought.text, () => repeated.text),
      );

      const refused = await buy(3);
      const detail = 'Inventario insuficiente. Disponible: 2, Solicitado: 3';
      note(
        check(
          `3 more: 409 ${detail}`,
          refused.status === 409 && detailOf(refused) === detail,
          () => refused.text,
        ),
      );
      const { cantidad } = attributesOf(await read(`/api/inventory/${id}`));
      note(check('and 2 are left still', cantidad === 2, () => String(cantidad)));
      const history = await read(`/api/purchases/history/${id}`);
      const { data = [] } = (history.json ?? {}) as { data?: unknown[] };
      note(check('its history has the one purchase', data.length === 1, () => history.text));

      const unknown = await options.bff.send('GET', `/api/products/${id}`);
      note(check('without a key: 401', unknown.status === 401, () => unknown.text));
    }),
};
