import { access } from '@cordada/infra/http/access.ts';
import { notFound } from '@cordada/infra/http/errors.ts';
import type { FastPath } from '@cordada/infra/http/fast-path.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import { idRefOf, type Ref, refOf, skuRefOf } from './item.ts';
import type { Answer, Reader, View } from './reader.ts';

const config = { access: access.service };

const CONTENT_TYPE = 'application/json; charset=utf-8';
const ITEM_PATH = '/items/';

/** An item by its id is answered at once where it is kept in this process. */
export const fastPathTo = (reader: Reader): FastPath => ({
  route: `${ITEM_PATH}:ref`,
  headers: ['x-cache', 'HIT', 'content-type', CONTENT_TYPE],
  find(url) {
    if (!url.startsWith(ITEM_PATH)) return undefined;
    return reader.kept(idRefOf(url.slice(ITEM_PATH.length)), 'item');
  },
});

/** What the BFF reads at `consultas`; `X-Cache` says whether it was kept. */
export const addQueryRoutes = (app: Server, reader: Reader): void => {
  const send = (reply: FastifyReply, { text, hit }: Answer): FastifyReply =>
    reply
      .header('x-cache', hit ? 'HIT' : 'MISS')
      .type(CONTENT_TYPE)
      .send(text);
  const one = (reply: FastifyReply, ref: Ref, view: View, called: string) => {
    const told = (answer: Answer | undefined): FastifyReply => {
      if (answer === undefined) throw notFound(`No existe el item ${called}`, { 'x-cache': 'MISS' });
      return send(reply, answer);
    };
    const answer = reader.one(ref, view);
    return answer instanceof Promise ? answer.then(told) : told(answer);
  };

  app.get(
    '/items',
    {
      config,
      schema: {
        querystring: Type.Object(
          {
            page: Type.Integer({ minimum: 1 }),
            page_size: Type.Integer({ minimum: 1, maximum: 100 }),
          },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query }, reply) => send(reply, await reader.page(query.page, query.page_size)),
  );
  for (const [suffix, view] of [
    ['', 'item'],
    ['/stock', 'stock'],
  ] as const) {
    app.get(
      `/items/:ref${suffix}`,
      { config, schema: { params: Type.Object({ ref: Type.String() }) } },
      ({ params: { ref } }, reply) => one(reply, refOf(ref), view, ref),
    );
    app.get(
      `/items/sku/:sku${suffix}`,
      { config, schema: { params: Type.Object({ sku: Type.String() }) } },
      ({ params: { sku } }, reply) => one(reply, skuRefOf(sku), view, sku),
    );
  }
};
