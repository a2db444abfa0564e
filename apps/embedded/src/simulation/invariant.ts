import type { Entry, Instance } from '@cordada/sagas/engine/instance.ts';
import type { Observation } from './observation.ts';

/** A promise that no run may break. */
export interface Invariant {
  readonly sentence: string;
  /** What breaks it, a line each, with the saga it is about where there is one. */
  broken(seen: Observation): readonly Breach[];
}

export interface Breach {
  readonly saga?: string;
  readonly what: string;
}

export const entriesOf = (seen: Observation, saga: string): readonly Entry[] =>
  (seen.log.get(saga) ?? []).flatMap(({ entries }) => entries);

/** An operator gave up, or vouched for, some of what the saga did: its outcome is theirs. */
export const wasOverruled = (seen: Observation, saga: Instance): boolean =>
  [saga.id, ...(saga.state.undos ?? []).map(({ id }) => id)].some((id) =>
    entriesOf(seen, id).some(({ que }) => que === 'omitir' || que === 'completar'),
  );
