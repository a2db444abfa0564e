import type { Campaign } from '@cordada/campaign/campaign.ts';
import { type Database, statement } from '@cordada/infra/database/database.ts';
import type { Partner } from '@cordada/partner/partner.ts';
import { type Entry, type Instance, isEnded } from '@cordada/sagas/engine/instance.ts';
import { instanceOf, SAGA_COLUMNS, type SagaRow, statusOf } from '@cordada/sagas/engine/sql-store.ts';
import type { LogRow } from '@cordada/sagas/engine/store.ts';
import type { Evento } from '@cordada/tracking/evento.ts';
import type { FirstSent } from './bus-record.ts';
import type { HeldHere } from './caretaker.ts';
import type { Handled } from './observation.ts';
import { type CoordinatorName, type Keeper, subscriptions } from './systems.ts';
import { STRANGER } from './workload.ts';

type Readable = Pick<Database, 'query'>;

const SAGAS = statement('simulation.sagas', `SELECT ${SAGA_COLUMNS} FROM saga ORDER BY id`);
const LOG = statement(
  'simulation.saga-log',
  'SELECT saga_id, n, status, at, entries FROM saga_log ORDER BY xid, saga_id, n',
);
const CAMPAIGNS = statement(
  'simulation.campaigns',
  `SELECT id, saga_id AS "sagaId", nombre, nombre_normalizado AS "nombreNormalizado",
     presupuesto::text AS presupuesto, divisa, marca_id AS "marcaId", participantes, estado, creada, actualizada
   FROM campaign ORDER BY id`,
);
const PARTNERS = statement(
  'simulation.partners',
  `SELECT id, saga_id AS "sagaId", id_campaign AS "idCampaign", id_participante AS "idParticipante", nombre, tipo,
     informacion_perfil AS "informacionPerfil", estado, creado, actualizado FROM partner ORDER BY id`,
);
const EVENTOS = statement(
  'simulation.eventos',
  `SELECT id, saga_id AS "sagaId", id_partner AS "idPartner", id_campana AS "idCampana", marca_id AS "marcaId",
     estado, fecha, actualizado FROM evento ORDER BY id`,
);
const OUTBOX = statement('simulation.outbox', 'SELECT topic, key FROM outbox ORDER BY seq');
const HELD = statement(
  'simulation.held',
  'SELECT id, topic, cause, properties FROM held_message ORDER BY id',
);
// A claim is written once: the transaction that wrote it says when its message took effect. Tombstones tell nothing of
// their messages, which may come later or never.
const CLAIMS = statement(
  'simulation.claims',
  'SELECT key, xmin::text AS xid FROM inbox WHERE state = 1 ORDER BY key',
);

export const readSagas = async (campaign: Readable): Promise<readonly Instance[]> =>
  (await campaign.query<SagaRow>(SAGAS, [])).map(instanceOf);

/** @returns the sagas that have not ended */
export const readUnfinished = async (campaign: Readable): Promise<readonly Instance[]> =>
  (await readSagas(campaign)).filter(({ status }) => !isEnded(status));

export const readCampaigns = (campaign: Readable): Promise<readonly Campaign[]> =>
  campaign.query<Campaign>(CAMPAIGNS, []);
export const readPartners = (partner: Readable): Promise<readonly Partner[]> =>
  partner.query<Partner>(PARTNERS, []);
export const readEventos = (tracking: Readable): Promise<readonly Evento[]> =>
  tracking.query<Evento>(EVENTOS, []);

export const readOutbox = (
  database: Readable,
): Promise<readonly { readonly topic: string; readonly key: string }[]> => database.query(OUTBOX, []);

export const readHeld = async (database: Readable): Promise<readonly HeldHere[]> =>
  (await database.query(HELD, [])).map(({ id, topic, cause, properties }) => ({
    id: Number(id),
    topic,
    cause,
    properties: JSON.parse(properties),
  }));

/** The sagas' log, in the order of the transactions that wrote it. */
export const readLog = async (campaign: Readable): Promise<readonly LogRow[]> =>
  (
    await campaign.query<{ saga_id: string; n: number; status: number; at: Date; entries: Entry[] }>(LOG, [])
  ).map(({ saga_id, n, status, at, entries }) => ({
    saga: saga_id,
    n,
    status: statusOf(status),
    at,
    entries,
  }));

/**
 * What a participant handled: each claim of its inbox is the first message that was sent with its key. Claims of one
 * transaction are taken to be in the order of sending.
 */
export const readHandled = async (
  name: Keeper,
  database: Readable,
  sent: ReadonlyMap<string, FirstSent>,
): Promise<readonly Handled[]> => {
  const claims = await database.query<{ key: string; xid: string }>(CLAIMS, []);
  return claims
    .flatMap(({ key, xid }) => {
      const first = sent.get(key);
      return first && first.source !== STRANGER
        ? [{ ...first, subscription: subscriptions[name], xid: Number(xid) }]
        : [];
    })
    .sort((a, b) => a.xid - b.xid || (a.message < b.message ? -1 : 1))
    .map(({ subscription, contract, key, message }) => ({ subscription, contract, key, message }));
};

/** What the coordinator handled: it needs no inbox, and its log names each message that had an effect. */
export const handledByCoordinator = (name: CoordinatorName, log: readonly LogRow[]): readonly Handled[] =>
  log.flatMap(({ saga, entries }) =>
    entries.flatMap(({ que, contrato, mensaje }): Handled[] =>
      (que === 'evento' || que === 'fallo' || que === 'compensado') && contrato && mensaje
        ? [{ subscription: subscriptions[name], contract: contrato, key: saga, message: mensaje }]
        : [],
    ),
  );
