import { statement } from '@cordada/infra/database/database.ts';
import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import type { Messaging } from '@cordada/infra/service/messaging.ts';
import { type Cliente, nuevo } from './orden.ts';

const READ = statement(
  'cliente_read',
  'SELECT id, activo, limite::text AS limite FROM cliente WHERE id = $1',
);

const WRITE = statement(
  'cliente_write',
  `INSERT INTO cliente (id, activo, limite, creado, actualizado) VALUES ($1, $2, $3::numeric, $4, $4)
   ON CONFLICT (id) DO UPDATE SET activo = excluded.activo, limite = excluded.limite,
     actualizado = excluded.actualizado`,
);

/** A customer who has bought nothing yet is like one who is seen for the first time. */
export const readCliente = async (database: ServiceDatabase, id: string): Promise<Cliente> => {
  const [row] = await database.query<Cliente>(READ, [id]);
  return row ?? nuevo(id);
};

/** Sets a customer's rules, audited, in one transaction. */
export const writeCliente = (
  { store }: Messaging,
  { id, activo, limite }: Cliente,
  who: string,
  now: Date,
): Promise<void> =>
  store.transaction(async (tx) => {
    void tx.write(WRITE, [id, activo, limite, now]);
    const action = activo ? 'cliente.activar' : 'cliente.desactivar';
    store.insertAudit(tx, { at: now, who, action, target: id, reason: `límite ${limite}` });
  });
