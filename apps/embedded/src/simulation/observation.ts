import type { Campaign } from '@cordada/campaign/campaign.ts';
import type { Partner } from '@cordada/partner/partner.ts';
import type { Instance } from '@cordada/sagas/engine/instance.ts';
import type { LogRow } from '@cordada/sagas/engine/store.ts';
import type { Evento } from '@cordada/tracking/evento.ts';
import type { Bought } from './bought.ts';

/** One message as a subscription handled it, written in the transaction that did so. */
export interface Handled {
  readonly subscription: string;
  readonly contract: string;
  readonly key: string;
  /** UUIDv7 of the run's one sequence: later messages have greater ones. */
  readonly message: string;
}

/** A message that the bus said is durable. */
export interface Published {
  readonly contract: string;
  /** The message's id. */
  readonly message: string;
  readonly subject: string;
}

/** What a run left behind, read when it was over. */
export interface Observation {
  readonly sagas: readonly Instance[];
  /** By saga, in the order of their versions. */
  readonly log: ReadonlyMap<string, readonly LogRow[]>;
  readonly campaigns: readonly Campaign[];
  readonly partners: readonly Partner[];
  readonly eventos: readonly Evento[];
  /** Where purchases ran. */
  readonly bought: Bought | undefined;
  /** In the order of the commits, by subscription. */
  readonly handled: readonly Handled[];
  /** Rows that are left in the outboxes. */
  readonly outbox: readonly { readonly service: string; readonly topic: string; readonly key: string }[];
  /** Messages that are still held. */
  readonly held: readonly { readonly service: string; readonly topic: string; readonly cause: string }[];
  /** Sagas whose beginning was acknowledged as durable. */
  readonly acknowledged: readonly string[];
  readonly published: readonly Published[];
  /** Nobody but the coordinator failed: answers came at once, or waited for it. */
  readonly onlyCoordinatorFailed: boolean;
  /** Lines that alert of a parked saga, by saga. */
  readonly alerts: ReadonlyMap<string, number>;
  /** What was held for long although it was neither poisoned nor garbage, or behind such a message. */
  readonly heldInVain: readonly string[];
  /** Answers of services to well-formed requests that say neither done, nor refused, nor away for now. */
  readonly unexpected: readonly string[];
}

/** Rows by their saga, each saga's in their order. */
export const groupedBySaga = <Row extends { readonly saga: string }>(
  rows: readonly Row[],
): Map<string, Row[]> => {
  const grouped = new Map<string, Row[]>();
  for (const row of rows) {
    const known = grouped.get(row.saga);
    if (known) known.push(row);
    else grouped.set(row.saga, [row]);
  }
  return grouped;
};
