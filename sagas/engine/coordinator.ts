import type { Bus } from '@cordada/infra/bus/bus.ts';
import type { Capability, Reaction } from '@cordada/infra/messaging/capability.ts';
import { recall, remember } from '@cordada/infra/messaging/keyed-requests.ts';
import type { Log } from '@cordada/infra/messaging/metrics.ts';
import {
  type BatchHandler,
  DecidedFromStale,
  MessageFault,
  type Outcome,
  type UnitOfWork,
} from '@cordada/infra/messaging/pipeline.ts';
import type { KeyedRequest, MessagingStore } from '@cordada/infra/messaging/store.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import { StartRefused } from '@cordada/infra/service/start-refused.ts';
import { traceIdOf } from '@cordada/infra/telemetry/trace-context.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import type { Contract } from '@cordada/schemas';
import { type DeadlineSettings, type Deadlines, deadlines } from './deadlines.ts';
import { isRefusal } from './decide.ts';
import type { Definition, Failure, Json } from './definition.ts';
import type { Asked, Decision, Instance, Refusal, StepEnd, Target, Verb } from './instance.ts';
import { type Guess, RecentSagas } from './recent.ts';
import { Definitions, type LocalStep, Session, type Touched, type Work } from './session.ts';
import type { SagaStore, Saved } from './store.ts';
import { entityId, inputOf } from './turn.ts';
import { type SagaView, sagaView } from './view.ts';

/** What a coordinator tells of its sagas. How many live is read from the store, not told. */
export interface SagaMetrics {
  /** `ms`: from the step's first message to its last answer. */
  step(tipo: string, paso: string, fin: StepEnd['fin'], ms: number): void;
  ended(tipo: string, estado: 'COMPLETED' | 'COMPENSATED', ms: number): void;
  /** Somebody must look: the alert. */
  parked(tipo: string, paso: string): void;
}

/** A saga whose status or step has changed, as its service's projections see it. */
export interface SagaChange {
  readonly id: string;
  readonly tipo: string;
  /** The saga that this one undoes, and what of it (null: all). */
  readonly deshace: string | null;
  readonly alcance: Target | null;
  readonly estado: Instance['status'];
  /** undefined: it has just begun. */
  readonly antes: Instance['status'] | undefined;
  /** The step under way; undefined once it has ended. */
  readonly paso: string | undefined;
  /** Whether it compensates, even where it is PARKED doing so. */
  readonly deshaciendo: boolean;
  readonly failure: Failure | undefined;
  /** Why it was asked for, where a person did: an undo saga. */
  readonly motivo: string | null;
  /** What the saga was begun with (the one that an undo saga undoes); undefined where it could not be read. */
  input(): unknown;
  /** What its steps' `facts` have kept so far, by step. */
  readonly facts: Readonly<Record<string, Json>>;
}

export interface CoordinatorOptions<Tx> {
  /** Of several versions of one saga the first one begins new sagas; the others only carry on. */
  readonly definitions: readonly Definition[];
  readonly store: SagaStore<Tx>;
  /** What the service does itself: its reactions to the commands and compensations of `local` steps. */
  // biome-ignore lint/suspicious/noExplicitAny: the rows are the capability's own affair
  readonly local: Capability<Tx, any>;
  readonly uow: UnitOfWork<Tx>;
  readonly bus: Pick<Bus, 'caughtUp'>;
  /** The subscription whose batches this handles; deadlines wait until it has caught up. */
  readonly subscription: string;
  /** The service, as in `ce-source`. */
  readonly service: string;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly metrics: SagaMetrics;
  readonly deadlines?: Partial<DeadlineSettings>;
  /** Carries changes over to the service's own rows, in the sagas' transaction. It only sends writes. */
  project?(tx: Tx, changes: readonly SagaChange[], now: Date): void;
  /** Where the service keeps who asked for what, and what keyed requests were answered with. */
  readonly asked: Pick<MessagingStore<Tx>, 'insertAudit' | 'lockRequest' | 'request' | 'insertRequest'>;
}

/** What was asked for is not done, and nothing has changed. */
export interface Refused {
  readonly taken: false;
  readonly refused: Refusal['refused'] | 'NO_EXISTE' | 'PETICION_EN_CURSO' | 'CLAVE_REUTILIZADA';
  readonly motivo: string;
}

/** How a DELETE was taken. `saga` is where its outcome is read. */
export type Answer = { readonly taken: true; readonly saga: string; readonly tipo: string } | Refused;

/** How a verb was taken: the saga as it stood then. `repeated`: the same request had done it before. */
export type VerbAnswer =
  | { readonly taken: true; readonly view: SagaView; readonly repeated: boolean }
  | Refused;

export interface VerbRequest extends Asked {
  readonly saga: string;
  readonly verb: Verb;
  readonly paso: string;
  /** One item of the step; all that are outstanding where it is absent. */
  readonly item?: number;
  /** Present where it came under an `Idempotency-Key`. */
  readonly request?: KeyedRequest;
}

export interface UndoRequest extends Asked {
  readonly saga: string;
  /** The id of one entity that the saga made; all of it where this is absent, or its step has no `forEach`. */
  readonly entidad?: string;
}

export interface Coordinator<Tx> extends BatchHandler<Tx> {
  /** What its subscription reads. */
  readonly contracts: readonly Contract<unknown>[];
  /** @throws DefinitionsMissing when a live saga is pinned to a definition that is not here; nothing runs then */
  start(): Promise<void>;
  /** Stops the deadlines, and waits for the one under way. */
  close(): Promise<void>;
  verb(request: VerbRequest): Promise<VerbAnswer>;
  deshacer(request: UndoRequest): Promise<Answer>;
  /** Tells, after the commit, which sagas have changed. Lossy: other replicas' sagas are not among them. */
  onCommitted(listener: (sagas: readonly string[]) => void): () => void;
}

/** Live sagas are pinned to definitions that this release does not have. */
export class DefinitionsMissing extends StartRefused {
  override readonly name = 'DefinitionsMissing';
}

/**
 * Runs sagas: handles the messages of a subscription, operators' verbs, DELETEs and deadlines, each by deciding in memory
 * and writing set-based, in one transaction with what it publishes. It needs no inbox: what a message has done already
 * can be seen in the saga. Verbs, DELETEs and deadlines lock their sagas; so do messages, but for sagas that this process
 * has moved last (recent.ts). Whatever those decide writes a row of log under the next number, which only one
 * transaction can; and "nothing to do" is said under the lock only.
 */
export function coordinator<Tx>(options: CoordinatorOptions<Tx>): Coordinator<Tx> {
  const { store, local, uow, runtime, log, metrics } = options;
  const definitions = new Definitions(options.definitions);
  const reactions = reactionsOf(options);
  const listeners = new Set<(sagas: readonly string[]) => void>();
  const recent = new RecentSagas();

  /**
   * Decides all of `work` and sends the writes.
   * @param answer the decision of the first of it
   * @param guesses what of `sagas` is not locked, by id
   * @throws DecidedFromStale where a guess was wrong
   */
  const run = async <R>(
    tx: Tx,
    work: readonly Work[],
    now: Date,
    sagas: Map<string, Instance>,
    answer: (decided: Decision | Refusal | undefined, session: Session) => R,
    guesses: ReadonlyMap<string, Guess> = new Map(),
  ): Promise<Outcome<R>> => {
    const session = new Session({
      definitions,
      sagas,
      reactions,
      source: `/cordada/${options.service}`,
      now,
      uuid: () => runtime.uuid(),
      ignored: ({ saga, input }) => {
        const message = input.kind === 'message' ? input.message.envelope : undefined;
        log.debug({ saga, message: message?.id, contract: message?.contract }, 'message for no saga of ours');
      },
    });
    let first: Decision | Refusal | undefined;
    let pending: readonly Work[] = work;
    while (pending.length > 0) {
      const locals: LocalStep[] = [];
      // What comes for a saga that has a local step to do waits until that is done: one after the other, as on the bus.
      const busy = new Set<string>();
      const later: Work[] = [];
      for (const one of pending) {
        if (busy.has(one.saga)) {
          later.push(one);
          continue;
        }
        const known = locals.length;
        const decided = session.apply(one, locals);
        if (one === work[0]) first = decided;
        for (const { command } of locals.slice(known)) busy.add(command.envelope.correlationId);
      }
      if (locals.length === 0) break;
      const rows = await local.load(
        tx,
        locals.map(({ command }) => command),
        now,
      );
      const replies = locals.map((step) => session.perform(step, rows));
      local.write(tx, rows, now);
      pending = [...replies, ...later];
    }
    const changed = session.changes;
    const saved = [...changed.inserted, ...changed.updated];
    await check(tx, guesses, saved);
    store.save(tx, changed);
    const changes = session.touched.flatMap((touched) => changeOf(definitions, touched));
    if (changes.length > 0) options.project?.(tx, changes, now);
    const result = answer(first, session);
    return {
      result,
      publish: session.publish,
      committed() {
        recent.keep(saved.map(({ saga }) => saga));
        committed(session);
      },
    };
  };

  /** Where a guess has led to no row of log, nothing would tell that it was wrong: it is looked at under the lock. */
  const check = async (
    tx: Tx,
    guesses: ReadonlyMap<string, Guess>,
    saved: readonly Saved[],
  ): Promise<void> => {
    const guarded = new Set(saved.flatMap(({ saga, entries }) => (entries ? [saga.id] : [])));
    const open = [...guesses].filter(([id]) => !guarded.has(id));
    if (open.length === 0) return;
    const locked = await store.lock(
      tx,
      open.map(([id]) => id),
    );
    const versionOf = (saga: Instance | undefined): number => saga?.version ?? 0;
    for (const [id, { before }] of open)
      if (versionOf(locked.get(id)) !== versionOf(before))
        throw new DecidedFromStale(`saga ${id} was moved by another transaction`);
    recent.keep([...locked.values()]);
  };

  const committed = ({ touched, turns }: Session): void => {
    for (const { before, after, steps } of touched) {
      const { id, tipo, status, origin } = after;
      const trace_id = traceIdOf(origin.traceparent);
      for (const { paso, fin, took } of steps) metrics.step(tipo, paso, fin, took);
      if (!before)
        log.info(
          { saga: id, tipo, trace_id, ...(origin.deshace && { deshace: origin.deshace }) },
          'saga begun',
        );
      if (before?.status === status) continue;
      const paso = definitions.byHash(after.definition)?.steps[after.state.step]?.name ?? '';
      const { failure } = after.state;
      const why = { saga: id, tipo, trace_id, ...(failure && { failure }) };
      if (status === 'PARKED') {
        metrics.parked(tipo, paso);
        log.error({ ...why, paso }, 'saga parked: an operator must retry, skip or complete the step');
      } else if (status === 'COMPLETED' || status === 'COMPENSATED') {
        metrics.ended(tipo, status, after.updatedAt - origin.startedAt);
        log.info({ saga: id, tipo, trace_id, estado: status, ...(failure && { failure }) }, 'saga ended');
      } else if (status === 'COMPENSATING') log.info(why, 'saga compensates');
    }
    for (const { after } of touched) if (after.wakeAt !== null) timer.expect(after.wakeAt);
    if (turns.length > 0) timer.now(turns);
    const ids = touched.map(({ after }) => after.id);
    if (ids.length > 0) for (const listener of listeners) listener(ids);
  };

  const wake = (ids: readonly string[]): Promise<void> =>
    uow.transact(async (tx) => {
      const now = new Date(runtime.now());
      const sagas = await store.lock(tx, ids);
      const work = ids.map((id): Work => {
        const original = sagas.get(sagas.get(id)?.origin.deshace ?? '');
        return { saga: id, input: { kind: 'wake', ...(original && { original }) } };
      });
      return run(tx, work, now, sagas, () => undefined);
    });

  const timer: Deadlines = deadlines({
    upcoming: (limit) => store.upcoming(limit),
    caughtUp: (instant) => options.bus.caughtUp(options.subscription, instant),
    wake,
    runtime,
    log,
    ...(options.deadlines && { settings: options.deadlines }),
  });

  /**
   * What somebody asked of one saga, and its line in the audit.
   * @param answer what is answered once it is taken; by then all of it is written
   */
  const ask = async <R>(
    tx: Tx,
    id: string,
    input: (saga: Instance) => Work['input'] | Refusal,
    audited: { readonly action: string; readonly target: string } & Asked,
    answer: (saga: Instance, decided: Decision | undefined) => R,
  ): Promise<Outcome<R | Refused>> => {
    const now = new Date(runtime.now());
    const sagas = isSagaId(id) ? await store.lock(tx, [id]) : new Map<string, Instance>();
    const saga = sagas.get(id);
    if (!saga) return refused('NO_EXISTE', `no hay una saga ${id}`);
    // A live saga's definition is here (`start`); one that has ended may be of a release long gone.
    if (!definitions.byHash(saga.definition))
      return refused('NO_SE_PUEDE_DESHACER', `la definición ${saga.definition} ya no existe`);
    const asked = input(saga);
    if ('refused' in asked) return refused(asked.refused, asked.motivo);
    const { quien, motivo, action, target, traceparent = '' } = audited;
    let moved = false;
    const outcome = await run<R | Refused>(
      tx,
      [{ saga: id, input: asked }],
      now,
      sagas,
      (decided, session) => {
        if (isRefusal(decided)) return { taken: false, ...decided };
        moved = decided !== undefined && decided.entries.length > 0;
        if (moved) options.asked.insertAudit(tx, { at: now, who: quien, action, target, reason: motivo });
        return answer(session.get(id) ?? saga, decided);
      },
    );
    return {
      ...outcome,
      committed() {
        // What it sends stays in the saga's trace; this line joins it to that of the request.
        if (moved)
          log.info({ saga: id, action, target, quien, trace_id: traceIdOf(traceparent) }, 'obeyed a person');
        outcome.committed?.();
      },
    };
  };

  return {
    contracts: contractsOf(options.definitions),
    // A command that begins a saga has no failure event: its failure is a saga that says so.
    answersFaults: new Set(options.definitions.map(({ start }) => start.name)),
    async handle(tx, batch, now) {
      const work: Work[] = [];
      const guesses = new Map<string, Guess>();
      const unknown = new Set<string>();
      for (const [index, message] of batch.entries()) {
        const { correlationId: saga, contract } = message.envelope;
        if (!isSagaId(saga)) continue;
        work.push({ saga, index, input: { kind: 'message', message } });
        if (guesses.has(saga) || unknown.has(saga)) continue;
        const guess = recent.guess(saga, definitions.begunBy(contract) !== undefined, now.getTime());
        if (guess) guesses.set(saga, guess);
        else unknown.add(saga);
      }
      const sagas =
        unknown.size > 0 ? await store.lock(tx, [...unknown].sort()) : new Map<string, Instance>();
      for (const [id, { before }] of guesses) if (before && !sagas.has(id)) sagas.set(id, before);
      try {
        return await run(tx, work, now, sagas, () => undefined, guesses);
      } catch (error) {
        // What throws for a saga that stands otherwise may not throw for it as it is.
        throw error instanceof MessageFault && guesses.size > 0
          ? new DecidedFromStale('decided from guesses', { cause: error })
          : error;
      }
    },
    async start() {
      const missing = (await store.live()).filter(({ definition }) => !definitions.byHash(definition));
      if (missing.length > 0)
        throw new DefinitionsMissing(
          `live sagas are pinned to definitions that this release does not have: ${missing
            .map(({ tipo, definition, sagas }) => `${sagas} of ${tipo} to ${definition}`)
            .join(', ')}. Ship the definition that they were begun with beside the new one.`,
        );
      timer.start();
    },
    close: () => timer.close(),
    verb: ({ saga: id, verb, paso, item, request, ...asked }) =>
      uow.transact<VerbAnswer>(async (tx) => {
        const recalled = await recall(options.asked, tx, request);
        if (recalled.status === 'answered')
          return {
            result: { taken: true, view: recalled.answer as SagaView, repeated: true },
            publish: [],
          };
        if (recalled.status === 'under-way')
          return refused('PETICION_EN_CURSO', 'la primera petición con esta clave está en curso');
        if (recalled.status === 'reused')
          return refused('CLAVE_REUTILIZADA', 'la clave ya se usó con otra petición');
        const outcome = await ask<Instance>(
          tx,
          id,
          () => ({ kind: 'verb', verb, paso, ...(item !== undefined && { item }), ...asked }),
          {
            action: `saga.${verb}`,
            target: `${id}/${paso}${item === undefined ? '' : `/${item}`}`,
            ...asked,
          },
          (saga) => saga,
        );
        if ('taken' in outcome.result) return { ...outcome, result: outcome.result };
        const saga = outcome.result;
        const view = sagaView(
          definitions.byHash(saga.definition) as Definition,
          saga,
          await store.log(tx, id),
        );
        remember(options.asked, tx, request, view, new Date(runtime.now()));
        return { ...outcome, result: { taken: true, view, repeated: false } };
      }),
    deshacer: ({ saga, entidad, ...asked }) =>
      uow.transact<Answer>((tx) =>
        ask<Answer>(
          tx,
          saga,
          (instance) => {
            const alcance = entidad === undefined ? null : targetOf(definitions, instance, entidad);
            return alcance === undefined
              ? { refused: 'PASO_DESCONOCIDO', motivo: `${entidad} no es de la saga ${saga}` }
              : { kind: 'deshacer', alcance, ...asked };
          },
          {
            action: 'saga.deshacer',
            target: entidad === undefined ? saga : `${saga}/${entidad}`,
            ...asked,
          },
          ({ tipo }, decided) => ({ taken: true, saga: decided?.undo?.id ?? saga, tipo }),
        ),
      ),
    onCommitted(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const refused = (reason: Refused['refused'], motivo: string): Outcome<Refused> => ({
  result: { taken: false, refused: reason, motivo },
  publish: [],
});

/** Ids of sagas are compared as text, and the database's text form is lower case. */
const isSagaId = (text: string): boolean => isUuid(text) && text === text.toLowerCase();

/** @throws TypeError when a local step has nobody to do it */
// biome-ignore lint/suspicious/noExplicitAny: the rows are the capability's own affair
const reactionsOf = ({ definitions, local }: Pick<CoordinatorOptions<any>, 'definitions' | 'local'>) => {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const reactions = new Map<string, Reaction<any>>(local.reactions.map((one) => [one.contract.name, one]));
  for (const { steps, tipo, undo } of definitions)
    for (const step of [...steps, ...(undo?.steps ?? [])])
      for (const contract of step.local ? [step.command, step.compensation?.command] : [])
        if (contract && !reactions.has(contract.name))
          throw new TypeError(
            `saga ${tipo}: step ${step.name} is local, and nothing here reacts to ${contract.name}`,
          );
  return reactions;
};

const contractsOf = (definitions: readonly Definition[]): Contract<unknown>[] => {
  const contracts = new Map<string, Contract<unknown>>();
  for (const definition of definitions)
    for (const { start, steps, interrupts } of definition.undo ? [definition, definition.undo] : [definition])
      for (const contract of [
        start,
        ...[...interrupts.values()].map(({ event }) => event),
        ...steps.flatMap((step) => (step.local ? [] : [step.event, step.failure, step.compensation?.event])),
      ])
        if (contract) contracts.set(contract.topic, contract);
  return [...contracts.values()];
};

/** null: all of the saga. undefined: the saga has made no such entity. */
const targetOf = (definitions: Definitions, saga: Instance, entidad: string): Target | null | undefined => {
  const steps = definitions.byHash(saga.definition)?.steps ?? [];
  for (const [place, step] of steps.entries()) {
    const count = saga.state.items[place]?.length ?? 0;
    for (let item = 0; item < count; item += 1)
      if (entityId(saga.id, step.name, item) === entidad.toLowerCase())
        return step.items || step.dependsOn ? { paso: step.name, item } : null;
  }
  return undefined;
};

const changeOf = (definitions: Definitions, { before, after }: Touched): SagaChange[] => {
  const { status, state, origin, wakeAt } = after;
  if (before && before.status === status && before.state.step === state.step) return [];
  const definition = definitions.byHash(after.definition);
  const paso = wakeAt === null ? undefined : definition?.steps[state.step]?.name;
  return [
    {
      id: after.id,
      tipo: after.tipo,
      deshace: origin.deshace,
      alcance: origin.alcance,
      estado: status,
      antes: before?.status,
      paso,
      deshaciendo: state.back,
      failure: state.failure,
      motivo: origin.motivo,
      // Only who asks for it pays for it. What could not be read is kept as no bytes (decide.ts).
      input: () => (definition && origin.input.length > 0 ? inputOf(definition, origin) : undefined),
      facts: state.facts,
    },
  ];
};
