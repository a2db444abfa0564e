import type { Failure, Json } from './definition.ts';
import type { Instance, Target } from './instance.ts';
import type { Definitions, Touched } from './session.ts';
import { inputOf } from './turn.ts';

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

/** What projections are told of a saga that a transaction has changed; nothing where only its inside has. */
export const changeOf = (definitions: Definitions, { before, after }: Touched): SagaChange[] => {
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
