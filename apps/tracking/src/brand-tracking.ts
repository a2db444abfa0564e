import { statement } from '@cordada/infra/database/database.ts';
import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import type { Messaging } from '@cordada/infra/service/messaging.ts';

const READ = statement('marca_read', 'SELECT tracking_activo AS activo FROM marca WHERE id = $1');

const WRITE = statement(
  'marca_write',
  `INSERT INTO marca (id, tracking_activo, actualizado) VALUES ($1, $2, $3)
   ON CONFLICT (id) DO UPDATE SET tracking_activo = excluded.tracking_activo, actualizado = excluded.actualizado`,
);

/** Whether eventos of a brand are tracked: they are, unless somebody has switched it off. */
export const readTracking = async (database: ServiceDatabase, id: string): Promise<{ activo: boolean }> => {
  const [row] = await database.query<{ activo: boolean }>(READ, [id]);
  return row ?? { activo: true };
};

/** Sets the rule, audited, in one transaction. */
export const writeTracking = (
  { store }: Messaging,
  id: string,
  activo: boolean,
  who: string,
  now: Date,
): Promise<void> =>
  store.transaction(async (tx) => {
    void tx.write(WRITE, [id, activo, now]);
    const action = activo ? 'marca.tracking.activar' : 'marca.tracking.desactivar';
    store.insertAudit(tx, { at: now, who, action, target: id, reason: '' });
  });
