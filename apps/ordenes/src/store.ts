import { array, column } from '@cordada/infra/database/array.ts';
import { type SqlTransaction, statement } from '@cordada/infra/database/database.ts';
import { RowSet } from '@cordada/infra/database/row-set.ts';
import type { Capability } from '@cordada/infra/messaging/capability.ts';
import type { Received } from '@cordada/infra/messaging/message.ts';
import type {
  AnularOrden,
  CancelarOrden,
  CompraRechazada,
  CrearOrden,
  ReservaConfirmada,
} from '@cordada/schemas';
import { type OrdenRows, reactions } from './handlers.ts';
import type { Cliente, Orden } from './orden.ts';

export const ORDEN_COLUMNS = `id, compra, cliente, domicilio, total::text AS total, estado, codigo, motivo, creada, actualizada`;

const BY_ID = statement(
  'orden_by_id',
  `SELECT ${ORDEN_COLUMNS} FROM orden WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE`,
);

const CLIENTES = statement(
  'cliente_by_id',
  'SELECT id, activo, limite::text AS limite FROM cliente WHERE id = ANY($1::text[])',
);

const INSERT_CLIENTES = statement(
  'cliente_insert',
  `INSERT INTO cliente (id, activo, limite, creado, actualizado)
   SELECT v.*, $4, $4 FROM unnest($1::text[], $2::bool[], $3::numeric[]) v ON CONFLICT (id) DO NOTHING`,
);

const INSERT = statement(
  'orden_insert',
  `INSERT INTO orden (id, compra, cliente, domicilio, total, estado, codigo, motivo, creada, actualizada)
   SELECT v.*, $9, $9 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::numeric[], $6::text[], $7::text[],
     $8::text[]) v`,
);

const INSERT_LINEAS = statement(
  'linea_orden_insert',
  `INSERT INTO linea_orden (orden, n, id_item, numero, nombre, cantidad, precio_unitario)
   SELECT * FROM unnest($1::uuid[], $2::int2[], $3::uuid[], $4::int4[], $5::text[], $6::int4[], $7::numeric[])`,
);

const UPDATE = statement(
  'orden_update',
  `UPDATE orden o SET estado = v.estado, codigo = v.codigo, motivo = v.motivo, actualizada = $5
   FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) v (id, estado, codigo, motivo) WHERE o.id = v.id`,
);

type Message =
  | Received<CrearOrden>
  | Received<CancelarOrden>
  | Received<AnularOrden>
  | Received<ReservaConfirmada>
  | Received<CompraRechazada>;

/** The orders of these ids, locked in id order. */
export const lockOrdenes = (tx: SqlTransaction, ids: readonly string[]): Promise<Orden[]> =>
  tx.query<Orden>(BY_ID, [array('uuid', ids)]);

/** Writes how orders stand now. */
export const updateOrdenes = (tx: SqlTransaction, ordenes: readonly Orden[], now: Date): void =>
  void tx.write(UPDATE, [
    column('uuid', ordenes, ({ id }) => id),
    column('text', ordenes, ({ estado }) => estado),
    column('text', ordenes, ({ codigo }) => codigo),
    column('text', ordenes, ({ motivo }) => motivo),
    now,
  ]);

/** What `ordenes` does with its messages. */
export const ordenCapability: Capability<SqlTransaction, OrdenRows> = {
  reactions,
  async load(tx, messages) {
    const bodies = (messages as readonly Message[]).flatMap(({ body, fault }) => (fault ? [] : [body]));
    const buyers = bodies.flatMap((body) => ('id_usuario' in body ? [body.id_usuario] : []));
    const [ordenes, clientes] = await Promise.all([
      lockOrdenes(tx, [...new Set(bodies.map((body) => body.id_orden))]),
      buyers.length === 0 ? [] : tx.query<Cliente>(CLIENTES, [array('text', [...new Set(buyers)])]),
    ]);
    return { ordenes: new RowSet(ordenes), clientes: new RowSet(clientes), lineas: [] };
  },
  write(tx, { ordenes, clientes, lineas }, now) {
    const seen = clientes.inserted;
    if (seen.length > 0)
      void tx.write(INSERT_CLIENTES, [
        column('text', seen, ({ id }) => id),
        column('bool', seen, ({ activo }) => activo),
        column('numeric', seen, ({ limite }) => limite),
        now,
      ]);
    const { inserted, updated } = ordenes;
    if (inserted.length > 0)
      void tx.write(INSERT, [
        column('uuid', inserted, ({ id }) => id),
        column('uuid', inserted, ({ compra }) => compra),
        column('text', inserted, ({ cliente }) => cliente),
        column('text', inserted, ({ domicilio }) => domicilio),
        column('numeric', inserted, ({ total }) => total),
        column('text', inserted, ({ estado }) => estado),
        column('text', inserted, ({ codigo }) => codigo),
        column('text', inserted, ({ motivo }) => motivo),
        now,
      ]);
    if (lineas.length > 0)
      void tx.write(INSERT_LINEAS, [
        column('uuid', lineas, ({ orden }) => orden),
        column('int2', lineas, ({ n }) => n),
        column('uuid', lineas, ({ idItem }) => idItem),
        column('int4', lineas, ({ numero }) => numero),
        column('text', lineas, ({ nombre }) => nombre),
        column('int4', lineas, ({ cantidad }) => cantidad),
        column('numeric', lineas, ({ precioUnitario }) => precioUnitario),
      ]);
    if (updated.length > 0) updateOrdenes(tx, updated, now);
  },
};
