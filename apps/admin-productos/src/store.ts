import { caseFold } from '@cordada/infra/case-fold.ts';
import { array, column } from '@cordada/infra/database/array.ts';
import { type Database, type SqlTransaction, statement } from '@cordada/infra/database/database.ts';
import { RowSet } from '@cordada/infra/database/row-set.ts';
import type { Capability } from '@cordada/infra/messaging/capability.ts';
import type { Received } from '@cordada/infra/messaging/message.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import { type ProductRows, reactions } from './handlers.ts';
import type { Producto } from './producto.ts';

const COLUMNS = `id, numero, sku, nombre, descripcion, precio::text AS precio, estado, version, operacion, creado,
  actualizado`;

const BY_ID = statement(
  'producto_by_id',
  `SELECT ${COLUMNS} FROM producto WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE`,
);

const SETTLE = statement(
  'producto_settle',
  `UPDATE producto p SET estado = v.estado, actualizado = $3
   FROM unnest($1::uuid[], $2::text[]) v (id, estado) WHERE p.id = v.id`,
);

// An id, a number, a SKU or a name, in that order; of two that bear a name the one that was there first.
const FOUND = `SELECT ${COLUMNS} FROM producto
   WHERE (id = $1::uuid OR numero = $2::int4 OR sku_plegado = $3 OR nombre_plegado = $3)
     AND estado IN ('ACTIVO', 'PENDIENTE')
   ORDER BY CASE WHEN id = $1::uuid THEN 0 WHEN numero = $2::int4 THEN 1 WHEN sku_plegado = $3 THEN 2 ELSE 3 END,
     estado, numero LIMIT 1`;
const FIND = statement('producto_find', FOUND);
const LOCK = statement('producto_lock', `${FOUND} FOR UPDATE`);

const NEXT_NUMBER = statement(
  'producto_next_number',
  "SELECT nextval('producto_numero_seq')::int4 AS numero",
);

const INSERT = statement(
  'producto_insert',
  `INSERT INTO producto (id, numero, sku, sku_plegado, nombre, nombre_plegado, descripcion, precio, estado, version,
     operacion, creado, actualizado)
   SELECT v.id, v.numero, v.sku, v.sku_plegado, v.nombre, v.nombre_plegado, v.descripcion, v.precio::numeric,
     'PENDIENTE', 1, v.operacion, $9, $9
   FROM unnest($1::uuid[], $2::int4[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
     $10::uuid[]) v (id, numero, sku, sku_plegado, nombre, nombre_plegado, descripcion, precio, operacion)`,
);

const DESCRIBE = statement(
  'producto_describe',
  `UPDATE producto SET nombre = $2, nombre_plegado = $3, descripcion = $4, precio = $5::numeric,
     version = version + 1, actualizado = $6
   WHERE id = $1::uuid`,
);

const SOW = statement(
  'siembra_insert',
  'INSERT INTO siembra (nombre, fecha) VALUES ($1, $2) ON CONFLICT (nombre) DO NOTHING RETURNING nombre',
);
const SOWN = statement('siembra_read', 'SELECT nombre FROM siembra WHERE nombre = $1');
const TAKEN_NUMBERS = statement(
  'producto_taken_numbers',
  'SELECT numero FROM producto WHERE numero = ANY($1::int4[])',
);
const RESERVE_NUMBERS = statement(
  'producto_reserve_numbers',
  "SELECT setval('producto_numero_seq', greatest($1::int8, last_value)) FROM producto_numero_seq",
);

/** What admin-productos does with its messages. */
export const productCapability: Capability<SqlTransaction, ProductRows> = {
  reactions,
  async load(tx, messages) {
    const ids = (messages as readonly Received<{ readonly id_item: string }>[]).flatMap(({ body, fault }) =>
      !fault && isUuid(body.id_item) ? [body.id_item] : [],
    );
    const rows = ids.length === 0 ? [] : await tx.query<Producto>(BY_ID, [array('uuid', [...new Set(ids)])]);
    return { productos: new RowSet(rows) };
  },
  write(tx, { productos }, now) {
    const { updated } = productos;
    if (updated.length === 0) return;
    const ids = column('uuid', updated, (producto) => producto.id);
    const states = column('text', updated, (producto) => producto.estado);
    void tx.write(SETTLE, [ids, states, now]);
  },
};

const GREATEST_NUMBER = 2_147_483_647;

/** What `ref` may stand for. */
const meanings = (ref: string): readonly unknown[] => {
  const numero = /^[0-9]{1,10}$/.test(ref) ? Number(ref) : 0;
  return [isUuid(ref) ? ref : null, numero > 0 && numero <= GREATEST_NUMBER ? numero : null, caseFold(ref)];
};

/** The live product that `ref` names: its id, number, SKU or name. */
export const findProduct = async (database: Database, ref: string): Promise<Producto | undefined> =>
  (await database.query<Producto>(FIND, meanings(ref)))[0];

/** As `findProduct`, locked until the transaction ends: commands about one item are written one after another. */
export const lockProduct = async (tx: SqlTransaction, ref: string): Promise<Producto | undefined> =>
  (await tx.query<Producto>(LOCK, meanings(ref)))[0];

/** Draws the number of a new product. Numbers rise; one whose product is not kept is not given again. */
export const nextNumber = async (tx: SqlTransaction): Promise<number> =>
  (await tx.query<{ numero: number }>(NEXT_NUMBER, []))[0]?.numero as number;

/** Inserts products as PENDIENTE, in their first version. */
export const insertProducts = (
  tx: SqlTransaction,
  productos: readonly Omit<Producto, 'estado' | 'version' | 'creado' | 'actualizado'>[],
  now: Date,
): void => {
  void tx.write(INSERT, [
    column('uuid', productos, (p) => p.id),
    column('int4', productos, (p) => p.numero),
    column('text', productos, (p) => p.sku),
    column('text', productos, (p) => caseFold(p.sku)),
    column('text', productos, (p) => p.nombre),
    column('text', productos, (p) => caseFold(p.nombre)),
    column('text', productos, (p) => p.descripcion),
    column('text', productos, (p) => p.precio),
    now,
    column('uuid', productos, (p) => p.operacion),
  ]);
};

/** Gives a product another name, description and price, in its next version. */
export const describeProduct = (
  tx: SqlTransaction,
  { id, nombre, descripcion, precio }: Pick<Producto, 'id' | 'nombre' | 'descripcion' | 'precio'>,
  now: Date,
): void => void tx.write(DESCRIBE, [id, nombre, caseFold(nombre), descripcion, precio, now]);

/** Whether `nombre` has been sown. */
export const isSown = async (database: Database, nombre: string): Promise<boolean> =>
  (await database.query(SOWN, [nombre])).length > 0;

/** Marks `nombre` as sown. @returns false where it is, or another replica does it now and commits */
export const sow = async (tx: SqlTransaction, nombre: string, now: Date): Promise<boolean> =>
  (await tx.query(SOW, [nombre, now])).length > 0;

/**
 * Sets numbers apart, so that no product gets one of them by itself.
 * @returns those of `numbers` that no product has yet
 */
export const reserveNumbers = async (tx: SqlTransaction, numbers: readonly number[]): Promise<number[]> => {
  await tx.query(RESERVE_NUMBERS, [Math.max(...numbers)]);
  const rows = await tx.query<{ numero: number }>(TAKEN_NUMBERS, [array('int4', numbers)]);
  const taken = new Set(rows.map((row) => row.numero));
  return numbers.filter((numero) => !taken.has(numero));
};
