import { clearInterval, setInterval } from 'node:timers';
import { setTimeout as pause } from 'node:timers/promises';
import { catalog, contracts } from '@cordada/schemas';
import type { BusMessage, Delivery } from '../../bus/bus.ts';
import { defineManifest } from '../../bus/manifest.ts';
import { memoryBus } from '../../bus/memory.ts';
import type { Runtime } from '../../runtime.ts';
import { systemRuntime } from '../../system-runtime.ts';
import { type ConsumeOptions, type Consumer, consume } from '../consumer.ts';
import type { ConsumerSettings } from '../consumer-settings.ts';
import type { Outgoing, Received } from '../message.ts';
import type { Log, MessagingMetrics } from '../metrics.ts';
import { participant } from '../participant.ts';
import type { BatchHandler, UnitOfWork } from '../pipeline.ts';
import { createRelay, type Relay } from '../relay.ts';
import type { MessagingStore } from '../store.ts';
import { unitOfWork } from '../unit-of-work.ts';
import { busMessage, decode } from '../wire.ts';
import { type Partner, type PartnerTable, partnerCapability, type Switches } from './partners.ts';

/** A database of the suite's own, empty. */
export interface StoreUnderTest<Tx> {
  readonly store: MessagingStore<Tx>;
  readonly partners: PartnerTable<Tx>;
  close(): Promise<void>;
}

/** What the database does to the next transactions, one each, in this order. */
export type Trouble = 'away' | 'answer lost';

export class AwayFault extends Error {}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export { pause };

export const SUBSCRIPTION = 'partner';
const read = [
  contracts.RegistrarPartner,
  contracts.CancelarPartner,
  contracts.AprobarReserva,
  contracts.CampaignCancelada,
];
const written = [
  contracts.PartnerRegistrado,
  contracts.RegistroPartnerFallido,
  contracts.PartnerCancelado,
  contracts.ReservaAprobada,
];
const manifest = defineManifest(catalog, [
  { name: SUBSCRIPTION, service: 'partner', topics: read.map((contract) => contract.topic) },
]);

const impatient: Partial<ConsumerSettings> = {
  transient: { firstMs: 2, mostMs: 10 },
  held: { firstMs: 2, mostMs: 10 },
  heldAttempts: 3,
  heldPollMs: 5,
};

/** Asks until `condition` holds. @throws Error after 10 seconds */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 2_000; i++) {
    if (await condition()) return;
    await pause(5);
  }
  throw new Error(`it did not come to be that ${what}`);
}

/** `store` with the troubles of a real database. */
const troubled = <Tx>(store: MessagingStore<Tx>, troubles: Trouble[]): MessagingStore<Tx> => ({
  ...store,
  classify: (error) => (error instanceof AwayFault ? 'transient' : store.classify(error)),
  async transaction(work) {
    const trouble = troubles.shift();
    const result = await store.transaction(async (tx) => {
      const result = await work(tx);
      if (trouble === 'away') throw new AwayFault('the database is away');
      return result;
    });
    if (trouble === 'answer lost') throw new AwayFault('the connection was lost');
    return result;
  },
});

/** A service on a store: bus, relay, consumer, and somebody who sees all that it publishes. */
export class Pipeline<Tx> {
  readonly clock = { aheadMs: 0 };
  readonly runtime: Runtime;
  readonly store: MessagingStore<Tx>;
  readonly partners: PartnerTable<Tx>;
  readonly switches: Switches = { poisoned: new Set(), refusedByDatabase: new Set() };
  readonly troubles: Trouble[] = [];
  readonly lines: LogLine[] = [];
  readonly replies: Received[] = [];
  readonly bus;
  readonly log: Log;
  readonly metrics: MessagingMetrics;
  relay: Relay;
  unitOfWork: UnitOfWork<Tx>;
  handler: BatchHandler<Tx>;
  readonly parked: string[] = [];
  #consumer: Consumer | undefined;
  /** The runtime's timers keep no process alive. */
  readonly #alive = setInterval(() => {}, 1_000);

  constructor({ store, partners }: StoreUnderTest<Tx>) {
    const system = systemRuntime();
    this.runtime = { ...system, now: () => system.now() + this.clock.aheadMs };
    this.store = troubled(store, this.troubles);
    this.partners = partners;
    this.bus = memoryBus({ runtime: this.runtime, manifest });
    const line =
      (level: LogLine['level']) =>
      (fields: object, text: string): void =>
        void this.lines.push({ level, text, fields: fields as LogLine['fields'] });
    this.log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
    this.metrics = {
      batch: () => {},
      retried: () => {},
      held: () => {},
      published: () => {},
      parked: (where, contract) => void this.parked.push(`${where} ${contract}`),
    };
    this.relay = this.newRelay();
    this.unitOfWork = unitOfWork({
      store: this.store,
      relay: this.relay,
      runtime: this.runtime,
      log: this.log,
    });
    this.handler = participant(partnerCapability(partners, this.switches), {
      store: this.store,
      subscription: SUBSCRIPTION,
      contracts,
      log: this.log,
    });
  }

  newRelay(): Relay {
    const { store, bus, runtime, log, metrics } = this;
    return createRelay({ store, bus, runtime, log, metrics, service: 'partner' });
  }

  /** Sees everything that is published from now on. */
  async watch(): Promise<void> {
    const topics = new Map(written.map((contract) => [contract.topic, contract]));
    await this.bus.subscribe(
      { topics: [...topics.keys()], subscription: 'watcher', mode: 'each-replica', maxBatch: 100 },
      async (batch) => {
        for (const delivery of batch) {
          const decoded = decode(delivery, topics.get(delivery.topic));
          if (decoded.readable) this.replies.push(decoded.received);
        }
      },
    );
  }

  async consume(options: Partial<ConsumeOptions<Tx>> = {}): Promise<void> {
    const { store, unitOfWork, bus, runtime, handler, log, metrics } = this;
    const ports = { store, unitOfWork, bus, runtime, handler, log, metrics };
    const { settings, ...others } = options;
    this.#consumer = await consume({
      ...ports,
      subscription: SUBSCRIPTION,
      contracts: read,
      settings: { ...impatient, ...settings },
      ...others,
    });
  }

  /** Ends the consumer. */
  async close(): Promise<void> {
    await this.#consumer?.close();
  }

  /** Ends the consumer and the relay as a stop does. */
  async stop(): Promise<void> {
    await this.close();
    await this.relay.drain(1_000);
    await this.bus.close();
    clearInterval(this.#alive);
  }

  /** Publishes; resolves once every message is acknowledged. */
  async send(...messages: readonly (Outgoing | BusMessage)[]): Promise<void> {
    const settled = await this.bus.publish(
      messages.map((m) => ('topic' in m ? m : busMessage(m, 'campaign', this.runtime))),
    );
    for (const outcome of settled) if (outcome.status !== 'durable') throw new Error(outcome.reason);
  }

  /** Handles a batch as the consumer does, in one transaction, without the consumer. */
  async handle(...messages: readonly Outgoing[]): Promise<void> {
    const topics = new Map(read.map((contract) => [contract.topic as string, contract]));
    const batch = messages.map((outgoing) => {
      const message: Delivery = {
        ...busMessage(outgoing, 'campaign', this.runtime),
        publishedAt: this.runtime.now(),
      };
      const decoded = decode(message, topics.get(message.topic));
      if (!decoded.readable) throw new Error(decoded.cause);
      return decoded.received;
    });
    await this.unitOfWork.transact((tx) => this.handler.handle(tx, batch, new Date(this.runtime.now())));
  }

  async partner(id: string): Promise<Partner | undefined> {
    const [partner] = await this.store.transaction((tx) => this.partners.load(tx, [id]));
    return partner;
  }

  held() {
    return this.store.listHeld({ after: 0, limit: 1_000 });
  }

  /** What was answered in a saga, by contract, in order. */
  answers(saga: string): string[] {
    return this.replies.filter((r) => r.envelope.correlationId === saga).map((r) => r.envelope.contract);
  }

  errors(): string[] {
    return this.lines.filter((line) => line.level === 'error').map((line) => line.text);
  }
}

const addressed = (saga: string, id: string, key: string) => ({
  correlationId: saga,
  subject: id,
  idempotencyKey: key,
});

/** The command of step `partner`, item 0, of a saga; its undo has the same key. */
export const registrar = (saga: string, id: string, nombre = 'Ana'): Outgoing => ({
  contract: contracts.RegistrarPartner,
  body: {
    id_partner: id,
    id_campaign: 'c',
    id_participante: null,
    nombre,
    tipo: 'afiliado',
    informacion_perfil: '',
  },
  ...addressed(saga, id, `${saga}/partner/0`),
});

export const cancelar = (saga: string, id: string): Outgoing => ({
  contract: contracts.CancelarPartner,
  body: { id_partner: id, motivo: 'sin evento' },
  ...addressed(saga, id, `${saga}/partner/0`),
});

export const aprobar = (saga: string, id: string): Outgoing => ({
  contract: contracts.AprobarReserva,
  body: { id_campaign: id },
  ...addressed(saga, id, `${saga}/aprobar/0`),
});

/** An event; `n` tells one from another. */
export const cancelada = (saga: string, id: string, n = 0): Outgoing => ({
  contract: contracts.CampaignCancelada,
  body: { id_campaign: id, motivo: String(n), fecha: new Date(0) },
  ...addressed(saga, id, `${saga}/cancelada/${n}`),
});
