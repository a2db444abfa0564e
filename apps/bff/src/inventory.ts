import { HttpError } from '@cordada/infra/http/errors.ts';
import { idempotencyKey } from '@cordada/infra/http/idempotency.ts';
import { tokenHeader } from '@cordada/infra/http/validation.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { waitHeader } from './documents.ts';
import type { Operation, Outcomes, Wait } from './outcomes.ts';
import type { BffParts } from './parts.ts';
import type { Verb, Verbs } from './verbs.ts';

/** The most units of an item: what the stock's columns hold, and what its messages carry. */
export const MOST_UNITS = 1_000_000_000;

/** Where §3 has its items. */
export const ITEMS = '/api/v1/inventory/items';

/** An item as §3 shows it. */
export const item = Type.Object(
  {
    id: Type.String(),
    numero: Type.Integer(),
    sku: Type.String(),
    name: Type.String(),
    description: Type.Union([Type.String(), Type.Null()]),
    quantity: Type.Integer(),
    reserved: Type.Integer(),
    available: Type.Integer(),
    version: Type.Integer(),
    created_at: Type.String({ format: 'date-time' }),
    updated_at: Type.String({ format: 'date-time' }),
  },
  {
    examples: [
      {
        id: '0199a1f0-7c3e-7000-8000-3f8a4f1f7d52',
        numero: 19,
        sku: 'PROD-001',
        name: 'Producto de Prueba',
        description: 'Descripción del producto',
        quantity: 100,
        reserved: 10,
        available: 90,
        version: 3,
        created_at: '2026-03-01T12:00:00.000Z',
        updated_at: '2026-03-01T12:05:00.000Z',
      },
    ],
  },
);
export type Item = Static<typeof item>;

/** An item as consolidador tells it: with its price. */
export interface StockItem extends Item {
  readonly precio: string | null;
}

/** Headers that a write of §3 may bear, as they are documented. */
export const itemWriteHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      description:
        'De 1 a 255 caracteres ASCII visibles; durante 14 días la repetición recibe la misma respuesta, con `Idempotent-Replayed: true`; con otro cuerpo, 422',
      examples: ['pedido-2026-0042'],
    }),
  ),
  'x-request-id': Type.Optional(
    Type.String({ description: 'Lo mismo, donde no hay Idempotency-Key; vuelve en la respuesta' }),
  ),
  ...waitHeader,
});

/** The key of a §3 request: its `Idempotency-Key`, else its `X-Request-ID`. @throws HttpError 400 as `tokenHeader` */
export const itemRequestKey = (request: FastifyRequest): string | undefined =>
  idempotencyKey(request) ?? tokenHeader(request, 'x-request-id', 255);

/** A command that admin-productos has accepted. */
export interface AcceptedCommand {
  readonly operationId: string;
  readonly id: string;
  readonly numero: number;
}

/** A command, and how it ended where the request waited for that and it did. */
export interface SentCommand {
  readonly accepted: AcceptedCommand;
  readonly wait: Wait | undefined;
  readonly ended: Operation | undefined;
}

/** Codes of consolidador for what is not there. */
const missing = new Set(['ITEM_DESCONOCIDO']);

/** A refused operation, as the answer to the request that waited for it. */
export const refusedOperation = ({ error }: Operation): HttpError => {
  const { codigo = 'RECHAZADA', motivo = '' } = error ?? {};
  const status = codigo === 'ERROR_INTERNO' ? 503 : missing.has(codigo) ? 404 : 409;
  return new HttpError({ status, code: codigo, detail: motivo });
};

/**
 * Sends a command to admin-productos and waits for consolidador's word on it as far as the request does.
 * @param send which command, of the request's body
 * @throws HttpError the refusal, where it is known in time
 */
export const sendCommand = async (
  { parts, verbs, outcomes }: { parts: BffParts; verbs: Verbs; outcomes: Outcomes },
  request: FastifyRequest,
  reply: FastifyReply,
  send: Pick<Verb, 'path' | 'method' | 'key' | 'body'>,
  wait: Wait | undefined,
): Promise<SentCommand> => {
  const accepted = await verbs.apply<AcceptedCommand>(request, reply, {
    owner: () => parts['admin-productos'],
    ...send,
  });
  const ended = wait && (await outcomes.operation(parts.consolidador, accepted.operationId, wait));
  if (ended?.estado === 'REJECTED') throw refusedOperation(ended);
  return { accepted, wait, ended };
};
