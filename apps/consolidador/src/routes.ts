import { access } from '@cordada/infra/http/access.ts';
import { HttpError, notFound } from '@cordada/infra/http/errors.ts';
import { Digits } from '@cordada/infra/http/json-text.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import { UUID_TEXT } from '@cordada/infra/uuid-text.ts';
import Type from 'typebox';
import type { ItemView, StockReads } from './reads.ts';
import { CursorUnknown, estados } from './reservas.ts';

const config = { access: access.service };
/** The most items on a page. */
const MOST_ON_PAGE = 100;
/** As many ids, between commas. */
const IDS = `^${UUID_TEXT}(,${UUID_TEXT}){0,${MOST_ON_PAGE - 1}}$`;
const limit = Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 }));

const view = ({ precio, ...item }: ItemView) => ({
  ...item,
  precio: precio === null ? null : new Digits(precio),
});

/** What others read at `consolidador`. */
export const addStockRoutes = (app: Server, reads: StockReads, runtime: Pick<Runtime, 'now'>): void => {
  app.get(
    '/items',
    {
      config,
      schema: {
        querystring: Type.Object(
          {
            page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
            page_size: Type.Optional(Type.Integer({ minimum: 1 })),
          },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query }) => {
      const page = query.page ?? 1;
      const page_size = Math.min(query.page_size ?? 10, MOST_ON_PAGE);
      const { items, total } = await reads.items(page, page_size);
      return { items: items.map(view), total, page, page_size, total_pages: Math.ceil(total / page_size) };
    },
  );

  app.get(
    '/items-by-id',
    {
      config,
      schema: {
        querystring: Type.Object({ ids: Type.String({ pattern: IDS }) }, { additionalProperties: false }),
      },
    },
    async ({ query }) => ({ items: (await reads.itemsWithIds(query.ids.split(','))).map(view) }),
  );

  app.get(
    '/items/sku/:sku',
    { config, schema: { params: Type.Object({ sku: Type.String() }) } },
    async ({ params: { sku } }) => {
      const item = await reads.itemWithSku(sku);
      if (!item) throw notFound(`No existe un ítem con el SKU ${sku}`);
      return view(item);
    },
  );

  app.get(
    '/items/:ref',
    { config, schema: { params: Type.Object({ ref: Type.String() }) } },
    async ({ params: { ref } }) => {
      const item = await reads.item(ref);
      if (!item) throw notFound(`No existe el ítem ${ref}`);
      return view(item);
    },
  );

  app.get(
    '/items/:ref/restante',
    {
      config,
      schema: {
        params: Type.Object({ ref: Type.String() }),
        querystring: Type.Object({ origen: Type.String() }, { additionalProperties: false }),
      },
    },
    async ({ params: { ref }, query }) => {
      const disponible = await reads.leftAfter(ref, query.origen);
      if (disponible === undefined) throw notFound(`No existe el ítem ${ref}`);
      return { disponible };
    },
  );

  app.get(
    '/reservas',
    {
      config,
      schema: {
        querystring: Type.Object(
          {
            compra: Type.Optional(Type.String()),
            item: Type.Optional(Type.String()),
            estado: Type.Optional(Type.Union(estados.map((estado) => Type.Literal(estado)))),
            cursor: Type.Optional(Type.String()),
            limit,
          },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query }) => {
      try {
        const { reservas, cursor } = await reads.reservas(query, new Date(runtime.now()));
        return { reservas, ...(cursor !== undefined && { siguiente: cursor }) };
      } catch (error) {
        if (!(error instanceof CursorUnknown)) throw error;
        throw new HttpError({
          status: 400,
          code: 'POSICION_DESCONOCIDA',
          detail: error.message,
          source: { parameter: 'cursor' },
        });
      }
    },
  );

  app.get(
    '/movimientos',
    {
      config,
      schema: {
        querystring: Type.Object(
          { item: Type.Optional(Type.String()), antes: Type.Optional(Type.Integer({ minimum: 1 })), limit },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query }) => ({ movimientos: await reads.movimientos(query) }),
  );
};
