import { access } from '@cordada/infra/http/access.ts';
import { HttpError, unavailable } from '@cordada/infra/http/errors.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import { tokenHeader } from '@cordada/infra/http/validation.ts';
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { errors } from '../documents.ts';
import { type EventStream, openEventStream } from '../event-stream.ts';
import type { BffParts } from '../parts.ts';
import { type Follower, type SagaFeed, sagaFeed } from '../saga-feed.ts';
import { sagaOwners } from '../saga-owners.ts';

const longestCursor = 2_000;

const example = [
  'id: campaign:1042_7b0e4c1d-0f7a-5b5e-9f55-3c8f6a1d2e3f_3',
  'event: saga',
  'data: {"saga":"7b0e4c1d-0f7a-5b5e-9f55-3c8f6a1d2e3f","tipo":"campaign","estado":"RUNNING","n":3,"entradas":[]}',
].join('\n');

/** `GET /stream`: every transition of every saga as it commits, from every service that owns sagas. */
export const addStreamRoutes = (app: Server, parts: BffParts): void => {
  const { runtime, log } = parts;
  const feeds = [...new Set(sagaOwners(parts).values())].map((service) =>
    sagaFeed({ service, runtime, log }),
  );
  const open = new Set<EventStream>();
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
    for (const stream of open) stream.close();
  });

  app.get(
    '/stream',
    {
      // A HEAD would be a stream without an end.
      exposeHeadRoute: false,
      config: { access: access.demoOpen('ADMIN', 'OPERARIO', 'CLIENTE') },
      schema: {
        tags: ['sagas'],
        summary: 'Las sagas, tal como avanzan (SSE)',
        description:
          'Un evento `saga` por transición. `Last-Event-ID` sigue justo después de un `id`; sin él, desde ahora.',
        headers: Type.Object({
          'last-event-id': Type.Optional(Type.String({ description: 'El `id` del último evento recibido' })),
        }),
        querystring: Type.Object({}, { additionalProperties: false }),
        response: {
          '4xx': errors,
          '5xx': errors,
          200: {
            description: 'Eventos, sin fin',
            content: { 'text/event-stream': { schema: Type.String({ examples: [example] }) } },
          },
        },
      },
    },
    async (request, reply) => {
      const cursor = cursorOf(request, feeds);
      const followers = await followAll(feeds, cursor);
      if (closing) {
        for (const follower of followers.values()) follower.close();
        throw unavailable('El servicio se está deteniendo');
      }
      const stream = openEventStream(reply, runtime);
      open.add(stream);
      void stream.ended.then(() => {
        open.delete(stream);
        for (const follower of followers.values()) follower.close();
      });
      // Who loses the connection before the first event goes on from here as well.
      const positions = new Map([...followers].map(([service, { position }]) => [service, position]));
      void stream.write(`id: ${cursorText(positions)}\n\n`);
      for (const [service, follower] of followers)
        pump(service, follower, positions, stream).catch((error: unknown) => {
          log.warn({ err: error, service, request: request.id }, 'a stream of sagas was broken off');
          stream.close();
        });
    },
  );
};

/** Writes what a follower reads, no faster than the client takes it. */
const pump = async (
  service: string,
  follower: Follower,
  positions: Map<string, string>,
  stream: EventStream,
): Promise<void> => {
  for (;;) {
    const moves = await follower.next();
    if (moves.length === 0) return;
    for (const { position, data } of moves) {
      positions.set(service, position);
      if (!(await stream.write(`id: ${cursorText(positions)}\nevent: saga\ndata: ${data}\n\n`))) return;
    }
  }
};

/** An event's id: how far the stream is in the log of each service. */
const cursorText = (positions: ReadonlyMap<string, string>): string =>
  [...positions].map(([service, position]) => `${service}:${position}`).join(',');

/** @throws HttpError 400 for a `Last-Event-ID` that is none of ours */
const cursorOf = (request: FastifyRequest, feeds: readonly SagaFeed[]): ReadonlyMap<string, string> => {
  const positions = new Map<string, string>();
  // A client that has seen no event may say so by an empty one.
  if (request.headers['last-event-id'] === '') return positions;
  const text = tokenHeader(request, 'last-event-id', longestCursor);
  for (const part of text?.split(',') ?? []) {
    const [, service = '', position = ''] = /^([^:]+):([^:]+)$/.exec(part) ?? [];
    if (position === '' || positions.has(service) || !feeds.some((feed) => feed.service === service))
      throw unknownCursor();
    positions.set(service, position);
  }
  return positions;
};

const unknownCursor = (): HttpError =>
  new HttpError({
    status: 400,
    code: 'POSICION_DESCONOCIDA',
    detail: 'No es el id de ningún evento de este flujo',
    source: { header: 'last-event-id' },
  });

/** All of them, or none when one cannot be followed. */
const followAll = async (
  feeds: readonly SagaFeed[],
  cursor: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, Follower>> => {
  const outcomes = await Promise.allSettled(feeds.map((feed) => feed.follow(cursor.get(feed.service))));
  const followers = new Map<string, Follower>();
  for (const [index, outcome] of outcomes.entries())
    if (outcome.status === 'fulfilled') followers.set(feeds[index]?.service ?? '', outcome.value);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return followers;
  for (const follower of followers.values()) follower.close();
  if (failed.reason instanceof HttpError && failed.reason.statusCode === 400) throw unknownCursor();
  throw failed.reason;
};
