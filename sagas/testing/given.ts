import type { Received } from '@cordada/infra/messaging/message.ts';
import type { Contract } from '@cordada/schemas';
import * as assert from 'uvu/assert';
import { decide, isRefusal } from '../engine/decide.ts';
import type { Definition } from '../engine/definition.ts';
import type { Decision, Input, Instance, Refusal, Send, Status, Target, Verb } from '../engine/instance.ts';

/** The saga that these tests replay; its entities' ids follow from it. */
export const SAGA = '7b2c4a52-6f0e-5d43-9c1e-0a7f5c0e4a11';

interface World {
  readonly definition: Definition;
  readonly instance: Instance | undefined;
  readonly now: number;
}

/** Something that reaches a saga, at a time. */
export interface Happening {
  readonly afterMs: number;
  input(world: World): Input;
}

/** One thing that a decision must have brought about. */
export interface Expected {
  readonly says: string;
  /** The sends that it accounts for, by contract and item. */
  readonly sends?: string;
  holds(world: World, decided: Decision | Refusal | undefined): void;
}

// biome-ignore lint/suspicious/noExplicitAny: the body is checked against its contract where it is given
type Any = any;

const at = (input: (world: World) => Input): Happening => ({ afterMs: 0, input });

const message = (contract: Contract<Any>, body: unknown, idempotencyKey: string): Received => ({
  body,
  envelope: {
    id: `message-${contract.name}`,
    contract: contract.name,
    source: '/test',
    time: new Date(0),
    subject: SAGA,
    correlationId: SAGA,
    causationId: 'message-cause',
    idempotencyKey,
    traceparent: '',
    requestHash: '',
  },
});

/** The command that begins the saga. */
export const begins = <Body>(contract: Contract<Body>, body: Body): Happening =>
  at(() => ({ kind: 'message', message: message(contract, body, SAGA) }));

/** An answer: an event, a failure, or the event of a compensation. What it does not say is left out. */
export const answers = <Body>(contract: Contract<Body>, body: Partial<Body> = {}, item = 0): Happening =>
  at(({ definition }) => {
    const role = definition.roles.get(contract.name);
    const step = role ? definition.steps[role.step]?.name : 'none';
    return { kind: 'message', message: message(contract, body, `${SAGA}/${step}/${item}/${contract.name}`) };
  });

/** An event from outside of the saga's steps. */
export const hears = <Body>(contract: Contract<Body>, body: Partial<Body> = {}): Happening =>
  at(() => ({ kind: 'message', message: message(contract, body, `outside/${contract.name}`) }));

/** Time passes, and the saga is woken. */
export const passes = (ms: number): Happening => ({ afterMs: ms, input: () => ({ kind: 'wake' }) });

export const orders = (verb: Verb, paso: string, item?: number): Happening =>
  at(() => ({
    kind: 'verb',
    verb,
    paso,
    ...(item !== undefined && { item }),
    quien: 'ana',
    motivo: 'a reason',
  }));

export const deletes = (alcance: Target | null = null): Happening =>
  at(() => ({ kind: 'deshacer', alcance, quien: 'ana', motivo: 'ya no se quiere' }));

const named = ({ contract, entry }: Send): string => sendName(contract, entry.item);
const sendName = ({ name }: Contract<Any>, item: number | undefined): string =>
  item === undefined ? name : `${name} ${item}`;

/** A command, a compensation or an announcement. Where a body is given, these fields of it must be so. */
export const sends = <Body>(contract: Contract<Body>, body: Partial<Body> = {}, item?: number): Expected => ({
  says: sendName(contract, item),
  sends: sendName(contract, item),
  holds(_, decided) {
    const sent = (decided as Decision).sends.find((send) => named(send) === sendName(contract, item));
    assert.equal({ ...(sent?.body as object), ...body }, sent?.body);
  },
});

export const becomes = (status: Status): Expected => ({
  says: status,
  holds({ instance }) {
    assert.is(instance?.status, status);
  },
});

export const isRefused = (reason: Refusal['refused']): Expected => ({
  says: reason,
  holds(_, decided) {
    assert.is(isRefusal(decided) ? decided.refused : undefined, reason);
  },
});

/** It neither sends nor logs anything. */
export const nothing: Expected = {
  says: 'nothing',
  holds(_, decided) {
    if (decided && !isRefusal(decided)) assert.equal(decided.entries, []);
    else assert.is(decided, undefined);
  },
};

const step = ({ definition, instance, now }: World, happening: Happening) => {
  const later = now + happening.afterMs;
  const decided = decide(definition, instance, happening.input({ definition, instance, now: later }), later);
  const next = decided && !isRefusal(decided) ? decided.instance : instance;
  return { decided, world: { definition, instance: next, now: later } };
};

/**
 * Replays a saga without bus or database: what has happened to it, what happens now, and all that it then sends, in
 * order. Steps of the coordinator's own service are answered like any other.
 */
export const given = (definition: Definition, ...log: readonly Happening[]) => {
  const world = log.reduce<World>((before, happening) => step(before, happening).world, {
    definition,
    instance: undefined,
    now: Date.UTC(2030, 0, 1),
  });
  return {
    /** The saga as the log left it. */
    saga: world.instance,
    when(happening: Happening) {
      const { decided, world: after } = step(world, happening);
      return {
        // biome-ignore lint/suspicious/noThenProperty: it reads given, when, then; nobody awaits it
        then(...expected: readonly Expected[]): void {
          const sent = decided && !isRefusal(decided) ? decided.sends.map(named) : [];
          assert.equal(
            sent,
            expected.flatMap(({ sends }) => sends ?? []),
          );
          for (const one of expected) one.holds(after, decided);
        },
      };
    },
  };
};
