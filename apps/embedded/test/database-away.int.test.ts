// time limit: 120 s
import { setTimeout as pause } from 'node:timers/promises';
import { type OwnTestPostgres, startOwnPostgres } from '@cordada/infra/testing/postgres.ts';
import { seededRandom } from '@cordada/infra/testing/seeded-random.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ApiFleet, isRefused, startApiFleet } from './api-fleet.ts';
import { type Asked, ask, draw, prepare, undo } from './kills/load.ts';
import { faultsOf } from './kills/outcome.ts';

/** How long it may take until work flows again; a busy machine needs more than a moment. */
const RECOVERY_LIMIT_MS = 40_000;
const AWAY_MS = 20_000;
const WORKERS = 8;

/** What was seen while the server was away, and after. */
interface Seen {
  readonly ready: { readonly before: number[]; readonly meanwhile: number[]; readonly after: number[] };
  readonly asked: { readonly before: number; readonly meanwhile: number; readonly after: number };
  readonly faults: readonly string[];
  /** How many messages were held and sagas parked at any time. */
  readonly setAside: number;
}

const test = suite('Postgres away for 20 s under load');

const readiness = ({ fleet }: ApiFleet): Promise<number[]> =>
  Promise.all(
    ([fleet.urls.campaign, fleet.urls.partner, fleet.urls.tracking] as const).map(
      async (url) => (await fetch(`${url}/ready`)).status,
    ),
  );

/** Sum of the counters of everything that was ever set aside. */
const setAside = async ({ fleet }: ApiFleet): Promise<number> => {
  let sum = 0;
  for (const url of Object.values(fleet.urls)) {
    const text = await (await fetch(`${url}/metrics`)).text();
    for (const [, value] of text.matchAll(
      /^(?:messages_held_total|messages_parked_total|saga_parked_total)\{.*\} (\d+)$/gm,
    ))
      sum += Number(value);
  }
  return sum;
};

const endure = async (
  postgres: OwnTestPostgres,
  leave: () => Promise<void>,
  comeBack: () => Promise<void>,
): Promise<Seen> => {
  const api = await startApiFleet({ place: { kind: 'postgres', url: postgres.url, prefix: 'away' } });
  try {
    return await watch(api, leave, comeBack);
  } finally {
    await api.fleet.stop();
  }
};

const watch = async (
  api: ApiFleet,
  leave: () => Promise<void>,
  comeBack: () => Promise<void>,
): Promise<Seen> => {
  const { bff, ...behind } = api.fleet.urls;
  const random = seededRandom(4);
  const asked: Asked[] = [];
  let working = true;
  const work = async (): Promise<void> => {
    while (working) {
      const old = asked.length > 0 && random.chance(0.15) ? random.pick(asked) : undefined;
      if (old?.fate === 'accepted') await undo(bff, old);
      else if (old) await ask(bff, old);
      else {
        const one = draw(random, asked.length);
        asked.push(one);
        while (working && !(await ask(bff, one))) await pause(50);
      }
    }
  };
  const accepted = (): number => asked.filter(({ fate }) => fate === 'accepted').length;
  await prepare(bff);
  const before = await readiness(api);
  const workers = Promise.all(Array.from({ length: WORKERS }, work));
  workers.catch(() => undefined); // awaited below
  while (accepted() < 40) await pause(50);
  const acceptedBefore = accepted();
  await leave();
  const left = Date.now();
  await pause(5_000);
  const meanwhile = await readiness(api);
  isRefused(await api.call('GET', '/obtener-campaigns'), 503, 'NO_DISPONIBLE');
  await pause(left + AWAY_MS - Date.now());
  const acceptedMeanwhile = accepted();
  await comeBack();
  const back = Date.now();
  while (accepted() - acceptedMeanwhile < 40 && Date.now() - back < RECOVERY_LIMIT_MS) await pause(50);
  const after = await readiness(api);
  working = false;
  await workers;
  for (const one of asked) if (one.fate === 'unknown') await ask(bff, one);
  const faults = await faultsOf(bff, Object.values(behind), asked);
  return {
    ready: { before, meanwhile, after },
    asked: {
      before: acceptedBefore,
      meanwhile: acceptedMeanwhile - acceptedBefore,
      after: accepted() - acceptedMeanwhile,
    },
    faults,
    setAside: await setAside(api),
  };
};

const servers = await Promise.all([startOwnPostgres(), startOwnPostgres()]);
const [killed, frozen] = servers;
if (killed === undefined || frozen === undefined) test.skip('no server');
else {
  // Side by side: each takes its 20 s.
  const endured = Promise.all([
    endure(killed, killed.kill, killed.restart),
    endure(frozen, frozen.pause, frozen.resume),
  ]);
  endured.catch(() => undefined); // awaited by both tests

  for (const [place, how] of ['after a crash', 'frozen, its connections open'].entries())
    test(`(${how}) nothing is lost or held, and it goes on by itself`, async () => {
      const { ready, asked, faults, setAside } = (await endured)[place] as Seen;
      assert.equal(ready, { before: [200, 200, 200], meanwhile: [503, 503, 503], after: [200, 200, 200] });
      assert.ok(asked.before >= 40 && asked.after >= 40, JSON.stringify(asked));
      assert.equal(faults, []);
      assert.is(setAside, 0);
    });
  test.after(async () => {
    await Promise.all([killed.stop(), frozen.stop()]);
  });
}

test.run();
