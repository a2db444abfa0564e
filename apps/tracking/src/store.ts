import { array, column } from '@cordada/infra/database/array.ts';
import { type SqlTransaction, statement } from '@cordada/infra/database/database.ts';
import { RowSet } from '@cordada/infra/database/row-set.ts';
import type { Capability } from '@cordada/infra/messaging/capability.ts';
import type { Outgoing, Received } from '@cordada/infra/messaging/message.ts';
import type { DirectEntity } from '@cordada/infra/service/direct-cancellation.ts';
import {
  type CancelarEvento,
  contracts,
  type EventoCancelado,
  type PartnerCancelado,
  type RegistrarEvento,
} from '@cordada/schemas';
import type { Evento } from './evento.ts';
import { reactions, type TrackingRows } from './handlers.ts';

const COLUMNS = `id, saga_id AS "sagaId", id_partner AS "idPartner", id_campana AS "idCampana", marca_id AS "marcaId", estado,
  fecha, actualizado`;

const BY_ID = statement(
  'evento_by_id',
  `SELECT ${COLUMNS} FROM evento WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE`,
);

const LIVE_BY_PARTNER = statement(
  'evento_live_by_partner',
  `SELECT ${COLUMNS} FROM evento WHERE id_partner = ANY($1::text[]) AND estado = 'REGISTRADO' ORDER BY id FOR UPDATE`,
);

// LATERAL with LIMIT: with `= ANY` few brands would be planned anew each time.
const TRACKING_OFF = statement(
  'marca_tracking_off',
  `SELECT w.id FROM unnest($1::text[]) w (id),
     LATERAL (SELECT FROM marca WHERE id = w.id AND NOT tracking_activo LIMIT 1) m`,
);

const CANCELLED_PARTNERS = statement(
  'partner_cancelado_known',
  'SELECT id_partner FROM partner_cancelado WHERE id_partner = ANY($1::text[])',
);

const INSERT = statement(
  'evento_insert',
  `INSERT INTO evento (id, saga_id, id_partner, id_campana, marca_id, estado, fecha, actualizado)
   SELECT v.*, $7, $7 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]) v`,
);

const UPDATE = statement(
  'evento_update',
  `UPDATE evento e SET estado = v.estado, actualizado = $3
   FROM unnest($1::uuid[], $2::text[]) v (id, estado) WHERE e.id = v.id`,
);

const INSERT_CANCELLED = statement(
  'partner_cancelado_insert',
  `INSERT INTO partner_cancelado (id_partner, fecha) SELECT * FROM unnest($1::text[], $2::timestamptz[])
   ON CONFLICT (id_partner) DO NOTHING`,
);

type Message = Received<RegistrarEvento> | Received<CancelarEvento> | Received<PartnerCancelado>;

/** What `tracking` does with its messages. */
export const trackingCapability: Capability<SqlTransaction, TrackingRows> = {
  reactions,
  async load(tx, messages) {
    const bodies = (messages as readonly Message[]).flatMap(({ body, fault }) => (fault ? [] : [body]));
    const named = bodies.flatMap((body) => ('id_evento' in body ? [body.id_evento] : []));
    const registrations = bodies.flatMap((body) => ('marca_id' in body ? [body] : []));
    const cancellations = bodies.flatMap((body) => ('id_evento' in body ? [] : [body.id_partner]));
    const partners = [...new Set([...cancellations, ...registrations.map((body) => body.id_partner)])];
    const [byId, byPartner, off, cancelled] = await Promise.all([
      named.length === 0 ? [] : tx.query<Evento>(BY_ID, [array('uuid', [...new Set(named)])]),
      cancellations.length === 0 ? [] : tx.query<Evento>(LIVE_BY_PARTNER, [array('text', cancellations)]),
      registrations.length === 0
        ? []
        : tx.query(TRACKING_OFF, [array('text', [...new Set(registrations.map((body) => body.marca_id))])]),
      partners.length === 0 ? [] : tx.query(CANCELLED_PARTNERS, [array('text', partners)]),
    ]);
    return {
      eventos: new RowSet([...byPartner, ...byId]),
      trackingOff: new Set(off.map((row) => row.id)),
      cancelledPartners: new Set(cancelled.map((row) => row.id_partner)),
      newlyCancelled: new Map(),
    };
  },
  write(tx, { eventos, newlyCancelled }, now) {
    const { inserted, updated } = eventos;
    if (inserted.length > 0)
      void tx.write(INSERT, [
        column('uuid', inserted, (e) => e.id),
        column('uuid', inserted, (e) => e.sagaId),
        column('text', inserted, (e) => e.idPartner),
        column('text', inserted, (e) => e.idCampana),
        column('text', inserted, (e) => e.marcaId),
        column('text', inserted, (e) => e.estado),
        now,
      ]);
    if (updated.length > 0)
      void tx.write(UPDATE, [
        column('uuid', updated, (e) => e.id),
        column('text', updated, (e) => e.estado),
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

/** The cancelling of one evento that was registered alone. */
export const cancellationOf = (id: string): DirectEntity => ({
  id,
  async lock(tx) {
    const [evento] = await tx.query<Evento>(BY_ID, [array('uuid', [id])]);
    return evento;
  },
  cancel(tx, now) {
    void tx.write(UPDATE, [array('uuid', [id]), array('text', ['CANCELADO']), now]);
    return [
      {
        contract: contracts.EventoCancelado,
        body: { id_evento: id, motivo: 'se canceló a petición', fecha: now },
        correlationId: id,
        subject: id,
        idempotencyKey: `${id}/EventoCancelado`,
      } satisfies Outgoing<EventoCancelado>,
    ];
  },
});
