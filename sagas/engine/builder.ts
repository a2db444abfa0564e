import { createHash } from 'node:crypto';
import type { Contract } from '@cordada/schemas';
import type {
  Announcement,
  Builder,
  Definition,
  Interrupt,
  Role,
  SagaOptions,
  Step,
  StepKind,
} from './definition.ts';

/** A definition that breaks a rule; the message says which, and where. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
}

const DEFAULT_TIMEOUT_MS = 60_000;
/** A step's name is a segment of its messages' keys, and of a path. */
const STEP_NAME = /^[a-z][a-z0-9-]*$/;

// biome-ignore lint/suspicious/noExplicitAny: `Builder` holds the types; here they are erased
type Any = any;

interface Draft {
  readonly options: SagaOptions<Any>;
  readonly steps: Step[];
  readonly interrupts: { event: Contract<Any>; before: string; codigo: string; motivo: string }[];
  completed: Announcement | undefined;
  compensated: Announcement | undefined;
  undo: ((builder: Any) => Any) | undefined;
  readonly undoes: undefined | 'custom';
  readonly original: readonly string[];
}

/**
 * Begins the definition of a saga. It ends with `.end()`.
 * @example saga({ tipo: 'campaign', version: 1, starts: contracts.IniciarCampaign, clave: … }).step(…).retriable(…).end()
 */
export const saga = <Input>(options: SagaOptions<Input>): Builder<Input, unknown, unknown, never> =>
  build(draft(options, undefined, [])) as Builder<Input, unknown, unknown, never>;

const draft = (options: SagaOptions<Any>, undoes: Draft['undoes'], original: readonly string[]): Draft => ({
  options,
  steps: [],
  interrupts: [],
  completed: undefined,
  compensated: undefined,
  undo: undefined,
  undoes,
  original,
});

const build = (d: Draft): Any => {
  const add = (kind: StepKind) => (name: string, spec: Any) => {
    d.steps.push(stepOf(kind, name, spec));
    return chain;
  };
  const once = (what: 'completed' | 'compensated' | 'undo', value: Any) => {
    if (d[what] !== undefined) refuse(d, `${what} is given twice`);
    d[what] = value;
    return chain;
  };
  const chain = {
    step: add('compensatable'),
    readOnly: add('readOnly'),
    pivot: add('pivot'),
    retriable: add('retriable'),
    announceCompleted: (event: Contract<Any>, body: Any) => once('completed', { event, body }),
    announceCompensated: (event: Contract<Any>, body: Any) => once('compensated', { event, body }),
    interruptedBy: (event: Contract<Any>, options: { before: string; codigo: string; motivo: string }) => {
      d.interrupts.push({ event, ...options });
      return chain;
    },
    undoneBy: (undo: Any) => once('undo', undo),
    end: () => finish(d),
  };
  return chain;
};

const stepOf = (kind: StepKind, name: string, spec: Any): Step => ({
  name,
  kind,
  local: spec.local ?? false,
  timeout: spec.timeout ?? DEFAULT_TIMEOUT_MS,
  items: spec.forEach,
  dependsOn: spec.forEachOf,
  command: spec.command,
  body: spec.body,
  subject: spec.subject,
  event: spec.event,
  facts: spec.facts,
  failure: spec.failure,
  detail: spec.detail,
  compensation: spec.compensation && {
    command: spec.compensation,
    body: spec.undo,
    event: spec.compensated,
  },
});

const refuse = (d: Draft, reason: string): never => {
  throw new DefinitionError(`saga ${d.options.tipo}: ${reason}`);
};

const finish = (d: Draft): Definition => {
  const { options, steps } = d;
  checkSteps(d);
  const roles = rolesOf(d);
  const interrupts = new Map<string, Interrupt>();
  for (const { event, before, codigo, motivo } of d.interrupts) {
    const place = steps.findIndex((step) => step.name === before);
    if (place < 0) refuse(d, `${event.name} interrupts before ${before}, which is no step of it`);
    if (roles.has(event.name) || interrupts.has(event.name)) refuse(d, `${event.name} is used twice`);
    interrupts.set(event.name, { event, before: place, codigo, motivo });
  }
  const definition = {
    ...options,
    start: options.starts,
    steps,
    roles,
    interrupts,
    completed: d.completed,
    compensated: d.compensated,
    undoes: d.undoes,
    original: d.original,
    undo: undefined,
    hash: '',
  };
  const hash = hashOf(definition);
  if (d.undoes) return { ...definition, hash };
  const undo = d.undo ? customUndo(d, d.undo) : derivedUndo({ ...definition, hash });
  return { ...definition, hash: digest([hash, undo.hash]), undo };
};

const checkSteps = (d: Draft): void => {
  const { steps, options } = d;
  if (steps.length === 0) refuse(d, 'it has no step');
  if (!Number.isInteger(options.version) || options.version < 1)
    refuse(d, 'its version is not a positive whole number');
  if (!STEP_NAME.test(options.tipo)) refuse(d, 'its tipo must be lower case letters, digits and dashes');
  const names = new Set<string>();
  const used = new Set<string>([options.starts.name]);
  const use = (step: Step, contract: Contract<Any>) => {
    if (used.has(contract.name)) refuse(d, `step ${step.name}: ${contract.name} is used twice`);
    used.add(contract.name);
  };
  let boundary: Step | undefined;
  for (const step of steps) {
    const fail = (reason: string) => refuse(d, `step ${step.name}: ${reason}`);
    if (!STEP_NAME.test(step.name)) fail('its name must be lower case letters, digits and dashes');
    if (names.has(step.name)) fail('there is another of that name');
    if (boundary && step.kind !== 'retriable')
      fail(
        `a ${step.kind} step cannot follow ${boundary.name}: past a ${boundary.kind} step only retriable ones can`,
      );
    if (step.items && step.dependsOn) fail('it has both forEach and forEachOf');
    if (step.dependsOn && !names.has(step.dependsOn))
      fail(`forEachOf names ${step.dependsOn}, which is no earlier step`);
    const followed = steps.find(({ name }) => name === step.dependsOn);
    if (followed && !followed.items && !followed.dependsOn)
      fail(`forEachOf names ${followed.name}, which has no items`);
    if (step.kind === 'pivot' && (step.items || step.dependsOn))
      fail('a pivot decides once: it cannot have forEach');
    if (!(step.timeout > 0)) fail('its timeout is not a positive number of milliseconds');
    use(step, step.command);
    use(step, step.event);
    if (step.kind === 'retriable') {
      if (step.failure) fail('a retriable step cannot fail');
      if (step.facts) fail('a retriable step has no facts: an operator may mark it done');
    } else if (step.failure) use(step, step.failure);
    else fail('it names no failure');
    const { compensation } = step;
    if (compensation) {
      if (step.kind === 'readOnly' || step.kind === 'retriable')
        fail(`a ${step.kind} step has no compensation`);
      if (!compensation.body || !compensation.event) fail('its compensation lacks undo or compensated');
      use(step, compensation.command);
      use(step, compensation.event);
    } else if (step.kind === 'compensatable') fail('its compensation is missing');
    names.add(step.name);
    if (step.kind === 'pivot' || step.kind === 'retriable') boundary = step;
  }
};

const rolesOf = ({ steps }: Draft): Map<string, Role> => {
  const roles = new Map<string, Role>();
  steps.forEach(({ event, failure, compensation }, step) => {
    roles.set(event.name, { step, role: 'event' });
    if (failure) roles.set(failure.name, { step, role: 'failure' });
    if (compensation) roles.set(compensation.event.name, { step, role: 'compensated' });
  });
  return roles;
};

const customUndo = (d: Draft, write: (builder: Any) => Any): Definition => {
  const undo = draft(d.options, 'custom', namesOf(d.steps));
  write(build(undo));
  if (undo.undo) refuse(d, 'an undo cannot be undone');
  if (undo.steps.some(({ name }) => d.steps.some((step) => step.name === name)))
    refuse(d, 'a step of its undo bears the name of a step that is undone: ids would be ambiguous');
  return finish(undo);
};

/** The compensations of a saga, in reverse, as steps that cannot be refused. */
const derivedUndo = (definition: Definition): Definition => {
  const steps = [...definition.steps].reverse().flatMap((step): Step[] =>
    step.compensation
      ? [
          {
            ...step,
            kind: 'retriable',
            command: step.compensation.command,
            body: step.compensation.body,
            event: step.compensation.event,
            facts: undefined,
            failure: undefined,
            detail: undefined,
            compensation: undefined,
          },
        ]
      : [],
  );
  const roles = new Map(
    steps.map(({ event }, step) => [event.name, { step, role: 'event' as const }] as const),
  );
  return {
    ...definition,
    steps,
    roles,
    interrupts: new Map(),
    completed: undefined,
    compensated: undefined,
    undoes: 'derived',
    original: namesOf(definition.steps),
    undo: undefined,
    hash: digest([definition.hash, 'undo']),
  };
};

const namesOf = (steps: readonly Step[]): string[] => steps.map(({ name }) => name);

const digest = (content: unknown): string =>
  createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16);

/**
 * What an instance relies on: the order, names and kinds of the steps, and what each of their messages means. Contracts
 * count by topic, name and major version, and not by fingerprint: a compatible revision must find its live sagas.
 */
const hashOf = (d: Omit<Definition, 'hash'>): string => {
  const topic = (contract: Contract<Any> | undefined) => contract?.topic ?? null;
  return digest([
    d.tipo,
    d.version,
    d.undoes ?? null,
    topic(d.start),
    d.steps.map((s) => [
      s.name,
      s.kind,
      s.local,
      s.timeout,
      s.items !== undefined,
      s.dependsOn ?? null,
      [s.command, s.event, s.failure, s.compensation?.command, s.compensation?.event].map(topic),
    ]),
    [...d.interrupts.values()].map((i) => [topic(i.event), i.before]),
    topic(d.completed?.event),
    topic(d.compensated?.event),
  ]);
};
