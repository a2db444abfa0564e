import { access } from '@cordada/infra/http/access.ts';
import { notFound } from '@cordada/infra/http/errors.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import { type Ref, refOf, skuRefOf } from './item.ts';
import type { Answer, Reader } from './reader.ts';

const config = { access: access.service };

/** What the BFF reads at `consultas`; `X-Cache` says whether it was kept. */
export const addQueryRoutes = (app: Server, reader: Reader): void => {
  const send = (reply: FastifyReply, { text, hit }: Answer): FastifyReply =>
    reply
      .header('x-cache', hit ? 'HIT' : 'MISS')
      .type('application/json; charset=utf-8')
      .send(text);
  const one = (reply: FastifyReply, ref: Ref, view: 'item' | 'stock', called: string) => {
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
