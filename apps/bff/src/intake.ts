import type { Settled } from '@cordada/infra/bus/bus.ts';
import { HttpError } from '@cordada/infra/http/errors.ts';
import { idempotencyKey, keyReused, requestHash } from '@cordada/infra/http/idempotency.ts';
import type { ServiceClient } from '@cordada/infra/http/service-client.ts';
import type { Outgoing } from '@cordada/infra/messaging/message.ts';
import { busMessage } from '@cordada/infra/messaging/wire.ts';
import { sleep } from '@cordada/infra/runtime.ts';
import { traceIdOf } from '@cordada/infra/telemetry/trace-context.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { idOf, UnderWay } from './keyed-requests.ts';
import type { BffParts } from './parts.ts';

/** How long a command may take to become durable before its request is answered 503. */
const DURABLE_LIMIT_MS = 10_000;
/** How long a request waits for the owner to take in what is durable: on Pulsar it may be behind. */
const TAKEN_IN_LIMIT_MS = 1_000;
const TAKEN_IN_POLL_MS = 50;

/** A request that is answered once its command is durable. */
export interface Write {
  /** What the aliases of its route have in common. */
  readonly route: string;
  readonly owner: ServiceClient;
  /** Where the owner tells what it has taken in under an id: its hash (`huella`) and message (`origen`). */
  path(id: string): readonly string[];
  /**
   * The command. Called only for what was not taken in before.
   * @throws HttpError to refuse it
   */
  command(id: string): Promise<Outgoing> | Outgoing;
}

/** Takes requests in, each `Idempotency-Key` once: all memory of it is at the owners. */
export interface Intake {
  /**
   * Publishes a write's command and resolves, with the saga's or operation's id, once it is durable and, if that does
   * not take too long, its owner has it. A repeat publishes nothing and marks its answer as replayed.
   * @throws HttpError 409 while the first of a key is under way, 422 for a key with another body, 503 when it is not
   *   known to be durable: the same key may be sent again
   */
  take(request: FastifyRequest, reply: FastifyReply, write: Write): Promise<string>;
}

interface TakenIn {
  readonly huella: string;
  readonly origen: string;
}

export const createIntake = (parts: Pick<BffParts, 'bus' | 'runtime' | 'log'>): Intake => {
  const { bus, runtime, log } = parts;
  const underWay = new UnderWay();

  const lookUp = (
    id: string,
    { owner, path }: Write,
    request: FastifyRequest,
  ): Promise<TakenIn | undefined> => owner.find<TakenIn>({ method: 'GET', path: path(id), origin: request });

  const publish = async (outgoing: Outgoing): Promise<void> => {
    const settled = bus.publish([busMessage(outgoing, 'bff', runtime)]);
    const outcome = await within(settled);
    if (outcome.status === 'durable') return;
    log.warn(
      {
        saga: outgoing.correlationId,
        message: outgoing.id,
        contract: outgoing.contract.name,
        trace_id: traceIdOf(outgoing.traceparent ?? ''),
        cause: outcome.reason,
      },
      'a command is not known to be durable',
    );
    throw new HttpError(
      {
        status: 503,
        code: 'NO_CONFIRMADO',
        detail: 'No se sabe si la petición se tomó; puede enviarse otra vez con la misma Idempotency-Key',
      },
      { 'retry-after': '1' },
    );
  };

  const within = (settled: Promise<Settled[]>): Promise<Settled> =>
    new Promise((resolve) => {
      const cancel = runtime.after(DURABLE_LIMIT_MS, () =>
        resolve({ status: 'retryable', reason: `not durable within ${DURABLE_LIMIT_MS} ms` }),
      );
      void settled.then(([outcome]) => {
        cancel();
        resolve(outcome ?? { status: 'retryable', reason: 'the bus gave no outcome' });
      });
    });

  /** What the owner has taken in; undefined where it is behind or away: what is durable is accepted all the same. */
  const takenIn = async (id: string, write: Write, request: FastifyRequest): Promise<TakenIn | undefined> => {
    const until = runtime.now() + TAKEN_IN_LIMIT_MS;
    for (;;) {
      try {
        const found = await lookUp(id, write, request);
        if (found || runtime.now() >= until) return found;
      } catch (error) {
        if (error instanceof HttpError) return undefined;
        throw error;
      }
      await sleep(runtime, TAKEN_IN_POLL_MS);
    }
  };

  const takeKeyed = async (
    id: string,
    request: FastifyRequest,
    reply: FastifyReply,
    write: Write,
  ): Promise<void> => {
    const hash = requestHash(write.route, request.body);
    const replay = (first: TakenIn): void => {
      if (first.huella !== hash) throw keyReused();
      reply.header('idempotent-replayed', 'true');
    };
    const before = await lookUp(id, write, request);
    if (before) return replay(before);
    const message = runtime.uuid();
    const { traceparent } = request;
    await publish({ ...(await write.command(id)), id: message, requestHash: hash, traceparent });
    const first = await takenIn(id, write, request);
    // Another replica's, or an earlier one of this key that was answered 503: ours has no effect then.
    if (first && first.origen !== message) replay(first);
  };

  return {
    async take(request, reply, write) {
      const key = idempotencyKey(request);
      if (key === undefined) {
        const id = runtime.uuid();
        const { traceparent } = request;
        await publish({ ...(await write.command(id)), id: runtime.uuid(), traceparent });
        await takenIn(id, write, request);
        return id;
      }
      const id = idOf(request.caller, write.route, key);
      await underWay.alone(id, () => takeKeyed(id, request, reply, write));
      return id;
    },
  };
};
