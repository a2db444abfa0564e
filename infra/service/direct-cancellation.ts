import type { SqlTransaction } from '../database/database.ts';
import { conflict, notFound } from '../http/errors.ts';
import type { Outgoing } from '../messaging/message.ts';
import type { Runtime } from '../runtime.ts';
import { isUuid } from '../uuid-text.ts';
import { uuidV5 } from '../uuid-v5.ts';
import type { Messaging } from './messaging.ts';

/** What was registered alone, as its service locks and cancels it. */
export interface DirectEntity {
  readonly id: string;
  lock(tx: SqlTransaction): Promise<{ readonly sagaId: string | null; readonly estado: string } | undefined>;
  /** Writes the cancellation and tells what it publishes. */
  cancel(tx: SqlTransaction, now: Date): readonly Outgoing[];
}

/**
 * Undoes what was registered alone (systems.md §1: "What was registered alone is undone alone"). Repeating it answers
 * the same operation.
 * @param traceparent of the request: what is published is of its trace
 * @throws HttpError 404 where there is none, 409 where it belongs to a saga: its coordinator decides then
 */
export const cancelDirect = (
  { store, unitOfWork }: Messaging,
  runtime: Runtime,
  entity: DirectEntity,
  traceparent: string,
): Promise<{ operationId: string }> => {
  if (!isUuid(entity.id)) throw notFound(`No existe ${entity.id}`);
  const operationId = uuidV5('cancelar', entity.id);
  return unitOfWork.transact(async (tx) => {
    const now = new Date(runtime.now());
    const found = await entity.lock(tx);
    if (!found) throw notFound(`No existe ${entity.id}`);
    if (found.sagaId !== null)
      throw conflict('PERTENECE_A_UNA_SAGA', `Lo deshace la saga ${found.sagaId}, que lo registró`);
    if (!(await store.operation(operationId, tx)))
      store.insertOperations(tx, [
        {
          id: operationId,
          estado: 'DONE',
          requestHash: '',
          message: operationId,
          recurso: entity.id,
          error: null,
          created: now,
        },
      ]);
    return {
      result: { operationId },
      publish:
        found.estado === 'REGISTRADO'
          ? entity.cancel(tx, now).map((outgoing) => ({ ...outgoing, traceparent }))
          : [],
    };
  });
};
