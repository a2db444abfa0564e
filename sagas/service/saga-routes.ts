import { access } from '@cordada/infra/http/access.ts';
import { HttpError, notFound } from '@cordada/infra/http/errors.ts';
import { keyReused, stillUnderWay } from '@cordada/infra/http/idempotency.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import { peticion, requestOf, type VerbAnswered } from '@cordada/infra/service/keyed-verbs.ts';
import Type from 'typebox';
import type { Coordinator } from '../engine/coordinator.ts';
import { PositionUnknown, type SagaReads } from '../engine/reads.ts';
import type { Answer, Refused } from '../engine/requests.ts';
import type { SagaView } from '../engine/view.ts';

const config = { access: access.service };
const MAX_WAIT_MS = 60_000;
/** How long a stream that has read all waits before it looks again, should no hint come. */
const STREAM_POLL_MS = 500;

const tipoAndId = Type.Object({ tipo: Type.String(), id: Type.String() });
const instant = Type.String({ format: 'date-time' });
const espera = Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_WAIT_MS }));
const estado = Type.Union(
  (['RUNNING', 'COMPENSATING', 'COMPLETED', 'COMPENSATED', 'PARKED'] as const).map((one) =>
    Type.Literal(one),
  ),
);

export interface SagaRouteParts {
  /** A hint that sagas have moved, here or at another replica. */
  onCommitted(listener: (sagas: readonly string[]) => void): () => void;
  // biome-ignore lint/suspicious/noExplicitAny: the transaction type is the coordinator's own affair
  readonly coordinator: Coordinator<any>;
  readonly reads: SagaReads;
  readonly runtime: Runtime;
}

/**
 * `POST <path>/:id/deshacer`: a DELETE of all that a saga made, as the BFF asks for it where it knows what was made.
 * @param sagaIdOf the saga that made what has that id
 */
export const addUndoRoute = (
  app: Server,
  path: string,
  coordinator: SagaRouteParts['coordinator'],
  sagaIdOf: (id: string) => Promise<string>,
): void => {
  app.post(
    `${path}/:id/deshacer`,
    {
      config,
      schema: {
        params: Type.Object({ id: Type.String() }),
        body: Type.Object(
          { motivo: Type.String({ maxLength: 1000 }), quien: Type.String() },
          { additionalProperties: false },
        ),
      },
    },
    async ({ params, body, traceparent }, reply) => {
      const saga = sagaOf(
        await coordinator.deshacer({ saga: await sagaIdOf(params.id), ...body, traceparent }),
      );
      reply.code(202);
      return { saga };
    },
  );
};

/**
 * The saga that a DELETE led to.
 * @throws HttpError as `refusalOf`
 */
const sagaOf = (answer: Answer): { readonly id: string; readonly tipo: string } => {
  if (answer.taken) return { id: answer.saga, tipo: answer.tipo };
  throw refusalOf(answer);
};

/** 404 for what does not exist, 409 for what cannot be done as the saga stands, 422 for a key of another request. */
const refusalOf = ({ refused, motivo }: Refused): HttpError => {
  if (refused === 'PETICION_EN_CURSO') return stillUnderWay();
  if (refused === 'CLAVE_REUTILIZADA') return keyReused();
  const status = refused === 'NO_EXISTE' || refused === 'PASO_DESCONOCIDO' ? 404 : 409;
  return new HttpError({ status, code: refused, detail: motivo });
};

/** What the BFF reads and asks of a service that owns sagas. */
export const addSagaRoutes = (
  app: Server,
  { coordinator, onCommitted, reads, runtime }: SagaRouteParts,
): void => {
  app.get(
    '/sagas',
    {
      config,
      schema: {
        querystring: Type.Object(
          {
            tipo: Type.Optional(Type.String()),
            estado: Type.Optional(estado),
            clave: Type.Optional(Type.String()),
            desde: Type.Optional(instant),
            hasta: Type.Optional(instant),
            cursor: Type.Optional(Type.String()),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
          },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query: { desde, hasta, limit, ...filter } }) => {
      const { sagas, cursor } = await knownPosition('cursor', () =>
        reads.list({
          ...filter,
          ...(desde && { desde: new Date(desde) }),
          ...(hasta && { hasta: new Date(hasta) }),
          limit: limit ?? 50,
        }),
      );
      return { sagas, ...(cursor && { siguiente: cursor }) };
    },
  );

  app.get(
    '/sagas/:tipo/:id',
    {
      config,
      schema: { params: tipoAndId, querystring: Type.Object({ espera }, { additionalProperties: false }) },
    },
    async ({ params: { tipo, id }, query }) => {
      const view =
        query.espera === undefined ? await reads.view(id, tipo) : await reads.settled(id, query.espera);
      if (view?.tipo !== tipo) throw notFound(`No existe la saga ${tipo} ${id}`);
      return view;
    },
  );

  app.get(
    '/idempotencia/:id',
    { config, schema: { params: Type.Object({ id: Type.String() }) } },
    async ({ params }) => {
      const start = await reads.start(params.id);
      if (!start) throw notFound(`No existe la saga ${params.id}`);
      return { huella: start.requestHash, origen: start.messageId, estado: start.estado };
    },
  );

  app.post(
    '/sagas/:tipo/:id/pasos/:paso/:verbo',
    {
      config,
      schema: {
        params: Type.Object({
          tipo: Type.String(),
          id: Type.String(),
          paso: Type.String(),
          verbo: Type.Union(
            (['reintentar', 'omitir', 'completar'] as const).map((verbo) => Type.Literal(verbo)),
          ),
        }),
        body: Type.Object(
          {
            motivo: Type.String({ minLength: 1, maxLength: 1000 }),
            item: Type.Optional(Type.Integer({ minimum: 0 })),
            quien: Type.String(),
            peticion,
          },
          { additionalProperties: false },
        ),
      },
    },
    async ({ params: { tipo, id, paso, verbo }, body, traceparent }): Promise<VerbAnswered<SagaView>> => {
      if ((await reads.view(id))?.tipo !== tipo) throw notFound(`No existe la saga ${tipo} ${id}`);
      const { motivo, quien, item } = body;
      const answer = await coordinator.verb({
        saga: id,
        verb: verbo,
        paso,
        motivo,
        quien,
        traceparent,
        ...(item !== undefined && { item }),
        ...requestOf(body.peticion),
      });
      if (!answer.taken) throw refusalOf(answer);
      return { repetida: answer.repeated, respuesta: answer.view };
    },
  );

  app.post(
    '/sagas/:tipo/:id/deshacer',
    {
      config,
      schema: {
        params: tipoAndId,
        body: Type.Object(
          { entidad: Type.String(), motivo: Type.String({ maxLength: 1000 }), quien: Type.String() },
          { additionalProperties: false },
        ),
      },
    },
    async ({ params: { id }, body, traceparent }, reply) => {
      const saga = sagaOf(await coordinator.deshacer({ saga: id, ...body, traceparent }));
      reply.code(202);
      return { saga };
    },
  );

  // Reads that wait for sagas to move end with the server: a stop neither waits for them nor closes what they read.
  const waiting = new Set<() => void>();
  let draining = false;
  app.addHook('preClose', async () => {
    draining = true;
    for (const end of waiting) end();
  });

  app.get(
    '/saga-log',
    {
      config,
      schema: {
        querystring: Type.Object(
          {
            despues: Type.Optional(Type.String()),
            espera,
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
          },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query }) => {
      let after = query.despues ?? (await reads.end());
      const until = runtime.now() + (query.espera ?? 0);
      for (;;) {
        const told = nextCommit(
          onCommitted,
          runtime,
          Math.min(STREAM_POLL_MS, Math.max(0, until - runtime.now())),
        );
        const page = await knownPosition('despues', () => reads.stream(after, query.limit ?? 200));
        after = page.after;
        if (page.moves.length > 0 || runtime.now() >= until || draining) {
          told.end();
          return {
            entradas: page.moves.map(({ position, ...moved }) => ({ posicion: position, ...moved })),
            posicion: after,
          };
        }
        waiting.add(told.end);
        await told.promise;
        waiting.delete(told.end);
      }
    },
  );
};

/** A hint that sagas have moved, or `ms` later at the latest, or `end`. */
const nextCommit = (
  onCommitted: SagaRouteParts['onCommitted'],
  runtime: Runtime,
  ms: number,
): { readonly promise: Promise<void>; end(): void } => {
  let end: () => void = () => {};
  const promise = new Promise<void>((resolve) => {
    end = () => {
      cancel();
      unsubscribe();
      resolve();
    };
    const cancel = runtime.after(ms, end);
    const unsubscribe = onCommitted(end);
  });
  return { promise, end };
};

/** @throws HttpError 400 for a cursor or a position that this service has not given out */
const knownPosition = async <R>(parameter: string, read: () => Promise<R>): Promise<R> => {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof PositionUnknown)) throw error;
    throw new HttpError({
      status: 400,
      code: 'POSICION_DESCONOCIDA',
      detail: error.message,
      source: { parameter },
    });
  }
};
