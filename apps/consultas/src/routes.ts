import { access } from '@cordada/infra/http/access.ts';
import { notFound } from '@cordada/infra/http/errors.ts';
import { type FastAnswer, type FastPath, unanswered } from '@cordada/infra/http/fast-path.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import { bytesOf } from '@cordada/infra/http/utf8.ts';
import { UUID_TEXT } from '@cordada/infra/uuid-text.ts';
import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import { idRefOf, type Ref, refOf, skuRefOf, type View } from './item.ts';
import type { Answer, Reader } from './reader.ts';

const config = { access: access.service };

const CONTENT_TYPE = 'application/json; charset=utf-8';
const ITEM_PATH = '/items/';
const ITEM_URL = new RegExp(`^${ITEM_PATH}${UUID_TEXT}$`);
const HIT = ['x-cache', 'HIT', 'content-type', CONTENT_TYPE];
const MISS = ['x-cache', 'MISS', 'content-type', CONTENT_TYPE];

/** An item by its id is answered past its route: at once where it is kept in this process, else once it is read. */
export const fastPathTo = (reader: Reader): FastPath => ({
  route: `${ITEM_PATH}:ref`,
  find(url) {
    if (!ITEM_URL.test(url)) return undefined;
    const answer = reader.one(idRefOf(url.slice(ITEM_PATH.length)), 'item');
    return answer instanceof Promise ? answer.then(fastAnswer) : fastAnswer(answer);
  },
});

const fastAnswer = (answer: Answer | undefined): FastAnswer | undefined =>
  answer && { body: answer.body, headers: answer.hit ? HIT : MISS };

/** What the BFF reads at `consultas`; `X-Cache` says whether it was kept. */
export const addQueryRoutes = (app: Server, reader: Reader): void => {
  const send = (reply: FastifyReply, { body, hit }: Answer): FastifyReply =>
    reply
      .header('x-cache', hit ? 'HIT' : 'MISS')
      .type(CONTENT_TYPE)
      .send(bytesOf(body));
  const one = (reply: FastifyReply, ref: Ref, view: View, called: string) => {
    const told = (answer: Answer | undefined): FastifyReply => {
      if (answer === undefined) throw notFound(`No existe el item ${called}`, { 'x-cache': 'MISS' });
      return send(reply, answer);
    };
    const inVain = unanswered(reply.request.raw);
    if (inVain?.error !== undefined) throw inVain.error;
    const answer = inVain === undefined ? reader.one(ref, view) : undefined;
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
