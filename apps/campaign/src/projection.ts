import { column } from '@cordada/infra/database/array.ts';
import { type SqlTransaction, statement } from '@cordada/infra/database/database.ts';
import type { SagaChange } from '@cordada/sagas/engine/saga-change.ts';

const PROJECT = statement(
  'campaign_project',
  `UPDATE campaign c
   SET estado = CASE WHEN v.cancelando AND c.estado <> 'CANCELADA' THEN 'CANCELANDO' ELSE c.estado END,
     detenida = v.detenida, actualizada = $4
   FROM unnest($1::uuid[], $2::bool[], $3::bool[]) v (saga, cancelando, detenida) WHERE c.saga_id = v.saga`,
);

interface Projected {
  /** The saga compensates, or another one undoes all of it. */
  readonly cancelando: boolean;
  /** The saga, or the one that undoes it, is PARKED. */
  readonly detenida: boolean;
}

/** What changes of sagas mean for their campaigns; most mean nothing. The last word on a campaign counts. */
export const projectionOf = (changes: readonly SagaChange[]): ReadonlyMap<string, Projected> => {
  const projected = new Map<string, Projected>();
  for (const { id, deshace, alcance, estado, antes, deshaciendo } of changes) {
    if (estado === antes) continue;
    const undoesAll = deshace !== null && alcance === null;
    const begins = antes === undefined;
    if (estado === 'PARKED' || antes === 'PARKED' || estado === 'COMPENSATING' || (begins && undoesAll))
      projected.set(deshace ?? id, { cancelando: deshaciendo || undoesAll, detenida: estado === 'PARKED' });
  }
  return projected;
};

/** Carries changes of sagas over to their campaigns, in the sagas' own transaction. */
export const projectCampaigns = (tx: SqlTransaction, changes: readonly SagaChange[], now: Date): void => {
  const projected = [...projectionOf(changes)].sort(([a], [b]) => (a < b ? -1 : 1));
  if (projected.length === 0) return;
  void tx.write(PROJECT, [
    column('uuid', projected, ([saga]) => saga),
    column('bool', projected, ([, { cancelando }]) => cancelando),
    column('bool', projected, ([, { detenida }]) => detenida),
    now,
  ]);
};
