import { type BodyOf, contracts } from '@cordada/schemas';
import { array, column } from '../../database/array.ts';
import { type SqlTransaction, statement } from '../../database/database.ts';
import { RowSet } from '../../database/row-set.ts';
import { type Capability, type Reaction, reply } from '../capability.ts';
import { MemoryFault, type MemoryTransaction } from '../memory-store.ts';
import { isDirect } from '../message.ts';

/** The entity of the service under test. `veces` counts what took effect on it, so that nothing happens twice unseen. */
export interface Partner {
  readonly id: string;
  readonly estado: 'REGISTRADO' | 'CANCELADO';
  readonly veces: number;
}

/** The service's own table, in the pipeline's transaction. `veces` is refused from 100 on, by a constraint. */
export interface PartnerTable<Tx> {
  load(tx: Tx, ids: readonly string[]): Promise<Partner[]>;
  write(tx: Tx, inserted: readonly Partner[], updated: readonly Partner[]): void;
}

export const memoryPartners: PartnerTable<MemoryTransaction> = {
  async load(tx, ids) {
    return ids.flatMap((id) => tx.table<Partner>('partner').get(id) ?? []);
  },
  write(tx, inserted, updated) {
    const table = tx.table<Partner>('partner');
    for (const partner of inserted) table.insert(partner.id, partner);
    for (const partner of [...inserted, ...updated]) {
      if (partner.veces >= 100) throw new MemoryFault('23514', 'veces');
      table.set(partner.id, partner);
    }
  },
};

export const partnerTableSql = `CREATE TABLE partner (
  id text PRIMARY KEY, estado text NOT NULL, veces int4 NOT NULL CHECK (veces < 100))`;

const SELECT = statement(
  'partner.load',
  'SELECT id, estado, veces FROM partner WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE',
);
const INSERT = statement(
  'partner.insert',
  'INSERT INTO partner SELECT p.* FROM unnest($1::text[], $2::text[], $3::int4[]) p',
);
const UPDATE = statement(
  'partner.update',
  `UPDATE partner p SET estado = v.estado, veces = v.veces
   FROM unnest($1::text[], $2::text[], $3::int4[]) v(id, estado, veces) WHERE p.id = v.id`,
);

export const sqlPartners: PartnerTable<SqlTransaction> = {
  load: (tx, ids) => tx.query<Partner>(SELECT, [array('text', ids)]),
  write(tx, inserted, updated) {
    for (const [sql, rows] of [
      [INSERT, inserted],
      [UPDATE, updated],
    ] as const) {
      if (rows.length === 0) continue;
      const columns = [
        column('text', rows, (row) => row.id),
        column('text', rows, (row) => row.estado),
        column('int4', rows, (row) => row.veces),
      ];
      tx.write(sql, columns).catch(() => undefined); // the commit reports it
    }
  },
};

/** What a test changes of the service while it runs. */
export interface Switches {
  /** Handling a message about one of these throws. */
  readonly poisoned: Set<string>;
  /** Registering one of these breaks a constraint of the database. */
  readonly refusedByDatabase: Set<string>;
}

type Rows = RowSet<Partner>;

/** A service with a reaction of each kind. Its entity's id is the message's subject. */
export function partnerCapability<Tx>(table: PartnerTable<Tx>, switches: Switches): Capability<Tx, Rows> {
  const assertSound = (id: string): void => {
    if (switches.poisoned.has(id)) throw new Error(`poisoned: ${id}`);
  };
  const again = (rows: Rows, id: string): void => {
    const known = rows.get(id);
    if (known) rows.update({ ...known, veces: known.veces + 1 });
    else rows.insert({ id, estado: 'REGISTRADO', veces: 1 });
  };
  const registrar: Reaction<Rows, BodyOf<typeof contracts.RegistrarPartner>> = {
    kind: 'command',
    contract: contracts.RegistrarPartner,
    handle(rows, { body, envelope }, now) {
      assertSound(body.id_partner);
      if (body.nombre === 'suspendido') {
        const failure = {
          id_partner: body.id_partner,
          codigo: 'SUSPENDIDO',
          motivo: 'por impago',
          fecha: now,
        };
        return reply(contracts.RegistroPartnerFallido, failure);
      }
      const veces = switches.refusedByDatabase.has(body.id_partner) ? 100 : 1;
      rows.insert({ id: body.id_partner, estado: 'REGISTRADO', veces });
      const { id_participante, ...partner } = body;
      return reply(contracts.PartnerRegistrado, {
        ...partner,
        id_participante: isDirect(envelope) ? null : id_participante,
        fecha: now,
      });
    },
    fail: (envelope, fault, now) =>
      reply(contracts.RegistroPartnerFallido, {
        id_partner: envelope.subject,
        codigo: 'ERROR_INTERNO',
        motivo: fault.kind,
        fecha: now,
      }),
  };
  const cancelar: Reaction<Rows, BodyOf<typeof contracts.CancelarPartner>> = {
    kind: 'undo',
    contract: contracts.CancelarPartner,
    handle(rows, { body }, now) {
      assertSound(body.id_partner);
      const known = rows.get(body.id_partner);
      if (known?.estado === 'REGISTRADO') rows.update({ ...known, estado: 'CANCELADO' });
      return reply(contracts.PartnerCancelado, { ...body, fecha: now });
    },
  };
  const aprobar: Reaction<Rows, BodyOf<typeof contracts.AprobarReserva>> = {
    kind: 'retriable',
    contract: contracts.AprobarReserva,
    handle(rows, { body }, now) {
      assertSound(body.id_campaign);
      again(rows, body.id_campaign);
      return reply(contracts.ReservaAprobada, { ...body, fecha: now });
    },
  };
  const campaignCancelada: Reaction<Rows, BodyOf<typeof contracts.CampaignCancelada>> = {
    kind: 'event',
    contract: contracts.CampaignCancelada,
    handle(rows, { body }, now) {
      assertSound(body.id_campaign);
      again(rows, body.id_campaign);
      const event = { id_partner: body.id_campaign, motivo: body.motivo, fecha: now };
      return [{ ...reply(contracts.PartnerCancelado, event), subject: body.id_campaign }];
    },
  };
  return {
    reactions: [registrar, cancelar, aprobar, campaignCancelada],
    async load(tx, messages) {
      const ids = [...new Set(messages.map((message) => message.envelope.subject))].sort();
      return new RowSet(await table.load(tx, ids));
    },
    write: (tx, rows) => table.write(tx, rows.inserted, rows.updated),
  };
}
