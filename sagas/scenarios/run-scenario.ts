import { type Answer, type BffClient, BffUnreachable } from './bff-client.ts';
import { StreamRefused } from './event-stream.ts';
import { checkLeft } from './resources.ts';
import {
  type Check,
  check,
  checkMessages,
  checkStream,
  isAtRest,
  type SagaMoved,
  type SagaView,
} from './saga-view.ts';
import { type CampaignRequest, freshCampaign, type Rule, type Scenario } from './scenario.ts';

/** What happens while a scenario runs, for whoever shows it. */
export interface Narrator {
  rule(text: string): void;
  requested(saga: string): void;
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

/** The API did not do what a scenario needs in order to go on. */
class ScenarioStopped extends Error {}

const pollMs = 200;
const openingMs = 3_000;
const streamLagMs = 3_000;

/**
 * Runs one scenario against a BFF: sets its rules, asks for a campaign of fresh ids, watches the saga to its end,
 * then reads everything back and compares. Lifts the rules again, whatever happened.
 * @throws BffUnreachable when nothing answers
 */
export const runScenario = async (scenario: Scenario, options: ScenarioOptions): Promise<ScenarioOutcome> => {
  const { bff, narrator } = options;
  const request = freshCampaign(scenario.participants, options.uuid);
  const rules = scenario.rules(request);
  const checks: Check[] = [];
  const note = (one: Check): void => {
    checks.push(one);
    narrator.checked(one);
  };
  let saga = '';
  let estado = '';
  try {
    for (const rule of rules) {
      expectStatus(await bff.send('PUT', rule.path, rule.set), 200, 204);
      narrator.rule(rule.says);
    }
    await watching(options, async (watched) => {
      saga = await requestCampaign(request, options);
      narrator.requested(saga);
      watched.show(saga);
      const view = await pollToRest(saga, options);
      estado = view.estado;
      await watched.until((moves) => isAtRest(moves.at(-1)?.estado ?? ''));
      narrator.ended(estado);
      const { expected } = scenario;
      note(check(`the saga ended ${expected.end}`, estado === expected.end, () => estado));
      note(check('no step remains', view.restantes.length === 0, () => JSON.stringify(view.restantes)));
      const contracts = view.mensajes.map(({ contrato }) => contrato);
      for (const one of checkMessages(expected, contracts)) note(one);
      note(checkStream(watched.moves(), expected.end));
      for (const one of await checkLeft(request, expected, bff)) note(one);
    });
  } catch (error) {
    if (!(error instanceof ScenarioStopped || error instanceof StreamRefused)) throw error;
    note({ says: 'the scenario ran to its end', holds: false, saw: error.message });
  } finally {
    for (const rule of rules) await lift(rule, options, note);
  }
  return { scenario: scenario.name, saga, estado, checks, holds: checks.every(({ holds }) => holds) };
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

const requestCampaign = async (request: CampaignRequest, { bff, uuid }: ScenarioOptions): Promise<string> => {
  const answer = await bff.send('POST', '/campaña-commando', request, { 'idempotency-key': uuid() });
  expectStatus(answer, 202);
  const saga = /^\/api\/sagas\/campaign\/([^/]+)\/?$/.exec(answer.headers.get('location') ?? '')?.[1];
  if (saga === undefined)
    throw new ScenarioStopped(`202 without a saga to read: ${answer.headers.get('location')}`);
  return saga;
};

/** Reads the saga until it is at rest. A 404 right after the 202 only says that its owner is behind. */
const pollToRest = async (saga: string, options: ScenarioOptions): Promise<SagaView> => {
  const until = options.now() + options.limitMs;
  for (;;) {
    const answer = await options.bff.send('GET', `/api/sagas/campaign/${saga}`);
    expectStatus(answer, 200, 404);
    const view = answer.json as SagaView;
    if (answer.status === 200 && isAtRest(view.estado)) return view;
    if (options.signal.aborted) throw new ScenarioStopped('interrupted');
    if (options.now() > until) {
      const last = answer.status === 200 ? view.estado : 'not to be read';
      throw new ScenarioStopped(`saga ${saga} is still ${last} after ${options.limitMs / 1000} s`);
    }
    await options.pause(pollMs, options.signal);
  }
};

interface Watched {
  /** From now on shows the moves of this saga, those already seen first. */
  show(saga: string): void;
  moves(): readonly SagaMoved[];
  /** Waits until the moves seen satisfy `done`, or the stream is given up. */
  until(done: (moves: readonly SagaMoved[]) => boolean): Promise<void>;
}

/** Runs `work` with the stream open from before it, so that nothing of the saga is missed. */
const watching = async (
  options: ScenarioOptions,
  work: (watched: Watched) => Promise<void>,
): Promise<void> => {
  const { bff, narrator, now, pause } = options;
  const stop = new AbortController();
  const seen: SagaMoved[] = [];
  let saga: string | undefined;
  let refused: unknown;
  let open = false;
  const mine = (): SagaMoved[] => seen.filter((move) => move.saga === saga);
  const follow = async (): Promise<void> => {
    const stream = bff.follow(stop.signal, () => {
      open = true;
    });
    for await (const { event, data } of stream) {
      if (event !== 'saga') continue;
      const move = JSON.parse(data) as SagaMoved;
      seen.push(move);
      if (move.saga === saga) narrator.moved(move);
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
      show: (id) => {
        saga = id;
        for (const move of mine()) narrator.moved(move);
      },
      moves: mine,
      until: (done) => wait(() => done(mine()), streamLagMs),
    });
  } finally {
    stop.abort();
    await following;
  }
  if (refused !== undefined) throw refused;
};

const expectStatus = (answer: Answer, ...statuses: number[]): void => {
  if (statuses.includes(answer.status)) return;
  throw new ScenarioStopped(
    `expected ${statuses.join(' or ')}, was answered ${answer.status} ${answer.text.slice(0, 300)}`,
  );
};
