import type { Reaction, Reply } from '@cordada/infra/messaging/capability.ts';
import type { Envelope, Outgoing, Received } from '@cordada/infra/messaging/message.ts';
import { MessageFault } from '@cordada/infra/messaging/pipeline.ts';
import { decide, isRefusal } from './decide.ts';
import type { Definition } from './definition.ts';
import {
  type Decision,
  type Entry,
  type Input,
  type Instance,
  isEnded,
  type Refusal,
  type Send,
  type StepEnd,
} from './instance.ts';
import type { SagaChanges, Saved } from './store.ts';

/** Something that reaches a saga; `index` is the place in the batch of the message that led to it. */
export interface Work {
  readonly saga: string;
  readonly input: Input;
  readonly index?: number | undefined;
}

/** A step of the coordinator's own service, to be done before anything else happens to its saga. */
export interface LocalStep {
  readonly command: Received;
  readonly send: Send;
  readonly index: number | undefined;
}

/** A saga that a transaction changed. */
export interface Touched {
  /** undefined: it was begun. */
  readonly before: Instance | undefined;
  readonly after: Instance;
  readonly entries: readonly Entry[];
  readonly steps: readonly StepEnd[];
}

/** The definitions of a service: each is found by its hash, and the newest by the command that begins it. */
export class Definitions {
  readonly all: readonly Definition[];
  readonly #byHash = new Map<string, Definition>();
  readonly #byStart = new Map<string, Definition>();

  /** @param definitions of several versions of one saga the first one begins new sagas */
  constructor(definitions: readonly Definition[]) {
    this.all = definitions;
    for (const definition of definitions) {
      this.#byHash.set(definition.hash, definition);
      if (definition.undo) this.#byHash.set(definition.undo.hash, definition.undo);
      if (!this.#byStart.has(definition.start.name)) this.#byStart.set(definition.start.name, definition);
    }
  }

  byHash(hash: string): Definition | undefined {
    return this.#byHash.get(hash);
  }

  begunBy(contract: string): Definition | undefined {
    return this.#byStart.get(contract);
  }
}

/** A saga is pinned to a definition that this release does not have. Another release does: it is to be tried again. */
export class DefinitionMissing extends Error {
  override readonly name = 'DefinitionMissing';
}

export interface SessionOptions {
  readonly definitions: Definitions;
  /** The sagas of this transaction, locked. */
  readonly sagas: Map<string, Instance>;
  readonly reactions: ReadonlyMap<string, Reaction<unknown>>;
  /** As in `ce-source`. */
  readonly source: string;
  readonly now: Date;
  uuid(): string;
  ignored(work: Work): void;
}

/** What one transaction decides, saga by saga, in memory; nothing in it does I/O. */
export class Session {
  readonly #options: SessionOptions;
  readonly #touched = new Map<
    string,
    { before: Instance | undefined; after: Instance; entries: Entry[]; steps: StepEnd[] }
  >();
  readonly publish: Outgoing[] = [];
  /** Undo sagas that may go on once this is committed. */
  readonly turns: string[] = [];

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get(saga: string): Instance | undefined {
    return this.#touched.get(saga)?.after ?? this.#options.sagas.get(saga);
  }

  get touched(): readonly Touched[] {
    return [...this.#touched.values()];
  }

  /** What is to be stored: each saga once, and one row of log for all that happened to it. */
  get changes(): SagaChanges {
    const inserted: Saved[] = [];
    const updated: Saved[] = [];
    for (const { before, after, entries } of [...this.#touched.values()].sort(byId)) {
      if (before && entries.length === 0) {
        if (after.wakeAt !== before.wakeAt) updated.push({ saga: after, entries: null });
        continue;
      }
      const saga = { ...after, version: (before?.version ?? 0) + 1 };
      (before ? updated : inserted).push({ saga, entries });
    }
    return { inserted, updated };
  }

  /**
   * Decides one input, and what follows from it in other sagas.
   * @param locals gets the steps that are to be done in this transaction
   * @throws MessageFault when the definition throws on what a message holds
   * @throws DefinitionMissing
   */
  apply(work: Work, locals: LocalStep[]): Decision | Refusal | undefined {
    const before = this.get(work.saga);
    const definition = this.#definitionFor(work, before);
    if (!definition) {
      this.#options.ignored(work);
      return undefined;
    }
    const decided = this.#decide(definition, before, work);
    if (decided === undefined || isRefusal(decided)) return decided;
    const { instance } = decided;
    this.#keep(before, decided);
    const cause = causeOf(work, instance, this.#options.now);
    for (const send of decided.sends) this.#send(send, instance, cause, work, locals);
    const begin = decided.undo?.begin;
    if (begin && work.input.kind === 'deshacer') {
      const { quien, motivo, traceparent } = work.input;
      const input: Input = {
        kind: 'undo',
        original: instance,
        undo: begin.undo,
        waits: begin.waits,
        quien,
        motivo,
        ...(traceparent !== undefined && { traceparent }),
      };
      this.apply({ ...work, saga: begin.undo.id, input }, locals);
    }
    if (instance.origin.deshace && instance.wakeAt === null && before?.wakeAt !== null)
      this.apply(
        { ...work, saga: instance.origin.deshace, input: { kind: 'undone', undo: instance } },
        locals,
      );
    this.turns.push(...(decided.turns ?? []));
    return decided;
  }

  #definitionFor({ input, saga }: Work, before: Instance | undefined): Definition | undefined {
    const { definitions } = this.#options;
    if (!before && input.kind === 'message') return definitions.begunBy(input.message.envelope.contract);
    if (!before && input.kind !== 'undo') return undefined;
    const hash = before?.definition ?? (input.kind === 'undo' ? input.original.definition : '');
    const definition = definitions.byHash(hash);
    if (!definition && before && isEnded(before.status)) return undefined;
    if (!definition)
      throw new DefinitionMissing(`saga ${saga} is pinned to definition ${hash}, which is not here`);
    return before ? definition : definition.undo;
  }

  #decide(definition: Definition, before: Instance | undefined, work: Work): Decision | Refusal | undefined {
    try {
      return decide(definition, before, work.input, this.#options.now.getTime());
    } catch (error) {
      throw work.index === undefined ? error : new MessageFault(work.index, error);
    }
  }

  #keep(before: Instance | undefined, { instance, entries, steps }: Decision): void {
    const known = this.#touched.get(instance.id);
    if (known) {
      known.after = instance;
      known.entries.push(...entries);
      known.steps.push(...steps);
    } else
      this.#touched.set(instance.id, { before, after: instance, entries: [...entries], steps: [...steps] });
  }

  #send(send: Send, instance: Instance, cause: Envelope, work: Work, locals: LocalStep[]): void {
    const { contract, body, subject, idempotencyKey, entry, local } = send;
    const id = this.#options.uuid();
    entry.mensaje = id;
    entry.causa = cause.id;
    if (!local) {
      this.publish.push({ contract, body, correlationId: instance.id, subject, idempotencyKey, cause, id });
      return;
    }
    const envelope: Envelope = {
      id,
      contract: contract.name,
      source: this.#options.source,
      time: this.#options.now,
      subject,
      correlationId: instance.id,
      causationId: cause.id,
      idempotencyKey,
      traceparent: cause.traceparent,
      requestHash: '',
    };
    locals.push({ command: { envelope, body }, send, index: work.index });
  }

  /**
   * Does a step of the coordinator's own service on the rows that were loaded for it, and publishes its event.
   * A command whose handler throws is answered with its failure; any other is not done, and whatever led to it is not.
   */
  perform({ command, send, index }: LocalStep, rows: unknown): Work {
    const { now, reactions, source } = this.#options;
    const { envelope } = command;
    const reaction = reactions.get(envelope.contract) as Reaction<unknown>;
    const reply = this.#react(reaction, rows, command, index);
    const idempotencyKey = `${send.idempotencyKey}/${reply.contract.name}`;
    const id = this.#options.uuid();
    const { correlationId, subject } = envelope;
    this.publish.push({
      contract: reply.contract,
      body: reply.body,
      correlationId,
      subject,
      idempotencyKey,
      cause: envelope,
      id,
    });
    const message: Received = {
      body: reply.body,
      envelope: {
        ...envelope,
        id,
        contract: reply.contract.name,
        source,
        time: now,
        causationId: envelope.id,
        idempotencyKey,
      },
    };
    return { saga: correlationId, index, input: { kind: 'message', message } };
  }

  #react(reaction: Reaction<unknown>, rows: unknown, command: Received, index: number | undefined): Reply {
    const { now } = this.#options;
    try {
      if (reaction.kind === 'event') throw new Error(`${reaction.contract.name} is an event, and no step`);
      return reaction.handle(rows, command, now);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      if (reaction.kind === 'command') return reaction.fail(command.envelope, { kind: 'failed', cause }, now);
      throw index === undefined ? error : new MessageFault(index, error);
    }
  }
}

const byId = (a: Touched, b: Touched): number => (a.after.id < b.after.id ? -1 : 1);

/** The message that a decision's own messages follow from; what no message led to follows from the saga's first one. */
const causeOf = ({ input }: Work, { id, origin }: Instance, now: Date): Envelope =>
  input.kind === 'message'
    ? input.message.envelope
    : {
        id: origin.messageId,
        contract: '',
        source: '',
        time: now,
        subject: id,
        correlationId: id,
        causationId: origin.messageId,
        idempotencyKey: '',
        traceparent: origin.traceparent,
        requestHash: '',
      };
