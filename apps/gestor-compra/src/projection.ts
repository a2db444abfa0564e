import { column } from '@cordada/infra/database/array.ts';
import { type SqlTransaction, statement } from '@cordada/infra/database/database.ts';
import type { SagaChange } from '@cordada/sagas/engine/saga-change.ts';
import { type Pedida, type Proyectada, pedida, proyectada, type Validada } from './compra.ts';

const INSERT = statement(
  'compra_insert',
  `INSERT INTO compra (id, id_usuario, domicilio, pedido, estado, creada, actualizada)
   SELECT v.*, $6, $6 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::text[]) v`,
);

// What was validated and why it ended are written once: most changes bear neither.
const UPDATE = statement(
  'compra_update',
  `UPDATE compra c SET estado = v.estado, detenida = v.detenida,
     total = coalesce(v.total, c.total), lineas = coalesce(v.lineas, c.lineas),
     codigo = v.codigo, motivo = v.motivo, faltantes = v.faltantes, actualizada = $9
   FROM unnest($1::uuid[], $2::text[], $3::bool[], $4::numeric[], $5::jsonb[], $6::text[], $7::text[], $8::jsonb[])
     v (id, estado, detenida, total, lineas, codigo, motivo, faltantes) WHERE c.id = v.id`,
);

/** Carries changes of sagas over to their purchases, in the sagas' own transaction. */
export const projectCompras = (tx: SqlTransaction, changes: readonly SagaChange[], now: Date): void => {
  const begun: Pedida[] = [];
  const moved = new Map<string, Proyectada & { validada?: Validada }>();
  for (const change of changes) {
    const next = proyectada(change);
    if (change.antes === undefined && change.deshace === null) {
      begun.push(pedida(change));
      // What else the same transaction brought follows its row like every later change.
      if (next.estado === 'COMPRA_CREADA') continue;
    }
    const validada = change.facts.validacion as unknown as Validada | undefined;
    moved.set(next.id, { ...next, ...(validada && next.estado !== 'CONFIRMADA' && { validada }) });
  }
  if (begun.length > 0) {
    begun.sort(byId);
    void tx.write(INSERT, [
      column('uuid', begun, ({ id }) => id),
      column('text', begun, ({ id_usuario }) => id_usuario),
      column('text', begun, ({ domicilio }) => domicilio),
      column('jsonb', begun, ({ lineas }) => lineas),
      column('text', begun, () => 'COMPRA_CREADA'),
      now,
    ]);
  }
  const updated = [...moved.values()].sort(byId);
  if (updated.length > 0)
    void tx.write(UPDATE, [
      column('uuid', updated, ({ id }) => id),
      column('text', updated, ({ estado }) => estado),
      column('bool', updated, ({ detenida }) => detenida),
      column('numeric', updated, ({ validada }) => validada?.total ?? null),
      column('jsonb', updated, ({ validada }) => validada?.lineas ?? null),
      column('text', updated, ({ razon }) => razon?.codigo ?? null),
      column('text', updated, ({ razon }) => razon?.motivo ?? null),
      column('jsonb', updated, ({ razon }) => razon?.faltantes ?? null),
      now,
    ]);
};

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1);
