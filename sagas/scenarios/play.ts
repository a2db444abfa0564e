import { type Answer, type BffClient, BffUnreachable } from './bff-client.ts';
import { StreamRefused } from './event-stream.ts';
import { type Check, isAtRest, type SagaMoved, type SagaView } from './saga-view.ts';
import type { Rule } from './scenario.ts';

/** What happens while a scenario runs, for whoever shows it. */
export interface Narrator {
  rule(text: string): void;
  /** @param request as a person would say it, `POST /api/compras` */
  requested(request: string, saga: string): void;
  moved(move: SagaMoved): void;
  ended(estado: string): void;
  checked(one: Check): void;
}

export interface ScenarioOptions {
  readonly bff: BffClient;
  readonly narrator: Narrator;
  /** A new UUID. */
  uuid(): string;
  /** Milliseconds, of any origin. */
  now(): number;
  /** Waits so many milliseconds, or until `signal` aborts. */
  pause(ms: number, signal?: AbortSignal): Promise<void>;
  /** How long the saga may take, in milliseconds. */
  readonly limitMs: number;
  /** Where the Redis is that consultas caches in, if it does. */
  readonly redis?: string;
  /** Gives up on abort; the rules are lifted all the same. */
  readonly signal: AbortSignal;
}

export interface ScenarioOutcome {
  readonly scenario: string;
  /** Empty where the request was not taken. */
  readonly saga: string;
  readonly estado: string;
  readonly holds: boolean;
  readonly checks: readonly Check[];
}

/** Anything that `npm run scenario` can run. */
export interface Playable {
  readonly name: string;
  readonly summary: string;
  /** @throws BffUnreachable when nothing answers */
  run(options: ScenarioOptions): Promise<ScenarioOutcome>;
}

/** The API did not do what a scenario needs in order to go on. */
export class ScenarioStopped extends Error {}

/** What the saga that a scenario is about has come to. */
export interface Ending {
  saga: string;
  estado: string;
}

/** What a scenario does between the setting and the lifting of its rules. */
type Work = (stage: {
  readonly watched: Watched;
  note(one: Check): void;
  /** To be told as soon as it is known. */
  readonly ending: Ending;
}) => Promise<void>;

const pollMs = 200;
const openingMs = 3_000;
const streamLagMs = 3_000;

/**
 * Sets rules, does `work` with the stream open from before it, and lifts the rules again, whatever happened.
 * @throws BffUnreachable when nothing answers
 */
export const play = async (
  name: string,
  rules: readonly Rule[],
  options: ScenarioOptions,
  work: Work,
): Promise<ScenarioOutcome> => {
  const { bff, narrator } = options;
  const checks: Check[] = [];
  const note = (one: Check): void => {
    checks.push(one);
    narrator.checked(one);
  };
  const ending: Ending = { saga: '', estado: '' };
  try {
    for (const rule of rules) {
      expectStatus(await bff.send('PUT', rule.path, rule.set), 200, 204);
      narrator.rule(rule.says);
    }
    await watching(options, (watched) => work({ watched, note, ending }));
  } catch (error) {
    if (!(error instanceof ScenarioStopped || error instanceof StreamRefused)) throw error;
    note({ says: 'the scenario ran to its end', holds: false, saw: error.message });
  } finally {
    for (const rule of rules) await lift(rule, options, note);
  }
  return { scenario: name, ...ending, checks, holds: checks.every(({ holds }) => holds) };
};

/** Lifts a rule; that it stands for good is said, not thrown: what went wrong before matters more. */
const lift = async (rule: Rule, { bff }: ScenarioOptions, note: (one: Check) => void): Promise<void> => {
  try {
    expectStatus(await bff.send('PUT', rule.path, rule.lift), 200, 204);
  } catch (error) {
    if (!(error instanceof ScenarioStopped || error instanceof BffUnreachable)) throw error;
    note({ says: `the rule was lifted: ${rule.says}`, holds: false, saw: error.message });
  }
};

/** Reads the saga until it is at rest. A 404 right after the 202 only says that its owner is behind. */
export const pollToRest = async (
  tipo: 'campaign' | 'compra',
  saga: string,
  options: ScenarioOptions,
): Promise<SagaView> => {
  let last = 'not to be read';
  const rested = await poll(options, async () => {
    const answer = await options.bff.send('GET', `/api/sagas/${tipo}/${saga}`);
    expectStatus(answer, 200, 404);
    if (answer.status === 404) return undefined;
    const view = answer.json as SagaView;
    last = view.estado;
    return isAtRest(view.estado) ? view : undefined;
  });
  if (rested) return rested;
  throw new ScenarioStopped(`saga ${saga} is still ${last} after ${options.limitMs / 1000} s`);
};

/** Looks until there is something to see; undefined when the scenario's time is over before. */
export const poll = async <R>(
  { now, pause, limitMs, signal }: ScenarioOptions,
  look: () => Promise<R | undefined>,
): Promise<R | undefined> => {
  const until = now() + limitMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (signal.aborted) throw new ScenarioStopped('interrupted');
    if (now() > until) return undefined;
    await pause(pollMs, signal);
  }
};

export interface Watched {
  /** From now on shows the moves of this saga, those already seen first. */
  show(saga: string): void;
  moves(saga: string): readonly SagaMoved[];
  /** Waits until the stream has shown the end of this saga, or is given up. */
  toRest(saga: string): Promise<void>;
}

/** Runs `work` with the stream open from before it, so that nothing of the sagas is missed. */
const watching = async (
  options: ScenarioOptions,
  work: (watched: Watched) => Promise<void>,
): Promise<void> => {
  const { bff, narrator, now, pause } = options;
  const stop = new AbortController();
  const seen: SagaMoved[] = [];
  const shown = new Set<string>();
  let refused: unknown;
  let open = false;
  const moves = (saga: string): SagaMoved[] => seen.filter((move) => move.saga === saga);
  const follow = async (): Promise<void> => {
    const stream = bff.follow(stop.signal, () => {
      open = true;
    });
    for await (const { event, data } of stream) {
      if (event !== 'saga') continue;
      const move = JSON.parse(data) as SagaMoved;
      seen.push(move);
      if (shown.has(move.saga)) narrator.moved(move);
    }
  };
  const following = follow().catch((error: unknown) => {
    refused = error;
  });
  const wait = async (done: () => boolean, ms: number): Promise<void> => {
    const until = now() + ms;
    while (!done() && refused === undefined && !options.signal.aborted && now() < until) await pause(20);
  };
  try {
    await wait(() => open, openingMs);
    await work({
      show: (saga) => {
        shown.add(saga);
        for (const move of moves(saga)) narrator.moved(move);
      },
      moves,
      toRest: (saga) => wait(() => isAtRest(moves(saga).at(-1)?.estado ?? ''), streamLagMs),
    });
  } finally {
    stop.abort();
    await following;
  }
  if (refused !== undefined) throw refused;
};

/** @throws ScenarioStopped for any other status */
export const expectStatus = (answer: Answer, ...statuses: number[]): void => {
  if (statuses.includes(answer.status)) return;
  throw new ScenarioStopped(
    `expected ${statuses.join(' or ')}, was answered ${answer.status} ${answer.text.slice(0, 300)}`,
  );
};
