import type { Campaign } from '@cordada/campaign/campaign.ts';
import { type CampaignRows, reactions as campaignReactions } from '@cordada/campaign/handlers.ts';
import { RowSet } from '@cordada/infra/database/row-set.ts';
import type { Capability } from '@cordada/infra/messaging/capability.ts';
import type { MemoryTransaction } from '@cordada/infra/messaging/memory-store.ts';
import { type PartnerRows, reactions as partnerReactions } from '@cordada/partner/handlers.ts';
import type { Partner } from '@cordada/partner/partner.ts';
import type { Evento } from '@cordada/tracking/evento.ts';
import { type TrackingRows, reactions as trackingReactions } from '@cordada/tracking/handlers.ts';

/** The services' tables in memory: their own rows by id, and the rules as sets of ids. */
export const campaignTable = (tx: MemoryTransaction) => tx.table<Campaign>('campaign');
export const partnerTable = (tx: MemoryTransaction) => tx.table<Partner>('partner');
export const eventoTable = (tx: MemoryTransaction) => tx.table<Evento>('evento');
export const suspendedTable = (tx: MemoryTransaction) => tx.table<string>('suspended');
export const trackingOffTable = (tx: MemoryTransaction) => tx.table<true>('tracking_off');
const cancelledTable = (tx: MemoryTransaction) => tx.table<true>('cancelled');

/** Writes what a batch changed of a table. */
export const write = <Row extends { readonly id: string }>(
  table: { insert(key: string, row: Row): void; set(key: string, row: Row): void },
  rows: RowSet<Row>,
): void => {
  for (const row of rows.inserted) table.insert(row.id, row);
  for (const row of rows.updated) table.set(row.id, row);
};

const ids = (entries: IterableIterator<[string, unknown]>): Set<string> =>
  new Set([...entries].map(([id]) => id));

/** The handlers of `campaign`, without its SQL. */
export const memoryCampaign: Capability<MemoryTransaction, CampaignRows> = {
  reactions: campaignReactions,
  load: async (tx) => ({ campaigns: new RowSet(campaignTable(tx).values()) }),
  write: (tx, { campaigns }) => write(campaignTable(tx), campaigns),
};

/** The handlers of `partner`, without its SQL. */
export const memoryPartner: Capability<MemoryTransaction, PartnerRows> = {
  reactions: partnerReactions,
  load: async (tx) => ({
    partners: new RowSet(partnerTable(tx).values()),
    suspensions: new Map(suspendedTable(tx).entries()),
    cancelledCampaigns: ids(cancelledTable(tx).entries()),
    newlyCancelled: new Map(),
  }),
  write(tx, { partners, newlyCancelled }) {
    write(partnerTable(tx), partners);
    for (const id of newlyCancelled.keys()) cancelledTable(tx).set(id, true);
  },
};

/** The handlers of `tracking`, without its SQL. */
export const memoryTracking: Capability<MemoryTransaction, TrackingRows> = {
  reactions: trackingReactions,
  load: async (tx) => ({
    eventos: new RowSet(eventoTable(tx).values()),
    trackingOff: ids(trackingOffTable(tx).entries()),
    cancelledPartners: ids(cancelledTable(tx).entries()),
    newlyCancelled: new Map(),
  }),
  write(tx, { eventos, newlyCancelled }) {
    write(eventoTable(tx), eventos);
    for (const id of newlyCancelled.keys()) cancelledTable(tx).set(id, true);
  },
};
