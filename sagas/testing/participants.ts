import type { Received } from '@cordada/infra/messaging/message.ts';
import { decide, isRefusal } from '../engine/decide.ts';
import type { Definition } from '../engine/definition.ts';
import { type Input, type Instance, isEnded, type Send, type StepEnd } from '../engine/instance.ts';

/** What has become of one item of one step at its participant. */
export interface Entity {
  readonly step: string;
  state: 'done' | 'undone' | 'refused' | 'tombstone';
  /** How often it took effect, and how often that was undone. */
  effects: number;
  undos: number;
}

/** One draw: a whole number from 0. */
export type Draw = () => number;

const TIMEOUT_MS = 60_000;

/**
 * A saga and participants that keep the pipeline's promises (one effect a key, a tombstone where the undo comes first),
 * on a network that loses, repeats, delays and reorders as `draw` decides, while operators and callers interfere. When
 * the draws are used up everything is delivered, and operators see to whatever is parked.
 */
export class Fleet {
  readonly #definition: Definition;
  readonly #draw: Draw;
  readonly entities = new Map<string, Entity>();
  /** Keys in the order in which their effects were undone. */
  readonly undone: string[] = [];
  readonly alerts: string[] = [];
  readonly ends: StepEnd[] = [];
  #requests: Send[] = [];
  #replies: { readonly contract: string; readonly key: string }[] = [];
  #now = 0;
  saga: Instance | undefined;

  constructor(definition: Definition, start: Received, draw: Draw) {
    this.#definition = definition;
    this.#draw = draw;
    this.#tell({ kind: 'message', message: start });
  }

  /** One thing that happens, whatever it is. */
  step(): void {
    const choice = this.#draw() % 16;
    if (choice < 6) this.#request(choice % 3 === 2);
    else if (choice < 12) this.#reply(choice % 3 === 2);
    else if (choice === 12) this.#requests.splice(this.#draw() % (this.#requests.length + 1), 1);
    else if (choice === 13) this.#replies.splice(this.#draw() % (this.#replies.length + 1), 1);
    else if (choice === 14) this.#wake();
    else if (this.#draw() % 4 === 0)
      this.#tell({ kind: 'deshacer', alcance: null, quien: 'ana', motivo: 'ya no' });
  }

  /** Until nothing more happens: all that was sent arrives, deadlines fire, and what is parked is retried. */
  finish(): void {
    for (let round = 0; round < 10_000 && this.saga && !isEnded(this.saga.status); round += 1) {
      if (this.#requests.length > 0) this.#request(false);
      else if (this.#replies.length > 0) this.#reply(false);
      else if (this.saga.status === 'PARKED') this.#retry(this.saga);
      else this.#wake();
    }
    while (this.#requests.length > 0) this.#request(false);
    while (this.#replies.length > 0) this.#reply(false);
  }

  #retry({ state }: Instance): void {
    const paso = this.#definition.steps[state.step]?.name ?? '';
    this.#tell({ kind: 'verb', verb: 'reintentar', paso, quien: 'ana', motivo: 'otra vez' });
  }

  #wake(): void {
    this.#now = Math.max(this.#now, this.saga?.state.due ?? this.#now + TIMEOUT_MS);
    this.#tell({ kind: 'wake' });
  }

  #tell(input: Input): void {
    const before = this.saga;
    const decided = decide(this.#definition, before, input, this.#now);
    if (!decided || isRefusal(decided)) return;
    this.saga = decided.instance;
    this.ends.push(...decided.steps);
    this.#requests.push(...decided.sends);
    if (decided.instance.status === 'PARKED' && before?.status !== 'PARKED')
      this.alerts.push(this.#definition.steps[decided.instance.state.step]?.name ?? '');
  }

  /** A message reaches its participant: any that is under way, since they are on topics of their own. */
  #request(twice: boolean): void {
    const place = this.#draw() % (this.#requests.length || 1);
    const send = this.#requests[place];
    if (!send) return;
    if (!twice) this.#requests.splice(place, 1);
    if (send.kind === 'announcement') return;
    const key = send.idempotencyKey;
    const step = this.#definition.steps.find(({ name }) => name === send.entry.paso);
    if (!step) throw new Error(`${send.contract.name} is of no step`);
    const known = this.entities.get(key);
    if (send.kind === 'compensation') {
      if (!known) this.entities.set(key, { step: step.name, state: 'tombstone', effects: 0, undos: 0 });
      else if (known.state === 'done') {
        known.state = 'undone';
        known.undos += 1;
        this.undone.push(key);
      }
      this.#replies.push({ contract: step.compensation?.event.name ?? '', key });
      return;
    }
    if (!known) {
      const refuses = step.failure !== undefined && this.#draw() % 5 === 0;
      this.entities.set(key, {
        step: step.name,
        state: refuses ? 'refused' : 'done',
        effects: refuses ? 0 : 1,
        undos: 0,
      });
    }
    const succeeded = (this.entities.get(key)?.effects ?? 0) > 0;
    this.#replies.push({ contract: (succeeded ? step.event : step.failure)?.name ?? '', key });
  }

  #reply(twice: boolean): void {
    const place = this.#draw() % (this.#replies.length || 1);
    const reply = this.#replies[place];
    if (!reply) return;
    if (!twice) this.#replies.splice(place, 1);
    const saga = this.saga?.id ?? '';
    this.#tell({
      kind: 'message',
      message: {
        body: { codigo: 'NO', motivo: 'no' },
        envelope: {
          id: 'reply',
          contract: reply.contract,
          source: '/test',
          time: new Date(this.#now),
          subject: saga,
          correlationId: saga,
          causationId: 'request',
          idempotencyKey: `${reply.key}/${reply.contract}`,
          traceparent: '',
          requestHash: '',
        },
      },
    });
  }
}
