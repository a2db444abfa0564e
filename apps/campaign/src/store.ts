import { array, column } from '@cordada/infra/database/array.ts';
import { type SqlTransaction, statement } from '@cordada/infra/database/database.ts';
import { RowSet } from '@cordada/infra/database/row-set.ts';
import type { Capability } from '@cordada/infra/messaging/capability.ts';
import type { Received } from '@cordada/infra/messaging/message.ts';
import type { BodyOf, contracts } from '@cordada/schemas';
import { type Campaign, normalizedName } from './campaign.ts';
import { type CampaignRows, reactions } from './handlers.ts';

const COLUMNS = `id, saga_id AS "sagaId", nombre, nombre_normalizado AS "nombreNormalizado",
  presupuesto::text AS presupuesto, divisa, marca_id AS "marcaId", participantes, estado, creada, actualizada`;

const BY_ID = statement(
  'campaign_by_id',
  `SELECT ${COLUMNS} FROM campaign WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE`,
);

// LATERAL with LIMIT: one look into the unique index a name, whatever the planner believes of the table's size.
const LIVE_BY_NAME = statement(
  'campaign_live_by_name',
  `SELECT c.* FROM unnest($1::text[], $2::text[]) w (marca, nombre),
     LATERAL (SELECT ${COLUMNS} FROM campaign
       WHERE marca_id = w.marca AND nombre_normalizado = w.nombre AND NOT cancelada LIMIT 1) c`,
);

const INSERT = statement(
  'campaign_insert',
  `INSERT INTO campaign (id, saga_id, nombre, nombre_normalizado, presupuesto, divisa, marca_id, participantes, estado,
     creada, actualizada)
   SELECT v.id, v.saga, v.nombre, v.normalizado, v.presupuesto::numeric, v.divisa, v.marca, v.participantes, v.estado,
     $9, $9
   FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[],
     $10::text[]) v (id, saga, nombre, normalizado, presupuesto, divisa, marca, participantes, estado)`,
);

const UPDATE = statement(
  'campaign_update',
  `UPDATE campaign c SET estado = v.estado, actualizada = $3
   FROM unnest($1::uuid[], $2::text[]) v (id, estado) WHERE c.id = v.id`,
);

type Step =
  | Received<BodyOf<typeof contracts.RegistrarCampaign>>
  | Received<BodyOf<typeof contracts.CancelarCampaign>>
  | Received<BodyOf<typeof contracts.AprobarReserva>>;

/** The steps that `campaign` does itself, run by the coordinator inside the saga's transaction. */
export const campaignSteps: Capability<SqlTransaction, CampaignRows> = {
  reactions,
  async load(tx, messages) {
    const steps = messages as readonly Step[];
    const ids = [...new Set(steps.map(({ body }) => body.id_campaign))];
    const wanted = steps.flatMap(({ body }) => ('nombre' in body ? [body] : []));
    const [byId, byName] = await Promise.all([
      tx.query<Campaign>(BY_ID, [array('uuid', ids)]),
      wanted.length === 0
        ? []
        : tx.query<Campaign>(LIVE_BY_NAME, [
            column('text', wanted, (body) => body.marca_id),
            column('text', wanted, (body) => normalizedName(body.nombre)),
          ]),
    ]);
    return { campaigns: new RowSet([...byName, ...byId]) };
  },
  write(tx, { campaigns }, now) {
    const { inserted, updated } = campaigns;
    if (inserted.length > 0)
      void tx.write(INSERT, [
        column('uuid', inserted, (c) => c.id),
        column('uuid', inserted, (c) => c.sagaId),
        column('text', inserted, (c) => c.nombre),
        column('text', inserted, (c) => c.nombreNormalizado),
        column('text', inserted, (c) => c.presupuesto),
        column('text', inserted, (c) => c.divisa),
        column('text', inserted, (c) => c.marcaId),
        column('jsonb', inserted, (c) => c.participantes),
        now,
        column('text', inserted, (c) => c.estado),
      ]);
    if (updated.length > 0)
      void tx.write(UPDATE, [
        column('uuid', updated, (c) => c.id),
        column('text', updated, (c) => c.estado),
        now,
      ]);
  },
};
