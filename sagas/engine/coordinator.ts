import type { Bus } from '@cordada/infra/bus/bus.ts';
import type { Capability, Reaction } from '@cordada/infra/messaging/capability.ts';
import type { Log } from '@cordada/infra/messaging/metrics.ts';
import {
  type BatchHandler,
  DecidedFromStale,
  MessageFault,
  type Outcome,
  type UnitOfWork,
} from '@cordada/infra/messaging/pipeline.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import { StartRefused } from '@cordada/infra/service/start-refused.ts';
import { traceIdOf } from '@cordada/infra/telemetry/trace-context.ts';
import type { Contract } from '@cordada/schemas';
import { type DeadlineSettings, type Deadlines, deadlines } from './deadlines.ts';
import type { Definition } from './definition.ts';
import { type Decision, type Instance, isSagaId, type Refusal, type StepEnd } from './instance.ts';
import { type Guess, RecentSagas } from './recent.ts';
import { type Requests, type RequestsOptions, requests } from './requests.ts';
import { changeOf, type SagaChange } from './saga-change.ts';
import { Definitions, type LocalStep, Session, type Work } from './session.ts';
import type { SagaStore, Saved } from './store.ts';

/** What a coordinator tells of its sagas. How many live is read from the store, not told. */
export interface SagaMetrics {
  /** `ms`: from the step's first message to its last answer. */
  step(tipo: string, paso: string, fin: StepEnd['fin'], ms: number): void;
  ended(tipo: string, estado: 'COMPLETED' | 'COMPENSATED', ms: number): void;
  /** Somebody must look: the alert. */
  parked(tipo: string, paso: string): void;
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
  readonly asked: RequestsOptions<Tx>['asked'];
}

export interface Coordinator<Tx> extends BatchHandler<Tx>, Requests {
  /** What its subscription reads. */
  readonly contracts: readonly Contract<unknown>[];
  /** @throws DefinitionsMissing when a live saga is pinned to a definition that is not here; nothing runs then */
  start(): Promise<void>;
  /** Stops the deadlines, and waits for the one under way. */
  close(): Promise<void>;
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
    ...requests({ definitions, store, uow, runtime, log, asked: options.asked, run }),
    onCommitted(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

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
