import type { Received } from '@cordada/infra/messaging/message.ts';
import { uuidV5 } from '@cordada/infra/uuid-v5.ts';
import type { Definition, Json, Step } from './definition.ts';
import {
  type Asked,
  type Decision,
  type Entry,
  type Input,
  type Instance,
  isEnded,
  MARK,
  type Origin,
  type Refusal,
  type Target,
  type Undo,
} from './instance.ts';
import { isUnstoppable, knowInput, MAX_TRIES, Turn } from './turn.ts';

/** How soon an undo saga that waits for its turn looks again, should nobody have told it. */
const TURN_POLL_MS = 5_000;

/**
 * What happens to a saga when something reaches it. Pure: the same arguments give the same decision, and nothing else
 * is read. Total: whatever is late, repeated or out of place changes nothing, and an operator's word or a DELETE that
 * cannot be taken is refused.
 * @param instance undefined where there is none yet
 * @param now epoch milliseconds
 * @returns undefined when nothing changes
 * @throws what a builder of the definition throws
 */
export const decide = (
  definition: Definition,
  instance: Instance | undefined,
  input: Input,
  now: number,
): Decision | Refusal | undefined => {
  if (!instance) {
    if (input.kind === 'message') return start(definition, input.message, now);
    return input.kind === 'undo' ? startUndo(definition, input, now) : undefined;
  }
  const turn = new Turn(definition, instance.id, instance.origin, instance, now);
  switch (input.kind) {
    case 'message':
      return receive(turn, input.message);
    case 'wake':
      return wake(turn, input.original);
    case 'verb':
      return obey(turn, input);
    case 'deshacer':
      return undo(turn, input.alcance, input);
    case 'undone':
      return undone(turn, input.undo);
    case 'undo':
      return undefined;
    default:
      return input satisfies never;
  }
};

export const isRefusal = (decided: Decision | Refusal | undefined): decided is Refusal =>
  decided !== undefined && 'refused' in decided;

const start = (definition: Definition, message: Received, now: number): Decision | undefined => {
  const { envelope, fault } = message;
  if (envelope.contract !== definition.start.name) return undefined;
  const origin: Origin = {
    input: encodedInput(definition, message),
    fingerprint: definition.start.fingerprint,
    claves: fault ? [] : definition.clave(message.body),
    deshace: null,
    alcance: null,
    motivo: null,
    requestHash: envelope.requestHash,
    messageId: envelope.id,
    traceparent: envelope.traceparent,
    startedAt: now,
  };
  if (!fault) knowInput(origin, message.body);
  const turn = new Turn(definition, envelope.correlationId, origin, undefined, now);
  turn.cause = envelope;
  turn.log(received('iniciada', message));
  if (fault) {
    // It has no input to build a message from: it ends as it began, and whoever waits for it hears why.
    const motivo =
      fault.kind === 'undecodable'
        ? `el mensaje no se puede leer: ${fault.cause}`
        : 'lo pedido no se pudo iniciar'; // what threw is logged: it may be the database's own words
    turn.failure = { paso: definition.steps[0]?.name ?? '', codigo: 'ERROR_INTERNO', motivo };
    turn.status = 'COMPENSATED';
    turn.log({ que: 'terminada', motivo });
  } else turn.forward();
  return turn.decision();
};

/** What a saga is begun with, for its projections too; no bytes where nobody can read it. */
const encodedInput = ({ start }: Definition, { body, fault }: Received): Uint8Array => {
  if (!fault) return start.encode(body);
  if (body === undefined) return new Uint8Array();
  try {
    return start.encode(body);
  } catch {
    return new Uint8Array(); // this may be what failed, and was logged, before
  }
};

const receive = (turn: Turn, message: Received): Decision | undefined => {
  const { envelope, body } = message;
  const { definition } = turn;
  turn.cause = envelope;
  const interrupt = definition.interrupts.get(envelope.contract);
  if (interrupt) {
    if (turn.status !== 'RUNNING' || turn.back || turn.step >= interrupt.before) return undefined;
    const { codigo, motivo } = interrupt;
    turn.log({ codigo, motivo, ...received('interrumpida', message) });
    turn.fail({ paso: (turn.current as Step).name, codigo, motivo });
    return turn.decision();
  }
  const role = definition.roles.get(envelope.contract);
  if (!role || role.step !== turn.step || isEnded(turn.status) || turn.waits) return undefined;
  const step = turn.current as Step;
  const item = itemOf(turn, step, message);
  if (item === undefined) return undefined;
  const mark = turn.items[turn.step]?.[item];
  const at = turn.at(step, item);
  if (mark !== (role.role === 'compensated' ? MARK.undoing : MARK.sent)) return undefined;
  switch (role.role) {
    case 'event': {
      if (turn.back) return undefined;
      turn.mark(turn.step, item, MARK.done);
      turn.log(received('evento', message, at));
      if (step.facts) keepFacts(turn, step, item, step.facts(body));
      turn.proceed();
      break;
    }
    case 'failure': {
      if (turn.back) return undefined;
      turn.mark(turn.step, item, MARK.refused);
      const { codigo, motivo } = reasonOf(body);
      turn.log({ codigo, motivo, ...received('fallo', message, at) });
      turn.fail({ ...at, codigo, motivo, ...(step.detail && { detalle: step.detail(body) }) });
      break;
    }
    case 'compensated': {
      turn.mark(turn.step, item, MARK.undone);
      turn.log(received('compensado', message, at));
      turn.proceed();
      break;
    }
    default:
      role.role satisfies never;
  }
  return turn.decision();
};

/** The log's line of a message that came. */
const received = (que: Entry['que'], { envelope }: Received, at: Partial<Target> = {}): Entry => ({
  que,
  contrato: envelope.contract,
  mensaje: envelope.id,
  causa: envelope.causationId,
  ...at,
});

/** The item that a reply is about, by its key; undefined when it answers nothing that this saga has sent. */
const itemOf = (turn: Turn, step: Step, { envelope }: Received): number | undefined => {
  const { idempotencyKey, contract } = envelope;
  const end = idempotencyKey.lastIndexOf('/');
  const item = Number(idempotencyKey.slice(idempotencyKey.lastIndexOf('/', end - 1) + 1, end));
  return Number.isInteger(item) && idempotencyKey === `${turn.key(step, item)}/${contract}`
    ? item
    : undefined;
};

const reasonOf = (body: unknown): { codigo: string; motivo: string } => {
  const { codigo, motivo } = (body ?? {}) as { codigo?: unknown; motivo?: unknown };
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return { codigo: text(codigo), motivo: text(motivo) };
};

const keepFacts = (turn: Turn, step: Step, item: number, fact: Json): void => {
  if (!step.items && !step.dependsOn) {
    turn.facts = { ...turn.facts, [step.name]: fact };
    return;
  }
  const known = turn.facts[step.name];
  const facts = Array.isArray(known) ? [...known] : new Array(turn.items[turn.step]?.length ?? 0).fill(null);
  facts[item] = fact;
  turn.facts = { ...turn.facts, [step.name]: facts };
};

const wake = (turn: Turn, original: Instance | undefined): Decision | undefined => {
  if (isEnded(turn.status) || turn.status === 'PARKED') return undefined;
  turn.fired = true;
  if (turn.waits) {
    if (!original) return undefined;
    if (waitsFor(turn, original)) turn.due = turn.now + TURN_POLL_MS;
    else takeTurn(turn, original);
    return turn.decision();
  }
  const step = turn.current as Step;
  if (turn.due !== null && turn.due <= turn.now) {
    const persistent = turn.back || isUnstoppable(step);
    const spent = turn.tries >= (persistent ? MAX_TRIES : 2);
    turn.log({ que: 'vencido', paso: step.name, motivo: `sin respuesta tras ${turn.tries} envíos` });
    if (!spent) turn.again();
    else if (persistent) turn.park(`sin respuesta tras ${turn.tries} envíos`);
    else
      turn.fail({
        paso: step.name,
        codigo: 'TIEMPO_AGOTADO',
        motivo: `${step.command.name} quedó sin respuesta`,
      });
  }
  return turn.decision();
};

const obey = (turn: Turn, input: Extract<Input, { kind: 'verb' }>): Decision | Refusal => {
  const { verb, paso, item, quien, motivo } = input;
  if (!turn.definition.steps.some(({ name }) => name === paso))
    return { refused: 'PASO_DESCONOCIDO', motivo: `${paso} no es un paso de esta saga` };
  const outstanding = turn.outstanding.filter((index) => item === undefined || index === item);
  if (turn.status !== 'PARKED' || turn.current?.name !== paso || outstanding.length === 0)
    return { refused: 'NO_DETENIDA', motivo: `nada de ${paso} está detenido` };
  turn.log({ que: verb, paso, ...(item !== undefined && { item }), quien, motivo });
  switch (verb) {
    case 'reintentar':
      turn.status = turn.back ? 'COMPENSATING' : 'RUNNING';
      turn.tries = 1;
      turn.due = turn.now + turn.current.timeout;
      turn.send(outstanding);
      break;
    case 'omitir':
    case 'completar': {
      const done = turn.back ? MARK.undone : MARK.done;
      for (const index of outstanding) turn.mark(turn.step, index, verb === 'omitir' ? MARK.skipped : done);
      turn.proceed();
      break;
    }
    default:
      verb satisfies never;
  }
  return turn.decision();
};

/** systems.md §1: before the boundary a DELETE compensates, after COMPLETED it is a saga of its own, else it is refused. */
const undo = (turn: Turn, alcance: Target | null, asked: Asked): Decision | Refusal => {
  const { definition } = turn;
  const no = (refused: Refusal['refused'], motivo: string): Refusal => ({ refused, motivo });
  if (definition.undoes) return no('NO_SE_PUEDE_DESHACER', 'lo que deshace una saga no se puede deshacer');
  if (turn.status === 'COMPLETED') return undoCompleted(turn, alcance, asked);
  if (alcance) return no('SAGA_EN_CURSO', 'la saga no ha terminado con éxito');
  if (turn.back) {
    if (turn.status !== 'COMPENSATED' || turn.failure?.codigo === DESHECHA) return turn.decision();
    return no('NO_SE_PUEDE_DESHACER', 'la saga ya fue compensada');
  }
  if (turn.status === 'COMPENSATED') return no('NO_SE_PUEDE_DESHACER', 'la saga no llegó a hacer nada');
  if (isUnstoppable(turn.current as Step))
    return no('SAGA_EN_CURSO', 'la saga pasó el punto del que no se vuelve y aún no ha terminado');
  turn.log({ que: 'deshacer', quien: asked.quien, motivo: asked.motivo });
  turn.fail({ paso: (turn.current as Step).name, codigo: DESHECHA, motivo: asked.motivo });
  return turn.decision();
};

/** The code of a saga that somebody asked to undo. */
const DESHECHA = 'DESHECHA';

const undoCompleted = (turn: Turn, alcance: Target | null, asked: Asked): Decision | Refusal => {
  const { definition } = turn;
  const whole: Refusal = { refused: 'NO_SE_PUEDE_DESHACER', motivo: 'esta saga solo se deshace entera' };
  if (!definition.undo || (alcance && definition.undo.undoes === 'custom')) return whole;
  const place = definition.steps.findIndex(({ name }) => name === alcance?.paso);
  if (alcance) {
    const step = definition.steps[place];
    if (!step?.compensation || turn.items[place]?.[alcance.item] === undefined)
      return { refused: 'PASO_DESCONOCIDO', motivo: `${alcance.paso} ${alcance.item} no es de esta saga` };
    if (!step.items && !step.dependsOn) return whole;
  }
  const standing = turn.undos.filter(({ fin }) => fin !== 'COMPENSATED');
  const covering = standing.find((known) => covers(definition, known.alcance, alcance));
  if (covering) return { ...turn.decision(), undo: { id: covering.id } };
  const added: Undo = { id: uuidV5(`deshacer/${turn.undos.length}`, turn.id), alcance };
  turn.undos = [...turn.undos, added];
  turn.log({ que: 'deshacer', saga: added.id, quien: asked.quien, motivo: asked.motivo, ...alcance });
  const waits = standing.some((known) => !known.fin && covers(definition, alcance, known.alcance));
  return { ...turn.decision(), undo: { id: added.id, begin: { undo: added, waits } } };
};

/** Whether undoing `wide` undoes `narrow` too: it is all, or the same item of a step that `narrow`'s depends on. */
const covers = (definition: Definition, wide: Target | null, narrow: Target | null): boolean => {
  if (!wide) return true;
  if (!narrow || wide.item !== narrow.item) return false;
  let step: string | undefined = narrow.paso;
  while (step !== undefined && step !== wide.paso)
    step = definition.steps.find(({ name }) => name === step)?.dependsOn;
  return step !== undefined;
};

const startUndo = (
  definition: Definition,
  input: Extract<Input, { kind: 'undo' }>,
  now: number,
): Decision => {
  const { original, undo: asked, waits } = input;
  const origin: Origin = {
    ...original.origin,
    deshace: original.id,
    alcance: asked.alcance,
    motivo: input.motivo,
    requestHash: '',
    messageId: asked.id,
    // Of the request that asked for it: the original's trace ended with the original.
    traceparent: input.traceparent ?? original.origin.traceparent,
    startedAt: now,
  };
  const turn = new Turn(definition, asked.id, origin, undefined, now);
  turn.facts = original.state.facts;
  turn.log({ que: 'deshacer', saga: original.id, quien: input.quien, motivo: input.motivo });
  if (waits) {
    turn.waits = true;
    turn.due = now + TURN_POLL_MS;
  } else takeTurn(turn, original);
  return turn.decision();
};

/** Whether a narrower undo saga that came before this one has not ended. */
const waitsFor = (turn: Turn, original: Instance): boolean => {
  const undos = original.state.undos ?? [];
  const before = undos.slice(
    0,
    Math.max(
      0,
      undos.findIndex(({ id }) => id === turn.id),
    ),
  );
  return before.some(({ fin, alcance }) => !fin && covers(turn.definition, turn.origin.alcance, alcance));
};

/** Begins to undo what of the original is within reach and not undone yet. */
const takeTurn = (turn: Turn, original: Instance): void => {
  turn.waits = false;
  const { definition, origin } = turn;
  if (definition.undoes === 'derived') {
    // The derived undo has the original's compensatable steps, the last one first; readOnly and retriable ones lack.
    definition.steps.forEach((step, place) => {
      const marks = original.state.items[definition.original.indexOf(step.name)] ?? '';
      turn.items[place] = [...marks]
        .map((mark, item) =>
          mark === MARK.done && covers(definition, origin.alcance, { paso: step.name, item })
            ? MARK.pending
            : MARK.exempt,
        )
        .join('');
    });
  }
  turn.forward();
};

const undone = (turn: Turn, undoSaga: Instance): Decision | undefined => {
  const { id, status, state } = undoSaga;
  const known = turn.undos.find((one) => one.id === id);
  if (!known || known.fin || (status !== 'COMPLETED' && status !== 'COMPENSATED')) return undefined;
  turn.undos = turn.undos.map((one) => (one === known ? { ...one, fin: status } : one));
  const { definition } = turn;
  if (status === 'COMPLETED')
    definition.steps.forEach((step, place) => {
      const within = definition.undo?.steps.findIndex(({ name }) => name === step.name) ?? -1;
      const marks = turn.items[place] ?? '';
      turn.items[place] = [...marks]
        .map((mark, item) => {
          const isUndone = definition.undo?.undoes === 'custom' || state.items[within]?.[item] === MARK.done;
          return mark === MARK.done && isUndone && step.compensation ? MARK.undone : mark;
        })
        .join('');
    });
  turn.log({ que: 'deshecha', saga: id, motivo: status });
  const turns = turn.undos.filter(({ fin }) => !fin).map((one) => one.id);
  return { ...turn.decision(), turns };
};
