/**
 * `npm run kills`: the product under load, killed by SIGKILL at random moments and started again on the same data, on
 * PGlite and on Postgres. What it was asked for is known by the client alone; in the end every service is read back.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startOwnPostgres } from '@cordada/infra/testing/postgres.ts';
import { type SeededRandom, seededRandom } from '@cordada/infra/testing/seeded-random.ts';
import {
  type Environment,
  freePortBase,
  killLeftovers,
  startProduct,
  temporaryFolder,
} from '../product-process.ts';
import { type Asked, ask, draw, prepare, undo } from './load.ts';
import { faultsOf } from './outcome.ts';

const WORKERS = 16;
/** A kill comes at most so long after the start, in milliseconds. */
const LONGEST_LIFE_MS = 3_000;

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '11' }, seed: { type: 'string' } },
});
const kills = Number(values.kills);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** One place: the product lives and dies there, until the last time. @returns what does not hold */
const torment = async (name: string, random: SeededRandom, settings: Environment): Promise<string[]> => {
  const port = await freePortBase();
  const urls = [0, 1, 2, 3].map((offset) => `http://127.0.0.1:${port + offset}`);
  const [base = '', ...services] = urls;
  const environment: Environment = {
    ...settings,
    PORT_BASE: String(port),
    RATE_LIMIT: '100000',
    LOG_LEVEL: 'error',
  };
  const asked: Asked[] = [];
  const faults: string[] = [];

  for (let kill = 0; kill <= kills; kill += 1) {
    const product = startProduct(environment);
    await product.up();
    if (kill === 0) await prepare(base);
    let alive = true;
    const workers = Array.from({ length: WORKERS }, async () => {
      while (alive) {
        const old = asked.length > 0 && random.chance(0.15) ? random.pick(asked) : undefined;
        if (old?.fate === 'accepted') await undo(base, old);
        else if (old) await ask(base, old);
        else {
          const one = draw(random, asked.length);
          asked.push(one);
          if (!(await ask(base, one))) await wait(20);
        }
      }
    });
    const crashed = Promise.all(workers).catch((error: Error) => faults.push(error.message));
    const life = kill === kills ? LONGEST_LIFE_MS : 100 + random.below(LONGEST_LIFE_MS);
    await wait(life);
    const accepted = asked.filter(({ fate }) => fate === 'accepted').length;
    if (kill < kills) {
      product.kill('SIGKILL');
      await product.exit;
      alive = false;
      await crashed;
      say(`· ${name}: kill ${kill + 1} after ${life} ms; ${asked.length} asked for, ${accepted} accepted`);
      continue;
    }
    alive = false;
    await crashed;
    for (const one of asked) if (one.fate === 'unknown') await ask(base, one);
    faults.push(...(await faultsOf(base, services, asked)));
    product.kill('SIGTERM');
    const { code } = await product.exit;
    if (code !== 0) faults.push(`the last process ended with ${code}: ${product.stderr()}`);
    say(`· ${name}: ${asked.length} asked for, all ended and read back`);
  }
  return faults;
};

process.once('SIGINT', () => {
  killLeftovers();
  process.exit(130);
});

say(`kills: ${kills} on PGlite and ${kills} on Postgres, seed ${seed}`);
const postgres = await startOwnPostgres({ fsync: true });
const folder = await temporaryFolder();
const random = seededRandom(seed);
const places: [string, Promise<string[]>][] = [
  ['PGlite', torment('PGlite', random.fork('pglite'), { DATA_DIR: folder.path })],
];
if (postgres)
  places.push(['Postgres', torment('Postgres', random.fork('postgres'), { DATABASE_URL: postgres.url })]);
else say('· skipped on Postgres: its server is not installed (Debian’s package postgresql)');

let failed = 0;
for (const [name, ending] of places) {
  const faults = await ending.catch((error: Error) => [error.stack ?? error.message]);
  if (faults.length > 0) failed += 1;
  for (const fault of faults.slice(0, 20)) say(`✘ ${name}: ${fault}`);
}
if (!postgres && process.env.CI) failed += 1;
killLeftovers();
await postgres?.stop();
await folder.remove();
if (failed > 0) say(`again: npm run kills -- --seed ${seed}`);
// Each kill is a test that the reading back has passed.
say(`\n${failed > 0 ? 0 : places.length * kills} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
