import type { AuditEntry } from '@cordada/infra/messaging/audit.ts';
import { type Capability, type Reaction, reply } from '@cordada/infra/messaging/capability.ts';
import type { Outgoing, Received } from '@cordada/infra/messaging/message.ts';
import { DecidedFromStale, type Outcome, type UnitOfWork } from '@cordada/infra/messaging/pipeline.ts';
import type { AnsweredRequest } from '@cordada/infra/messaging/store.ts';
import type { Cancel, Runtime } from '@cordada/infra/runtime.ts';
import { type Contract, contracts } from '@cordada/schemas';
import { campaignSaga } from '../campaign.saga.ts';
import { type Coordinator, coordinator } from '../engine/coordinator.ts';
import type { Definition } from '../engine/definition.ts';
import type { SagaChange } from '../engine/saga-change.ts';
import type { SagaStore } from '../engine/store.ts';

/** A database of sagas that a test coordinates on. */
export interface Storage<Tx> {
  readonly store: SagaStore<Tx>;
  transaction<R>(work: (tx: Tx) => Promise<R>): Promise<R>;
  /** Forgets all sagas. */
  clear(): Promise<void>;
}

/** A clock that a test moves by hand. */
class ManualRuntime implements Runtime {
  #now = Date.UTC(2030, 0, 1);
  #count = 0;
  #timers: { readonly at: number; readonly task: () => void }[] = [];

  now(): number {
    return this.#now;
  }
  random(): number {
    return 0;
  }
  uuid(): string {
    this.#count += 1;
    return `00000000-0000-7000-8000-${this.#count.toString(16).padStart(12, '0')}`;
  }
  after(ms: number, task: () => void): Cancel {
    const timer = { at: this.#now + ms, task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }
  /** Moves on, and runs what is due; what that does asynchronously is not waited for. */
  advance(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { task } of due) task();
  }
}

/** The campaign service's part, without its rules: which campaigns there are, and how often each was touched. */
class LocalCampaigns {
  readonly estados = new Map<string, string>();
  readonly calls: string[] = [];
  /** What was loaded for at once, by contract. */
  readonly loads: string[][] = [];
  /** Contracts whose handler throws. */
  readonly broken = new Set<string>();
  /** Names that are refused. */
  readonly refused = new Set<string>();

  capability<Tx>(): Capability<Tx, undefined> {
    const handle = (contract: string, id: string, estado: string): void => {
      if (this.broken.has(contract)) throw new Error(`${contract} is broken`);
      this.calls.push(contract);
      this.estados.set(id, estado);
    };
    const failed = (id_campaign: string, codigo: string, fecha: Date) =>
      reply(contracts.RegistroCampaignFallido, { id_campaign, codigo, motivo: 'no se pudo', fecha });
    // biome-ignore lint/suspicious/noExplicitAny: each reaction has the body of its own contract
    const reactions: Reaction<undefined, any>[] = [
      {
        kind: 'command',
        contract: contracts.RegistrarCampaign,
        handle: (_, { body }, fecha) => {
          if (this.refused.has(body.nombre)) return failed(body.id_campaign, 'CAMPAIGN_DUPLICADA', fecha);
          handle('RegistrarCampaign', body.id_campaign, 'PENDIENTE');
          return reply(contracts.CampaignRegistrada, { ...body, fecha });
        },
        fail: ({ subject }, _, fecha) => failed(subject, 'ERROR_INTERNO', fecha),
      },
      {
        kind: 'undo',
        contract: contracts.CancelarCampaign,
        handle: (_, { body }, fecha) => {
          handle('CancelarCampaign', body.id_campaign, 'CANCELADA');
          return reply(contracts.CampaignCancelada, { ...body, fecha });
        },
      },
      {
        kind: 'retriable',
        contract: contracts.AprobarReserva,
        handle: (_, { body }, fecha) => {
          handle('AprobarReserva', body.id_campaign, 'APROBADA');
          return reply(contracts.ReservaAprobada, { ...body, fecha });
        },
      },
    ];
    return {
      reactions,
      load: async (_, messages) => {
        this.loads.push(messages.map(({ envelope }) => envelope.contract));
        return undefined;
      },
      write: () => undefined,
    };
  }
}

export const participante = (id: string) =>
  ({ id, tipo: 'afiliado', nombre: `Nombre ${id}`, informacion_perfil: '' }) as const;

/** A coordinator of campaign sagas, with everything around it in the test's hands. */
export class Desk<Tx> {
  readonly runtime = new ManualRuntime();
  readonly local = new LocalCampaigns();
  /** What was committed to be published, and not taken yet. */
  published: Outgoing[] = [];
  readonly changes: SagaChange[] = [];
  readonly audit: AuditEntry[] = [];
  readonly requests = new Map<string, AnsweredRequest>();
  readonly alerts: string[] = [];
  /** Batches that ran twice, since another transaction was faster. */
  conflicts = 0;
  caughtUp = true;
  readonly coordinator: Coordinator<Tx>;
  readonly #storage: Storage<Tx>;

  constructor(storage: Storage<Tx>, definitions: readonly Definition[] = [campaignSaga]) {
    this.#storage = storage;
    const uow: UnitOfWork<Tx> = { transact: (work) => this.#transact(work) };
    this.coordinator = coordinator<Tx>({
      definitions,
      store: storage.store,
      local: this.local.capability<Tx>(),
      uow,
      bus: { caughtUp: async () => this.caughtUp },
      subscription: 'campaign',
      service: 'campaign',
      runtime: this.runtime,
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      metrics: {
        step: () => {},
        ended: () => {},
        parked: (tipo, paso) => void this.alerts.push(`${tipo}/${paso}`),
      },
      project: (_, changes) => void this.changes.push(...changes),
      asked: {
        insertAudit: (_, entry) => void this.audit.push(entry),
        lockRequest: async () => true,
        request: async (_, id) => this.requests.get(id),
        insertRequest: (_, request) => void this.requests.set(request.id, request),
      },
    });
  }

  async #transact<R>(work: (tx: Tx) => Promise<Outcome<R>>): Promise<R> {
    const outcome = await this.#storage.transaction(work);
    this.published.push(...outcome.publish);
    outcome.committed?.();
    return outcome.result;
  }

  /** Handles a batch, as a consumer would: once more where another transaction was faster. */
  async handle(...batch: readonly Received[]): Promise<void> {
    const once = (): Promise<void> =>
      this.#transact((tx) => this.coordinator.handle(tx, batch, new Date(this.runtime.now())));
    try {
      await once();
    } catch (error) {
      if (!(error instanceof DecidedFromStale) && (error as { code?: unknown }).code !== '23505') throw error;
      this.conflicts += 1;
      await once();
    }
  }

  /** Takes what was published, by contract. */
  take(...names: readonly string[]): Outgoing[] {
    const taken = this.published.filter(
      ({ contract }) => names.length === 0 || names.includes(contract.name),
    );
    this.published = this.published.filter((one) => !taken.includes(one));
    return taken;
  }

  begin(saga: string, participantes: readonly string[], nombre = 'Otoño'): Received {
    const body = {
      nombre,
      presupuesto: '1000.50',
      divisa: 'COP',
      marca_id: 'Marca Ñ',
      participantes: participantes.map(participante),
    };
    return this.#received(contracts.IniciarCampaign, body, saga, saga);
  }

  /** An event from outside of the saga's steps. */
  hear<Body>(saga: string, contract: Contract<Body>, body: Partial<Body> = {}): Received {
    return this.#received(contract, body, saga, `outside/${contract.name}`);
  }

  /** A participant's answer to a message. */
  answer<Body>(to: Outgoing, contract: Contract<Body>, body: Partial<Body> = {}): Received {
    return this.#received(contract, body, to.correlationId, `${to.idempotencyKey}/${contract.name}`);
  }

  // biome-ignore lint/suspicious/noExplicitAny: a message of any contract
  #received(contract: Contract<any>, body: unknown, saga: string, idempotencyKey: string): Received {
    const id = this.runtime.uuid();
    return {
      body,
      envelope: {
        id,
        contract: contract.name,
        source: '/test',
        time: new Date(this.runtime.now()),
        subject: saga,
        correlationId: saga,
        causationId: id,
        idempotencyKey,
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        requestHash: 'hash',
      },
    };
  }

  /** Answers every command and compensation with success, until nothing is sent any more. */
  async settle(): Promise<void> {
    const answers: Readonly<Record<string, Contract<never>>> = {
      RegistrarPartner: contracts.PartnerRegistrado,
      RegistrarEvento: contracts.EventoRegistrado,
      CancelarPartner: contracts.PartnerCancelado,
      CancelarEvento: contracts.EventoCancelado,
    } as never;
    for (;;) {
      const asked = this.take(...Object.keys(answers));
      if (asked.length === 0) return;
      await this.handle(
        ...asked.map((one) => this.answer(one, answers[one.contract.name] as Contract<never>)),
      );
    }
  }

  sagas(...ids: readonly string[]) {
    return this.#storage.transaction((tx) => this.#storage.store.lock(tx, ids));
  }

  async saga(id: string) {
    return (await this.sagas(id)).get(id);
  }

  /** Real time passes until `holds`: what a timer began is asynchronous. */
  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 500; tries += 1) {
      if (await holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    throw new Error('what was waited for has not come');
  }
}
