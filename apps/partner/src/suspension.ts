import { statement } from '@cordada/infra/database/database.ts';
import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import type { Messaging } from '@cordada/infra/service/messaging.ts';

/** A participant's rule: suspended ones are refused by RegistrarPartner. */
export interface Suspension {
  readonly suspendido: boolean;
  readonly motivo: string | null;
}

const READ = statement('participante_read', 'SELECT suspendido, motivo FROM participante WHERE id = $1');

const WRITE = statement(
  'participante_write',
  `INSERT INTO participante (id, suspendido, motivo, actualizado) VALUES ($1, $2, $3, $4)
   ON CONFLICT (id) DO UPDATE SET suspendido = excluded.suspendido, motivo = excluded.motivo,
     actualizado = excluded.actualizado`,
);

/** A participant that nobody has suspended is not. */
export const readSuspension = async (database: ServiceDatabase, id: string): Promise<Suspension> => {
  const [row] = await database.query<Suspension>(READ, [id]);
  return row ?? { suspendido: false, motivo: null };
};

/** Sets the rule, audited, in one transaction. */
export const writeSuspension = (
  { store }: Messaging,
  id: string,
  rule: Suspension,
  who: string,
  now: Date,
): Promise<void> =>
  store.transaction(async (tx) => {
    void tx.write(WRITE, [id, rule.suspendido, rule.motivo, now]);
    const action = rule.suspendido ? 'participante.suspender' : 'participante.readmitir';
    store.insertAudit(tx, { at: now, who, action, target: id, reason: rule.motivo ?? '' });
  });
