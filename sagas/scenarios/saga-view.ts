import type { Expected, Stage, Times } from './scenario.ts';

/** What `GET /api/sagas/:tipo/:id` answers, as far as a scenario looks at it. */
export interface SagaView {
  readonly id: string;
  readonly estado: string;
  readonly pasos: readonly { readonly nombre: string; readonly estado: string }[];
  readonly restantes: readonly unknown[];
  /** Oldest first, all of them. */
  readonly mensajes: readonly { readonly contrato: string }[];
}

/** What one event of `GET /stream` says: a transition of one saga. */
export interface SagaMoved {
  readonly saga: string;
  readonly tipo: string;
  readonly estado: string;
  /** The transition's place among those of its saga. */
  readonly n: number;
  readonly entradas: readonly Entry[];
}

/** One line of a saga's log. */
export interface Entry {
  readonly paso: string;
  readonly item?: number;
  readonly estado: string;
  readonly comando?: string;
  readonly evento?: string;
  readonly compensacion?: string;
  readonly motivo?: string;
  readonly fecha: string;
}

/** Something that was looked at, and whether it is as it must be. */
export interface Check {
  readonly says: string;
  readonly holds: boolean;
  /** What was seen instead, where it does not hold. */
  readonly saw?: string;
}

export const check = (says: string, holds: boolean, saw?: () => string): Check =>
  holds || saw === undefined ? { says, holds } : { says, holds, saw: saw() };

const ended = new Set(['COMPLETED', 'COMPENSATED']);

/** Whether nothing more will happen by itself: it is over, or it waits for an operator. */
export const isAtRest = (estado: string): boolean => ended.has(estado) || estado === 'PARKED';

export const within = (times: Times, count: number): boolean =>
  typeof times === 'number' ? count === times : count >= times[0] && count <= times[1];

export const inWords = (times: Times): string =>
  typeof times === 'number' ? String(times) : `${times[0]} to ${times[1]}`;

/**
 * Compares the contracts of a saga's messages, in the order they were logged, with what a scenario expects: how many
 * of each, none besides, and every stage after the one before it. A contract that a race may leave out or delay
 * (its times are a range, in a step) only has to begin before the next stage does; compensations are strict.
 */
export const checkMessages = (
  expected: Pick<Expected, 'steps' | 'compensations'> & { readonly starts?: string },
  contracts: readonly string[],
): Check[] => {
  const stages = [
    ...expected.steps.map((stage) => ({ stage, strict: false })),
    ...expected.compensations.map((stage) => ({ stage, strict: true })),
  ];
  const known = new Set([
    expected.starts ?? 'IniciarCampaign',
    ...stages.flatMap(({ stage }) => Object.keys(stage)),
  ]);
  const strangers = contracts.filter((contract) => !known.has(contract));
  return [
    ...stages.map(({ stage }) => checkCounts(stage, contracts)),
    check('no other message was sent or received', strangers.length === 0, () => strangers.join(', ')),
    ...stages.slice(1).map(({ stage }, index) => {
      const before = stages[index] as (typeof stages)[number];
      const first = firstOf(stage, contracts);
      const late = Object.entries(before.stage).filter(([contract, times]) => {
        const place = before.strict || typeof times === 'number' ? 'lastIndexOf' : 'indexOf';
        return first >= 0 && contracts[place](contract) > first;
      });
      return check(
        `${names(stage)} came after ${names(before.stage)}`,
        late.length === 0,
        () => `${late.map(([contract]) => contract).join(', ')} still came after ${contracts[first]}`,
      );
    }),
  ];
};

const names = (stage: Stage): string => Object.keys(stage)[0] ?? '';

const firstOf = (stage: Stage, contracts: readonly string[]): number =>
  contracts.findIndex((contract) => Object.hasOwn(stage, contract));

const checkCounts = (stage: Stage, contracts: readonly string[]): Check => {
  const counted = Object.entries(stage).map(([contract, times]) => ({
    contract,
    times,
    count: contracts.filter((one) => one === contract).length,
  }));
  return check(
    counted.map(({ contract, times }) => `${inWords(times)} ${contract}`).join(', '),
    counted.every(({ times, count }) => within(times, count)),
    () => counted.map(({ contract, count }) => `${count} ${contract}`).join(', '),
  );
};

/**
 * Whether a stream that was watched from before a saga's beginning showed all of it: every transition once, in order,
 * the last of them the end.
 */
export const checkStream = (moves: readonly SagaMoved[], end: string): Check => {
  const inOrder = moves.every(
    (move, index) => index === 0 || move.n === (moves[index - 1] as SagaMoved).n + 1,
  );
  return check(
    `GET /stream showed every transition in order, to ${end}`,
    inOrder && moves.at(-1)?.estado === end,
    () =>
      `${moves.length} transitions: ${moves.map((move) => `${move.n} ${move.estado}`).join(', ') || 'none'}`,
  );
};

/** A saga's log entry in one line: the step, what happened to it, and why. */
export const entryLine = (entry: Entry): string => {
  const step = entry.item === undefined ? entry.paso : `${entry.paso}[${entry.item}]`;
  const message = entry.evento ?? entry.compensacion ?? entry.comando ?? '';
  const words = [step.padEnd(22), entry.estado.padEnd(14), message, entry.motivo ? `(${entry.motivo})` : ''];
  return words
    .filter((word) => word !== '')
    .join(' ')
    .trimEnd();
};
