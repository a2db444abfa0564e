import type { Received } from '@cordada/infra/messaging/message.ts';
import { isUuid } from '@cordada/infra/uuid-text.ts';
import type { Contract } from '@cordada/schemas';
import type { Failure, Json } from './definition.ts';

/** Ids of sagas are compared as text, and the database's text form is lower case. */
export const isSagaId = (text: string): boolean => isUuid(text) && text === text.toLowerCase();

export type Status = 'RUNNING' | 'COMPENSATING' | 'COMPLETED' | 'COMPENSATED' | 'PARKED';

export const isEnded = (status: Status): boolean => status === 'COMPLETED' || status === 'COMPENSATED';

/**
 * What is known of one item of one step, one character each, so that 500 items take 500 bytes:
 * not begun, command sent, event came, refused, compensation sent, compensated, given up by an operator, and not
 * concerned (an undo saga, and what there is nothing to undo of).
 */
export const MARK = {
  pending: '.',
  sent: 's',
  done: 'd',
  refused: 'r',
  undoing: 'c',
  undone: 'x',
  skipped: 'k',
  exempt: '-',
} as const;

/** One item of one step; what depends on it goes with it. */
export interface Target {
  readonly paso: string;
  readonly item: number;
}

/** An undo saga of a COMPLETED one, as that one remembers it. */
export interface Undo {
  readonly id: string;
  /** null: the whole saga. */
  readonly alcance: Target | null;
  /** Absent while it is under way or waits for its turn. */
  readonly fin?: 'COMPLETED' | 'COMPENSATED';
}

/** What changes while a saga runs; kept as one json. */
export interface State {
  /** The step that is under way, or that is being compensated. */
  readonly step: number;
  readonly back: boolean;
  /** `MARK`s by step, for the steps that were begun. */
  readonly items: readonly string[];
  /** How often the outstanding messages were sent. */
  readonly tries: number;
  /** When they are sent again or given up, epoch milliseconds; null when nothing is outstanding. */
  readonly due: number | null;
  /** When the current step began, epoch milliseconds. */
  readonly since: number;
  readonly facts: Readonly<Record<string, Json>>;
  readonly failure?: Failure;
  readonly undos?: readonly Undo[];
  /** An undo saga that follows a narrower one which is under way. */
  readonly waits?: true;
}

/** What never changes once a saga is begun. */
export interface Origin {
  /** The payload that began it, as it was read; an undo saga has that of the saga which it undoes. */
  readonly input: Uint8Array;
  /** The schema that wrote `input`. */
  readonly fingerprint: string;
  readonly claves: readonly string[];
  /** The saga that this one undoes. */
  readonly deshace: string | null;
  /** What of it; null: all. */
  readonly alcance: Target | null;
  /** Why, and who asked, where somebody did. */
  readonly motivo: string | null;
  readonly requestHash: string;
  /** The message that began it; an undo saga's own id. */
  readonly messageId: string;
  readonly traceparent: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

export interface Instance {
  readonly id: string;
  readonly tipo: string;
  /** The hash of the definition that it is pinned to. */
  readonly definition: string;
  readonly origin: Origin;
  /** How many rows its log has. */
  readonly version: number;
  readonly status: Status;
  /** When it is looked at again, epoch milliseconds; null exactly when it has ended. Never later than `state.due`. */
  readonly wakeAt: number | null;
  readonly state: State;
  readonly updatedAt: number;
}

/** The wake time of a saga that only an operator or a late reply sets going: alive, and never due. */
export const NEVER = Date.UTC(9999, 11, 31);

export type Verb = 'reintentar' | 'omitir' | 'completar';

/** Somebody who asked for something, and why. */
export interface Asked {
  readonly quien: string;
  readonly motivo: string;
  /** That of the request by which it was asked. */
  readonly traceparent?: string;
}

export type Input =
  /** A message of the bus, or the answer of the coordinator's own service. */
  | { readonly kind: 'message'; readonly message: Received }
  /** Time has passed. `original` is the saga that this one undoes. */
  | { readonly kind: 'wake'; readonly original?: Instance }
  /** An operator's word on a parked step; on one item of it, or on all that are outstanding. */
  | ({ readonly kind: 'verb'; readonly verb: Verb; readonly paso: string; readonly item?: number } & Asked)
  /** A DELETE: of the whole saga (null), or of one item of a step. */
  | ({ readonly kind: 'deshacer'; readonly alcance: Target | null } & Asked)
  /** Begins the undo saga that `original` has just taken in. */
  | ({
      readonly kind: 'undo';
      readonly original: Instance;
      readonly undo: Undo;
      readonly waits: boolean;
    } & Asked)
  /** The undo saga `undo` of this one has ended. */
  | { readonly kind: 'undone'; readonly undo: Instance };

/** One thing that happened to a saga; what its timeline shows. */
export interface Entry {
  readonly que:
    | 'iniciada'
    | 'comando'
    | 'evento'
    | 'fallo'
    | 'compensacion'
    | 'compensado'
    | 'interrumpida'
    | 'anuncio'
    | 'vencido'
    | 'detenida'
    | Verb
    | 'deshacer'
    | 'deshecha'
    | 'terminada';
  readonly paso?: string;
  /** Absent where the step has no `forEach`. */
  readonly item?: number;
  readonly contrato?: string;
  /** The message's id and that of its cause. */
  readonly mensaje?: string;
  readonly causa?: string;
  readonly codigo?: string;
  readonly motivo?: string;
  readonly quien?: string;
  /** The undo saga that it is about. */
  readonly saga?: string;
}

/** A message that a decision wants sent. */
export interface Send {
  readonly kind: 'command' | 'compensation' | 'announcement';
  // biome-ignore lint/suspicious/noExplicitAny: the body was built for this contract by the definition
  readonly contract: Contract<any>;
  readonly body: unknown;
  readonly subject: string;
  readonly idempotencyKey: string;
  /** To be done by the coordinator's own service in this very transaction, instead of being published. */
  readonly local: boolean;
  /** Its line in the log, which gets the ids of the message and of its cause when it is sent. */
  readonly entry: Entry & { mensaje?: string; causa?: string };
}

/** A step that has just ended, for the metrics. */
export interface StepEnd {
  readonly paso: string;
  readonly fin: 'done' | 'failed' | 'compensated';
  /** Milliseconds from its first message to its last answer. */
  readonly took: number;
}

export interface Decision {
  readonly instance: Instance;
  readonly sends: readonly Send[];
  readonly entries: readonly Entry[];
  readonly steps: readonly StepEnd[];
  /** The undo saga that a `deshacer` was answered with; `begin` where it is a new one. */
  readonly undo?: { readonly id: string; readonly begin?: { readonly undo: Undo; readonly waits: boolean } };
  /** Undo sagas that may go on now. */
  readonly turns?: readonly string[];
}

/** A verb or a DELETE that cannot be taken as the saga stands; nothing has changed. */
export interface Refusal {
  readonly refused: 'PASO_DESCONOCIDO' | 'NO_DETENIDA' | 'NO_SE_PUEDE_DESHACER' | 'SAGA_EN_CURSO';
  readonly motivo: string;
}
