import type { Contract } from '@cordada/schemas';

/** What survives a round trip through JSON unchanged; `facts` are kept so. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Why a saga does not reach its goal, as its builders, its projection and its timeline see it. */
export interface Failure {
  readonly paso: string;
  readonly item?: number;
  readonly codigo: string;
  readonly motivo: string;
  /** What the step's `detail` took from the failure. */
  readonly detalle?: Json;
}

/** What a builder of a message may know. It must be pure: the same scope, the same message, in every release. */
export interface Scope<Input, Facts, Names extends string> {
  /** The saga; in an undo saga, the one that it undoes. */
  readonly saga: string;
  readonly input: Input;
  /** By step, what its `facts` took from its event; a list, by item, where the step has `forEach`. */
  readonly facts: Facts;
  /** The id of the entity that a step's item makes. */
  id(step: Names, item?: number): string;
}

export interface ItemScope<Input, Facts, Names extends string, Item> extends Scope<Input, Facts, Names> {
  /** The element of `forEach` that the message is about; undefined without it. */
  readonly item: Item;
  readonly index: number;
}

interface WithReason {
  /** Why the saga, or whoever asked for it, undoes this. */
  readonly motivo: string;
}

interface Common<Input, Facts, Names extends string, Item, Of, Command, Event> {
  /** Done by the coordinator's own service in the saga's own transaction; its event is published all the same. */
  readonly local?: boolean;
  /** One command an element, all at once; at most 500, none completes the step. */
  readonly forEach?: (input: Input) => readonly Item[];
  /** One command an item of that earlier step, which this one depends on: undoing that item undoes this one first. */
  readonly forEachOf?: Of;
  readonly command: Contract<Command>;
  readonly body: (scope: ItemScope<Input, Facts, Names, Item>) => Command;
  readonly event: Contract<Event>;
  /** The entity that the messages are about; by default the one that this step's item makes. */
  readonly subject?: (scope: ItemScope<Input, Facts, Names, Item>) => string;
  /** Milliseconds until the command is sent again, and then until the saga stops waiting; 60 000 by default. */
  readonly timeout?: number;
}

interface Refusable<Event, Fact, Refusal> {
  /** What later steps need to know of the event. */
  readonly facts?: (event: Event) => Fact;
  readonly failure: Contract<Refusal>;
  /** What of a failure outlives it: shown with the saga, given to the announcement of its end. */
  readonly detail?: (failure: Refusal) => Json;
}

interface Undoable<Input, Facts, Names extends string, Item, Undo, Undone> {
  readonly compensation: Contract<Undo>;
  readonly undo: (scope: ItemScope<Input, Facts, Names, Item> & WithReason) => Undo;
  readonly compensated: Contract<Undone>;
}

type ItemsOf<Items, Of, Item> = [Of] extends [never] ? Item : Of extends keyof Items ? Items[Of] : Item;
type New<Name extends string, Names extends string> = Name extends Names
  ? `the step ${Name} is there already`
  : Name;
type WithFact<Facts, Name extends string, Fact, Many> = [Fact] extends [never]
  ? Facts
  : Facts & { readonly [N in Name]: Many extends true ? readonly Fact[] : Fact };
type IsMany<Item, Of> = [Of] extends [never] ? ([Item] extends [undefined] ? false : true) : true;

/** After the pivot, or from the first retriable step on: nothing can fail any more. */
export interface Tail<Input, Facts, Items, Names extends string> {
  /** A step that cannot be refused or undone: it is sent until it is answered, and parks the saga if it never is. */
  retriable<
    const Name extends string,
    Command,
    Event,
    Item = undefined,
    Of extends keyof Items & string = never,
  >(
    name: New<Name, Names>,
    step: Common<Input, Facts, Names | Name, ItemsOf<Items, Of, Item>, Of, Command, Event> & {
      readonly failure?: never;
      readonly compensation?: never;
    },
  ): Tail<Input, Facts, Items & { readonly [N in Name]: ItemsOf<Items, Of, Item> }, Names | Name>;
  /** Tells everyone that the saga reached its goal; published once, with the transaction that ends it. */
  announceCompleted<Event>(
    event: Contract<Event>,
    body: (scope: Scope<Input, Facts, Names>) => Event,
  ): Tail<Input, Facts, Items, Names>;
  /** Tells everyone that the saga was undone, and why; published once, with the transaction that ends it. */
  announceCompensated<Event>(
    event: Contract<Event>,
    body: (scope: Scope<Input, Partial<Facts>, Names> & { readonly failure: Failure }) => Event,
  ): Tail<Input, Facts, Items, Names>;
  /**
   * An event from outside (correlated by the saga) that makes it give up, as a refusal would, until the command of
   * the step `before` has been sent. What the current step may have done counts as uncertain.
   */
  interruptedBy<Event>(
    event: Contract<Event>,
    options: { readonly before: Names; readonly codigo: string; readonly motivo: string },
  ): Tail<Input, Facts, Items, Names>;
  /**
   * How a COMPLETED saga is undone, where running its compensations in reverse is not it. Input, facts and ids are
   * those of the saga that is undone. Such a saga is only undone as a whole.
   */
  undoneBy(
    steps: (undo: Builder<Input, Facts, Items, Names>) => Tail<Input, Facts, Items, string>,
  ): Tail<Input, Facts, Items, Names>;
  /** @throws DefinitionError when the definition breaks a rule that the types cannot hold */
  end(): Definition<Input>;
}

/** Before the pivot: what is done can be undone. */
export interface Builder<Input, Facts, Items, Names extends string> extends Tail<Input, Facts, Items, Names> {
  /** A step that can be refused, and that its compensation undoes. */
  step<
    const Name extends string,
    Command,
    Event,
    Refusal,
    Undo,
    Undone,
    Item = undefined,
    const Of extends keyof Items & string = never,
    Fact extends Json = never,
  >(
    name: New<Name, Names>,
    step: Common<Input, Facts, Names | Name, ItemsOf<Items, Of, Item>, Of, Command, Event> &
      Refusable<Event, Fact, Refusal> &
      Undoable<Input, Facts, Names | Name, ItemsOf<Items, Of, Item>, Undo, Undone>,
  ): Builder<
    Input,
    WithFact<Facts, Name, Fact, IsMany<Item, Of>>,
    Items & { readonly [N in Name]: ItemsOf<Items, Of, Item> },
    Names | Name
  >;
  /** A step that can be refused and changes nothing: there is nothing to undo. */
  readOnly<
    const Name extends string,
    Command,
    Event,
    Refusal,
    Item = undefined,
    const Of extends keyof Items & string = never,
    Fact extends Json = never,
  >(
    name: New<Name, Names>,
    step: Common<Input, Facts, Names | Name, ItemsOf<Items, Of, Item>, Of, Command, Event> &
      Refusable<Event, Fact, Refusal> & { readonly compensation?: never },
  ): Builder<
    Input,
    WithFact<Facts, Name, Fact, IsMany<Item, Of>>,
    Items & { readonly [N in Name]: ItemsOf<Items, Of, Item> },
    Names | Name
  >;
  /**
   * The step that decides: once its event is committed here the saga only goes forward. Until then it is compensated
   * like any step; one without a compensation is sent until its answer is known.
   */
  pivot<const Name extends string, Command, Event, Refusal, Undo, Undone, Fact extends Json = never>(
    name: New<Name, Names>,
    step: Common<Input, Facts, Names | Name, undefined, never, Command, Event> &
      Refusable<Event, Fact, Refusal> &
      (
        | Undoable<Input, Facts, Names | Name, undefined, Undo, Undone>
        | { readonly compensation?: never; readonly undo?: never; readonly compensated?: never }
      ),
  ): Tail<
    Input,
    WithFact<Facts, Name, Fact, false>,
    Items & { readonly [N in Name]: undefined },
    Names | Name
  >;
}

// biome-ignore lint/suspicious/noExplicitAny: the builders were checked against their contracts where they were written
type Any = any;

export type StepKind = 'compensatable' | 'readOnly' | 'pivot' | 'retriable';

export interface Compensation {
  readonly command: Contract<Any>;
  body(scope: Any): Any;
  readonly event: Contract<Any>;
}

/** A step, with its types erased. */
export interface Step {
  readonly name: string;
  readonly kind: StepKind;
  readonly local: boolean;
  /** Milliseconds. */
  readonly timeout: number;
  readonly items: ((input: Any) => readonly unknown[]) | undefined;
  /** The step whose items this one follows. */
  readonly dependsOn: string | undefined;
  readonly command: Contract<Any>;
  body(scope: Any): Any;
  readonly subject: ((scope: Any) => string) | undefined;
  readonly event: Contract<Any>;
  readonly facts: ((event: Any) => Json) | undefined;
  readonly failure: Contract<Any> | undefined;
  readonly detail: ((failure: Any) => Json) | undefined;
  readonly compensation: Compensation | undefined;
}

export interface Announcement {
  readonly event: Contract<Any>;
  body(scope: Any): Any;
}

/** What a contract means to a saga. */
export interface Role {
  readonly step: number;
  readonly role: 'event' | 'failure' | 'compensated';
}

export interface Interrupt {
  readonly event: Contract<Any>;
  /** The saga gives up until it has come to this step. */
  readonly before: number;
  readonly codigo: string;
  readonly motivo: string;
}

/** A saga as the engine runs it. Made only by `saga(…).end()`. */
export interface Definition<Input = Any> {
  readonly tipo: string;
  readonly version: number;
  /** What an instance is pinned to; 16 hex digits. */
  readonly hash: string;
  readonly start: Contract<Input>;
  readonly clave: (input: Input) => readonly string[];
  readonly steps: readonly Step[];
  /** By contract name. */
  readonly roles: ReadonlyMap<string, Role>;
  readonly interrupts: ReadonlyMap<string, Interrupt>;
  readonly completed: Announcement | undefined;
  readonly compensated: Announcement | undefined;
  /**
   * Whose messages these are: a saga's own; `derived`, the compensations of the saga that it undoes, under that one's
   * keys; `custom`, its own, about the entities of the saga that it undoes.
   */
  readonly undoes: undefined | 'derived' | 'custom';
  /** The names of the steps of the saga that this one undoes, in their order; empty where it undoes none. */
  readonly original: readonly string[];
  /** How a COMPLETED one is undone. */
  readonly undo: Definition<Input> | undefined;
}

/** The most items that one step may have. */
export const MAX_ITEMS = 500;

export interface SagaOptions<Input> {
  /** The kind of saga, as in `/api/sagas/:tipo`. */
  readonly tipo: string;
  /**
   * Raise it whenever a builder, a `facts`, a `detail` or a `forEach` changes what it makes. The rest of a definition
   * is in its hash by itself. The text of the functions is not: it depends on the transpiler, and a release that only
   * changes that must find its live sagas.
   */
  readonly version: number;
  /** The command that begins one. */
  readonly starts: Contract<Input>;
  /** The words that people search it by, the most telling last. */
  readonly clave: (input: Input) => readonly string[];
}
