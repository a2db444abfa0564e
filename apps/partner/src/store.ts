import { array, column } from '@cordada/infra/database/array.ts';
import { type SqlTransaction, statement } from '@cordada/infra/database/database.ts';
import { RowSet } from '@cordada/infra/database/row-set.ts';
import type { Capability } from '@cordada/infra/messaging/capability.ts';
import type { Outgoing, Received } from '@cordada/infra/messaging/message.ts';
import type { DirectEntity } from '@cordada/infra/service/direct-cancellation.ts';
import {
  type CampaignCancelada,
  type CancelarPartner,
  contracts,
  type PartnerCancelado,
  type RegistrarPartner,
} from '@cordada/schemas';
import { type PartnerRows, reactions } from './handlers.ts';
import type { Partner } from './partner.ts';

const COLUMNS = `id, saga_id AS "sagaId", id_campaign AS "idCampaign", id_participante AS "idParticipante", nombre, tipo,
  informacion_perfil AS "informacionPerfil", estado, creado, actualizado`;

const BY_ID = statement(
  'partner_by_id',
  `SELECT ${COLUMNS} FROM partner WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE`,
);

const LIVE_BY_CAMPAIGN = statement(
  'partner_live_by_campaign',
  `SELECT ${COLUMNS} FROM partner WHERE id_campaign = ANY($1::text[]) AND estado = 'REGISTRADO' ORDER BY id FOR UPDATE`,
);

// LATERAL with LIMIT: one look into the unique index a pair, whatever the planner believes of the table's size.
const LIVE_BY_PARTICIPANT = statement(
  'partner_live_by_participant',
  `SELECT p.* FROM unnest($1::text[], $2::text[]) w (campaign, participante),
     LATERAL (SELECT ${COLUMNS} FROM partner
       WHERE id_campaign = w.campaign AND id_participante = w.participante AND estado = 'REGISTRADO' LIMIT 1) p`,
);

const SUSPENDED = statement(
  'participante_suspended',
  'SELECT id, coalesce(motivo, $2) AS motivo FROM participante WHERE id = ANY($1::text[]) AND suspendido',
);

const CANCELLED_CAMPAIGNS = statement(
  'campaign_cancelada_known',
  'SELECT id_campaign FROM campaign_cancelada WHERE id_campaign = ANY($1::text[])',
);

const INSERT = statement(
  'partner_insert',
  `INSERT INTO partner (id, saga_id, id_campaign, id_participante, nombre, tipo, informacion_perfil, estado, creado,
     actualizado)
   SELECT v.*, $9, $9
   FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) v`,
);

const UPDATE = statement(
  'partner_update',
  `UPDATE partner p SET estado = v.estado, actualizado = $3
   FROM unnest($1::uuid[], $2::text[]) v (id, estado) WHERE p.id = v.id`,
);

const INSERT_CANCELLED = statement(
  'campaign_cancelada_insert',
  `INSERT INTO campaign_cancelada (id_campaign, fecha) SELECT * FROM unnest($1::text[], $2::timestamptz[])
   ON CONFLICT (id_campaign) DO NOTHING`,
);

type Message = Received<RegistrarPartner> | Received<CancelarPartner> | Received<CampaignCancelada>;

/** What `partner` does with its messages. */
export const partnerCapability: Capability<SqlTransaction, PartnerRows> = {
  reactions,
  async load(tx, messages) {
    const bodies = (messages as readonly Message[]).flatMap(({ body, fault }) => (fault ? [] : [body]));
    const named = bodies.flatMap((body) => ('id_partner' in body ? [body.id_partner] : []));
    const registrations = bodies.flatMap((body) => ('nombre' in body && 'tipo' in body ? [body] : []));
    const participants = registrations.flatMap((body) =>
      body.id_participante === null ? [] : [{ campaign: body.id_campaign, id: body.id_participante }],
    );
    const cancellations = bodies.flatMap((body) =>
      'id_campaign' in body && !('id_partner' in body) ? [body.id_campaign] : [],
    );
    const campaigns = [...new Set([...cancellations, ...registrations.map((body) => body.id_campaign)])];
    const [byId, byCampaign, byParticipant, suspended, cancelled] = await Promise.all([
      tx.query<Partner>(BY_ID, [array('uuid', [...new Set(named)])]),
      cancellations.length === 0 ? [] : tx.query<Partner>(LIVE_BY_CAMPAIGN, [array('text', cancellations)]),
      participants.length === 0
        ? []
        : tx.query<Partner>(LIVE_BY_PARTICIPANT, [
            column('text', participants, (p) => p.campaign),
            column('text', participants, (p) => p.id),
          ]),
      participants.length === 0 ? [] : tx.query(SUSPENDED, [column('text', participants, (p) => p.id), '']),
      campaigns.length === 0 ? [] : tx.query(CANCELLED_CAMPAIGNS, [array('text', campaigns)]),
    ]);
    return {
      partners: new RowSet([...byParticipant, ...byCampaign, ...byId]),
      suspensions: new Map(suspended.map((row) => [row.id, row.motivo])),
      cancelledCampaigns: new Set(cancelled.map((row) => row.id_campaign)),
      newlyCancelled: new Map(),
    };
  },
  write(tx, { partners, newlyCancelled }, now) {
    const { inserted, updated } = partners;
    if (inserted.length > 0)
      void tx.write(INSERT, [
        column('uuid', inserted, (p) => p.id),
        column('uuid', inserted, (p) => p.sagaId),
        column('text', inserted, (p) => p.idCampaign),
        column('text', inserted, (p) => p.idParticipante),
        column('text', inserted, (p) => p.nombre),
        column('text', inserted, (p) => p.tipo),
        column('text', inserted, (p) => p.informacionPerfil),
        column('text', inserted, (p) => p.estado),
        now,
      ]);
    if (updated.length > 0)
      void tx.write(UPDATE, [
        column('uuid', updated, (p) => p.id),
        column('text', updated, (p) => p.estado),
        now,
      ]);
    if (newlyCancelled.size > 0) {
      const cancelled = [...newlyCancelled].sort(([a], [b]) => (a < b ? -1 : 1));
      void tx.write(INSERT_CANCELLED, [
        column('text', cancelled, ([id]) => id),
        column('timestamptz', cancelled, ([, fecha]) => fecha),
      ]);
    }
  },
};

/** The cancelling of one partner that was registered alone. */
export const cancellationOf = (id: string): DirectEntity => ({
  id,
  async lock(tx) {
    const [partner] = await tx.query<Partner>(BY_ID, [array('uuid', [id])]);
    return partner;
  },
  cancel(tx, now) {
    void tx.write(UPDATE, [array('uuid', [id]), array('text', ['CANCELADO']), now]);
    return [
      {
        contract: contracts.PartnerCancelado,
        body: { id_partner: id, motivo: 'se canceló a petición', fecha: now },
        correlationId: id,
        subject: id,
        idempotencyKey: `${id}/PartnerCancelado`,
      } satisfies Outgoing<PartnerCancelado>,
    ];
  },
});
