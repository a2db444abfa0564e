import type { Envelope } from '@cordada/infra/messaging/message.ts';
import { uuidV5 } from '@cordada/infra/uuid-v5.ts';
import { type Definition, type Failure, type Json, MAX_ITEMS, type Step } from './definition.ts';
import {
  type Decision,
  type Entry,
  type Instance,
  isEnded,
  MARK,
  NEVER,
  type Origin,
  type Send,
  type State,
  type Status,
  type StepEnd,
  type Undo,
} from './instance.ts';

/** By step and item. */
type Ids = Map<string, string[]>;
/** A saga needs each of its few ids several times; of those that are remembered the older half is forgotten at times. */
const REMEMBERED = 4_000;
let remembered = 0;
let recentIds = new Map<string, Ids>();
let olderIds = new Map<string, Ids>();

/** The id of the entity that an item of a step makes: derived, so that the undo of an uncertain step can name it. */
export const entityId = (saga: string, step: string, item: number): string => {
  const known = recentIds.get(saga)?.get(step)?.[item] ?? olderIds.get(saga)?.get(step)?.[item];
  if (known !== undefined) return known;
  const id = uuidV5(`${step}/${item}`, saga);
  if (remembered === REMEMBERED / 2) {
    remembered = 0;
    olderIds = recentIds;
    recentIds = new Map();
  }
  remembered += 1;
  const ids: Ids = recentIds.get(saga) ?? new Map();
  const items = ids.get(step) ?? [];
  items[item] = id;
  recentIds.set(saga, ids.set(step, items));
  return id;
};

/** How often a message is sent that can neither be given up nor refused, before its saga is parked. */
export const MAX_TRIES = 6;

const BACKOFF_CEILING = 10;

/** Milliseconds until the next try after the `tries`th: the step's timeout, doubled each time, up to ten of it. */
const backoff = (timeout: number, tries: number): number =>
  timeout * Math.min(2 ** (tries - 1), BACKOFF_CEILING);

/** Whether a step must be sent until it is answered: it can neither be compensated nor left. */
export const isUnstoppable = (step: Step): boolean =>
  step.kind === 'retriable' || (step.kind === 'pivot' && step.compensation === undefined);

/** One decision while it is made: a copy of the instance that may change, and what is to be sent and logged. */
export class Turn {
  readonly definition: Definition;
  readonly id: string;
  readonly origin: Origin;
  readonly now: number;
  readonly #before: Instance | undefined;
  readonly sends: Send[] = [];
  readonly entries: Entry[] = [];
  readonly steps: StepEnd[] = [];
  /** The message that the decision is about. */
  cause: Envelope | undefined;
  status: Status;
  step: number;
  back: boolean;
  readonly items: string[];
  tries: number;
  due: number | null;
  since: number;
  facts: Readonly<Record<string, Json>>;
  failure: Failure | undefined;
  undos: readonly Undo[];
  waits: boolean;
  /** Moves `wakeAt` to `due` even if that is later: the wake has fired. */
  fired = false;
  #input: { readonly value: unknown } | undefined;

  constructor(definition: Definition, id: string, origin: Origin, before: Instance | undefined, now: number) {
    this.definition = definition;
    this.id = id;
    this.origin = origin;
    this.now = now;
    this.#before = before;
    const state = before?.state;
    this.status = before?.status ?? 'RUNNING';
    this.step = state?.step ?? 0;
    this.back = state?.back ?? false;
    this.items = [...(state?.items ?? [])];
    this.tries = state?.tries ?? 0;
    this.due = state?.due ?? null;
    this.since = state?.since ?? now;
    this.facts = state?.facts ?? {};
    this.failure = state?.failure;
    this.undos = state?.undos ?? [];
    this.waits = state?.waits ?? false;
  }

  get current(): Step | undefined {
    return this.definition.steps[this.step];
  }

  /** Whose entities and, where its compensations are run, whose keys: the saga itself, or the one that it undoes. */
  get subjectSaga(): string {
    return this.origin.deshace ?? this.id;
  }

  key(step: Step, item: number): string {
    return `${this.definition.undoes === 'derived' ? this.subjectSaga : this.id}/${step.name}/${item}`;
  }

  /** @throws ContractError when the input is not what its schema says */
  get input(): unknown {
    this.#input ??= { value: inputOf(this.definition, this.origin) };
    return this.#input.value;
  }

  log(entry: Entry): void {
    this.entries.push(entry);
  }

  /** The log's line about one item: items are numbered only where a step has several. */
  at(step: Step, item: number): { readonly paso: string; readonly item?: number } {
    return step.items || step.dependsOn ? { paso: step.name, item } : { paso: step.name };
  }

  mark(step: number, item: number, mark: string): void {
    const marks = this.items[step] as string;
    this.items[step] = marks.slice(0, item) + mark + marks.slice(item + 1);
  }

  /** Items of the current step whose answer has not come. */
  get outstanding(): number[] {
    return indexesOf(this.items[this.step] ?? '', this.back ? MARK.undoing : MARK.sent);
  }

  scope(): { saga: string; input: unknown; facts: unknown; id(step: string, item?: number): string } {
    const saga = this.subjectSaga;
    return { saga, input: this.input, facts: this.facts, id: (step, item = 0) => entityId(saga, step, item) };
  }

  /** The elements that a step of this saga is done for. */
  itemsOf(step: Step): readonly unknown[] {
    if (step.items) return step.items(this.input);
    const followed = this.#sourceOf(step);
    return followed ? this.itemsOf(followed) : [undefined];
  }

  #sourceOf({ dependsOn }: Step): Step | undefined {
    // The steps of a derived undo stand in reverse: what they follow may come later.
    return dependsOn === undefined ? undefined : this.definition.steps.find(({ name }) => name === dependsOn);
  }

  /** Sends the commands, or the compensations, of these items of the current step. */
  send(items: readonly number[]): void {
    const step = this.current as Step;
    const elements = this.itemsOf(step);
    const { saga, input, facts, id } = this.scope();
    const motivo = this.failure?.motivo ?? this.origin.motivo ?? '';
    const compensation = this.back ? step.compensation : undefined;
    for (const index of items) {
      const itemScope = { saga, input, facts, id, item: elements[index], index, motivo };
      this.mark(this.step, index, this.back ? MARK.undoing : MARK.sent);
      const contract = compensation?.command ?? step.command;
      const entry: Entry = {
        que: compensation ? 'compensacion' : 'comando',
        contrato: contract.name,
        ...this.at(step, index),
      };
      this.log(entry);
      this.sends.push({
        kind: compensation ? 'compensation' : 'command',
        contract,
        body: compensation ? compensation.body(itemScope) : step.body(itemScope),
        subject: step.subject?.(itemScope) ?? id(step.name, index),
        idempotencyKey: this.key(step, index),
        local: step.local,
        entry,
      });
    }
  }

  /** Sends for the first time, and begins to wait. */
  #begin(items: readonly number[]): void {
    this.since = this.now;
    this.tries = 1;
    this.due = this.now + (this.current as Step).timeout;
    this.send(items);
  }

  /** Sends what is outstanding once more: same keys, new messages. */
  again(): void {
    const { timeout } = this.current as Step;
    this.tries += 1;
    const wait = this.back || isUnstoppable(this.current as Step) ? backoff(timeout, this.tries) : timeout;
    this.due = this.now + wait;
    this.send(this.outstanding);
  }

  /** Goes forward as far as it can without an answer. */
  forward(): void {
    for (;;) {
      const step = this.current;
      if (!step) return this.end('COMPLETED');
      if (this.items[this.step] === undefined) {
        const count = this.itemsOf(step).length;
        if (count > MAX_ITEMS)
          return this.fail({
            paso: step.name,
            codigo: 'DEMASIADOS_ELEMENTOS',
            motivo: `${count} elementos; el máximo es ${MAX_ITEMS}`,
          });
        this.items[this.step] = MARK.pending.repeat(count);
      }
      const pending = indexesOf(this.items[this.step] as string, MARK.pending);
      if (pending.length > 0) this.#begin(pending);
      if (this.outstanding.length > 0) return;
      this.#stepEnded('done');
      this.step += 1;
    }
  }

  /** Gives the goal up: from here on what may have taken effect is compensated, the last step first. */
  fail(failure: Failure): void {
    this.#stepEnded('failed');
    this.failure = failure;
    this.status = 'COMPENSATING';
    this.back = true;
    this.backward();
  }

  /** Compensates step by step, each wholly before the one that came before it. */
  backward(): void {
    for (; this.step >= 0; this.step -= 1) {
      const marks = this.items[this.step] ?? '';
      if (!this.current?.compensation) continue;
      const effective = [...indexesOf(marks, MARK.sent), ...indexesOf(marks, MARK.done)].sort(
        (a, b) => a - b,
      );
      if (effective.length > 0) this.#begin(effective);
      if (this.outstanding.length > 0) return;
      if (marks.includes(MARK.undone)) this.#stepEnded('compensated');
    }
    this.step = 0;
    this.end('COMPENSATED');
  }

  park(motivo: string): void {
    const step = this.current as Step;
    this.status = 'PARKED';
    this.due = null;
    this.log({ que: 'detenida', paso: step.name, motivo });
  }

  /** After an answer, a skip or a mark: goes on once nothing of the step is outstanding. */
  proceed(): void {
    if (this.outstanding.length > 0) return;
    if (this.status === 'PARKED') this.status = this.back ? 'COMPENSATING' : 'RUNNING';
    if (this.back) this.backward();
    else this.forward();
  }

  end(status: 'COMPLETED' | 'COMPENSATED'): void {
    this.status = status;
    this.due = null;
    const announcement = status === 'COMPLETED' ? this.definition.completed : this.definition.compensated;
    if (announcement) {
      const scope = { ...this.scope(), failure: this.failure };
      const entry: Entry = { que: 'anuncio', contrato: announcement.event.name };
      this.log(entry);
      this.sends.push({
        kind: 'announcement',
        contract: announcement.event,
        body: announcement.body(scope),
        subject: this.id,
        idempotencyKey: `${this.id}/${announcement.event.name}`,
        local: false,
        entry,
      });
    }
    this.log({ que: 'terminada' });
  }

  #stepEnded(fin: StepEnd['fin']): void {
    const paso = this.current?.name;
    if (paso) this.steps.push({ paso, fin, took: this.now - this.since });
  }

  /** The decision as it stands now. */
  decision(): Decision {
    const { step, back, tries, due, since, facts, failure, undos, waits } = this;
    const state: { -readonly [P in keyof State]: State[P] } = {
      step,
      back,
      items: this.items,
      tries,
      due,
      since,
      facts,
    };
    if (failure) state.failure = failure;
    if (undos.length > 0) state.undos = undos;
    if (waits) state.waits = true;
    return {
      instance: {
        id: this.id,
        tipo: this.definition.tipo,
        definition: this.definition.hash,
        origin: this.origin,
        version: this.#before?.version ?? 0,
        status: this.status,
        wakeAt: this.#wakeAt(),
        state,
        updatedAt: this.now,
      },
      sends: this.sends,
      entries: this.entries,
      steps: this.steps,
    };
  }

  /** Stays where it was as long as that is early enough: the column is indexed, and each change of it costs. */
  #wakeAt(): number | null {
    if (isEnded(this.status)) return null;
    const due = this.due ?? NEVER;
    const set = this.fired || this.status === 'PARKED' ? null : (this.#before?.wakeAt ?? null);
    return set === null || due < set ? due : set;
  }
}

const indexesOf = (marks: string, mark: string): number[] => {
  const indexes: number[] = [];
  for (let i = marks.indexOf(mark); i >= 0; i = marks.indexOf(mark, i + 1)) indexes.push(i);
  return indexes;
};

/** An origin never changes, so what it says is read once while it is in memory. */
const decoded = new WeakMap<Origin, unknown>();

/** Tells what was read already: the body of the message that began the saga of `origin`. */
export const knowInput = (origin: Origin, input: unknown): void => void decoded.set(origin, input);

/**
 * What a saga was begun with.
 * @throws ContractError when it is not what its schema says
 */
export const inputOf = (definition: Definition, origin: Origin): unknown => {
  if (!decoded.has(origin)) decoded.set(origin, definition.start.decode(origin.input, origin.fingerprint));
  return decoded.get(origin);
};
