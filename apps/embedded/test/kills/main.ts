/**
 * `npm run kills`: the product under load, killed by SIGKILL at random moments and started again on the same data, on
 * PGlite and on Postgres; 50 purchases are asked for at once shortly before each kill. What it was asked for is known by
 * the client alone; in the end every service is read back, and of purchases the books themselves.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { localUrls, serviceNames } from '@cordada/infra/config/services.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { freePortBase } from '@cordada/infra/deploy/free-port.ts';
import { DATABASE_PREFIX } from '@cordada/infra/service/service-database.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { startOwnPostgres } from '@cordada/infra/testing/postgres.ts';
import { type SeededRandom, seededRandom } from '@cordada/infra/testing/seeded-random.ts';
import { openStores, type Place } from '../../src/stores.ts';
import { type Environment, killLeftovers, startProduct, temporaryFolder } from '../product-process.ts';
import { purchaseFaults, withBooks } from './books.ts';
import { askAgain, askSomething } from './client.ts';
import { type Asked, prepare } from './load.ts';
import { faultsOf } from './outcome.ts';
import { type Bought, buyAtOnce, openShop, type Shop } from './purchases.ts';

const WORKERS = 16;
/** How many are bought at once before a kill, and how long before at most, in milliseconds. */
const AT_ONCE = 50;
const BEFORE_KILL_MS = 1_000;
const PATIENCE_MS = 60_000;
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

/** What the purchases have left in the databases of a product that has ended. @returns what does not hold */
const readBooks = async (place: Place, bought: readonly Bought[], shop: Shop): Promise<string[]> => {
  const stores = await openStores(place, readSettings({}), systemRuntime());
  try {
    return await withBooks(stores.open, (books) => purchaseFaults(books, bought, shop));
  } finally {
    await stores.close();
  }
};

/** One place: the product lives and dies there, until the last time. @returns what does not hold */
const torment = async (name: string, random: SeededRandom, place: Place): Promise<string[]> => {
  const port = await freePortBase();
  const at = { HOST: '127.0.0.1', PORT_BASE: port };
  const [base = '', ...services] = serviceNames.flatMap((service) => localUrls(at, service, 1));
  const environment: Environment = {
    ...(place.kind === 'postgres' && { DATABASE_URL: place.url }),
    ...(place.kind === 'pglite' && { DATA_DIR: place.dataDir }),
    PORT_BASE: String(port),
    RATE_LIMIT: '100000',
    LOG_LEVEL: 'error',
  };
  const asked: Asked[] = [];
  const bought: Bought[] = [];
  const faults: string[] = [];
  let shop: Shop | undefined;

  for (let kill = 0; kill <= kills; kill += 1) {
    const product = startProduct(environment);
    await product.up();
    if (kill === 0) await prepare(base);
    shop ??= await openShop(base);
    const selling = shop;
    let alive = true;
    const workers = Array.from({ length: WORKERS }, async () => {
      while (alive) {
        if ((await askSomething(base, { asked, bought, shop: selling }, random)) === false) await wait(20);
      }
    });
    const crashed = Promise.all(workers).catch((error: Error) => faults.push(error.message));
    const life = kill === kills ? LONGEST_LIFE_MS : 100 + random.below(LONGEST_LIFE_MS);
    const underWay = Math.min(life, random.below(BEFORE_KILL_MS));
    await wait(life - underWay);
    const many = buyAtOnce([base], selling, random, bought, AT_ONCE).catch((error: Error) =>
      faults.push(error.message),
    );
    await wait(underWay);
    if (kill < kills) {
      product.kill('SIGKILL');
      await product.exit;
      alive = false;
      await crashed;
      await many;
      say(
        `· ${name}: kill ${kill + 1} after ${life} ms; asked for ${asked.length} campaigns, of which ${accepted(asked)} accepted, and ${bought.length} purchases, ${accepted(bought)}`,
      );
      continue;
    }
    alive = false;
    await crashed;
    await many;
    await askAgain([base], { asked, bought, shop: selling }, random, PATIENCE_MS);
    faults.push(...(await faultsOf(base, services, asked)));
    product.kill('SIGTERM');
    const { code } = await product.exit;
    if (code !== 0) faults.push(`the last process ended with ${code}: ${product.stderr()}`);
    faults.push(...(await readBooks(place, bought, selling)));
    say(
      `· ${name}: ${asked.length} campaigns and ${bought.length} purchases asked for, all ended and read back`,
    );
  }
  return faults;
};

const accepted = (all: readonly { readonly fate: string }[]): number =>
  all.filter(({ fate }) => fate === 'accepted').length;

process.once('SIGINT', () => {
  killLeftovers();
  process.exit(130);
});

say(`kills: ${kills} on PGlite and ${kills} on Postgres, seed ${seed}`);
const postgres = await startOwnPostgres({ fsync: true });
const folder = await temporaryFolder();
const random = seededRandom(seed);
const places: [string, Promise<string[]>][] = [
  ['PGlite', torment('PGlite', random.fork('pglite'), { kind: 'pglite', dataDir: folder.path })],
];
if (postgres)
  places.push([
    'Postgres',
    torment('Postgres', random.fork('postgres'), {
      kind: 'postgres',
      url: postgres.url,
      prefix: DATABASE_PREFIX,
    }),
  ]);
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
