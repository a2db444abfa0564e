import { HttpError } from '@cordada/infra/http/errors.ts';
import { preferredWait } from '@cordada/infra/http/prefer.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import type { RequestOrigin, ServiceClient } from '@cordada/infra/http/service-client.ts';
import { sleep } from '@cordada/infra/runtime.ts';
import type { SagaView } from '@cordada/sagas/engine/view.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BffParts } from './parts.ts';
import { sagaOwners } from './saga-owners.ts';

/** How long one look at a saga is held back at most: a stop of ours and a client that has gone are noticed in between. */
const LOOK_MS = 2_000;
const OPERATION_LOOK_MS = 100;

/** An operation as its owner tells it; `huella` and `origen` are for the BFF alone. */
interface OwnOperation {
  readonly operationId: string;
  readonly estado: 'PENDING' | 'DONE' | 'REJECTED';
  readonly recurso: string | null;
  readonly error: { readonly codigo: string; readonly motivo: string } | null;
}

/** An operation as clients see it (systems.md, "Wire details"). */
export interface Operation {
  readonly operationId: string;
  readonly estado: 'PENDING' | 'DONE' | 'REJECTED';
  /** The id of what was registered or cancelled. */
  readonly recurso?: string;
  readonly error?: { readonly codigo: string; readonly motivo: string };
}

/** How long a request would wait for its outcome. */
export interface Wait {
  /** Epoch milliseconds. */
  readonly until: number;
  readonly origin: RequestOrigin;
  /** Whether nobody waits any more, or nobody may. */
  abandoned(): boolean;
}

/** Waiting, as `Prefer: wait=n` asks, for what was accepted: that a wait is over, or fails, takes nothing back. */
export interface Outcomes {
  /** What the request prefers, counted from now; undefined where it does not want to wait. */
  wait(request: FastifyRequest, reply: FastifyReply): Wait | undefined;
  /** The same of a request that waits unless it says otherwise. @param unasked milliseconds where it does not say */
  patience(request: FastifyRequest, reply: FastifyReply, unasked: number): Wait;
  /** The saga, once it has ended; undefined when it has not by then, or waits for an operator. */
  saga(tipo: string, id: string, wait: Wait): Promise<SagaView | undefined>;
  /** The operation, once its owner has decided; undefined when it has not by then. */
  operation(owner: ServiceClient, id: string, wait: Wait): Promise<Operation | undefined>;
}

/** @throws HttpError 503 when the owner is away */
export const findOperation = async (
  owner: ServiceClient,
  id: string,
  origin: RequestOrigin,
): Promise<Operation | undefined> => {
  const found = await owner.find<OwnOperation>({ method: 'GET', path: ['operations', id], origin });
  if (!found) return undefined;
  const { operationId, estado, recurso, error } = found;
  return { operationId, estado, ...(recurso !== null && { recurso }), ...(error !== null && { error }) };
};

export const createOutcomes = (app: Server, parts: BffParts): Outcomes => {
  const { runtime } = parts;
  const owners = sagaOwners(parts);
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });

  /** Looks until there is something to see or the wait is over. */
  const watch = async <R>(
    wait: Wait,
    look: (leftMs: number) => Promise<R | undefined>,
  ): Promise<R | undefined> => {
    for (;;) {
      const left = wait.until - runtime.now();
      if (left <= 0 || wait.abandoned()) return undefined;
      try {
        const seen = await look(left);
        if (seen) return seen;
      } catch (error) {
        // The owner is away: what was accepted is so all the same, and its outcome can be read later.
        if (error instanceof HttpError) return undefined;
        throw error;
      }
    }
  };

  const waitOf = (ms: number, request: FastifyRequest, reply: FastifyReply): Wait => ({
    until: runtime.now() + ms,
    origin: request,
    abandoned: () => closing || reply.raw.destroyed,
  });

  return {
    wait(request, reply) {
      const ms = preferredWait(request, reply);
      return ms === undefined ? undefined : waitOf(ms, request, reply);
    },
    patience: (request, reply, unasked) => waitOf(preferredWait(request, reply) ?? unasked, request, reply),
    async saga(tipo, id, wait) {
      const rested = await watch(wait, async (left) => {
        const espera = Math.min(left, LOOK_MS);
        const view = await owners.get(tipo)?.find<SagaView>({
          method: 'GET',
          path: ['sagas', tipo, id],
          query: { espera },
          heldMs: espera,
          origin: wait.origin,
        });
        return view && atRest.has(view.estado) ? view : undefined;
      });
      return rested?.estado === 'PARKED' ? undefined : rested;
    },
    operation: (owner, id, wait) =>
      watch(wait, async (left) => {
        const operation = await findOperation(owner, id, wait.origin);
        if (operation && operation.estado !== 'PENDING') return operation;
        await sleep(runtime, Math.min(left, OPERATION_LOOK_MS));
        return undefined;
      }),
  };
};

const atRest = new Set<SagaView['estado']>(['COMPLETED', 'COMPENSATED', 'PARKED']);
