import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { startOwnPostgres } from '@cordada/infra/testing/postgres.ts';
import { startOwnPulsar } from '@cordada/infra/testing/pulsar.ts';
import type { LoadResult } from './closed-loop.ts';
import { openDistributed } from './distributed-product.ts';
import { BENCH_PREFIX, dropMade } from './drop-made.ts';
import { openEmbedded } from './embedded-product.ts';
import { openFloor } from './floor.ts';
import { measureReads, type ReadsResult } from './reads.ts';
import { transportLimit } from './transport-limit.ts';
import { contest, ITEMS, type System, type WorkName, works } from './work.ts';

const USAGE = `npm run bench -- [--saga campaign|compra] [--reads] [--bus memory|pulsar|pulsar+ws] [--quick] [--json]
  --saga   the sagas of one kind only (compra: the commands of its stock too)
  --reads  the reads of consultas only
  --bus    over a broker of its own, every service a process; without reads
  --quick  a fifth of it: rough`;

/** What is measured: how much is in flight, and how much of it that takes. */
const LOADS = [
  { inFlight: 1, count: 400 },
  { inFlight: 100, count: 9_000 },
  { inFlight: 500, count: 18_000 },
] as const;
const WARM = { inFlight: 100, count: 1_500 } as const;
/** Of the databases of this run. */
const PREFIX = `${BENCH_PREFIX}_${process.pid}`;
/** Each load is done in so many turns: many, since the machine's speed drifts. */
const ROUNDS = 6;
/** Reads in so many, for each of their starts. */
const READ_ROUNDS = 4;
const QUICK = { rounds: 2, part: 5 } as const;
const BUSES = ['memory', 'pulsar', 'pulsar+ws'] as const;
const SAGAS = ['campaign', 'compra'] as const;
/** Messages carried bare, to find what a transport reaches. */
const LIMIT_MESSAGES = 20_000;

interface Line extends LoadResult {
  readonly work: WorkName;
  readonly system: string;
  readonly inFlight: number;
  /** As much a second as a ratio to the floor's, in this run; both at the same load, in turns. */
  readonly ratio: number;
  /** The same to the floor of three transactions, where that was measured. */
  readonly ofThree?: number;
  /** Messages a second as a ratio to what the transport carries bare, in this run. */
  readonly ofLimit?: number;
}

const fail = (line: string): never => {
  process.stderr.write(`✘ ${line}\n`);
  process.exit(1);
};

const optionsOf = () => {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        reads: { type: 'boolean', default: false },
        saga: { type: 'string' },
        bus: { type: 'string', default: 'memory' },
      },
    });
    return values;
  } catch (error) {
    return fail(`${(error as Error).message}\n${USAGE}`);
  }
};
const options = optionsOf();
const oneOf = <Name extends string>(option: string, names: readonly Name[], given: string): Name =>
  names.find((name) => name === given) ?? fail(`--${option} takes one of ${names.join(', ')}, not ${given}`);
const bus = oneOf('bus', BUSES, options.bus);
const saga = options.saga === undefined ? undefined : oneOf('saga', SAGAS, options.saga);
if (bus !== 'memory' && options.reads) fail('--reads is measured without --bus: a read takes no message');
const wanted = {
  works: (Object.keys(works) as WorkName[]).filter(
    (work) => works[work].saga === saga || (saga === undefined && !options.reads),
  ),
  reads: options.reads || (saga === undefined && bus === 'memory'),
};

const say = (line: string): void => {
  if (!options.json) process.stdout.write(`${line}\n`);
};
const part = options.quick ? QUICK.part : 1;
const rounds = options.quick ? QUICK.rounds : ROUNDS;

const lines: Line[] = [];
const row = ({ work, system, inFlight, perSecond, p50, p99, ratio, ofThree, ofLimit }: Line): string =>
  [
    works[work].title.padEnd(24),
    system.padEnd(10),
    String(inFlight).padStart(9),
    perSecond.toFixed(0).padStart(8),
    p50.toFixed(1).padStart(8),
    p99.toFixed(1).padStart(8),
    ratio.toFixed(2).padStart(8),
    (ofThree?.toFixed(2) ?? '').padStart(6),
    ...(ofLimit === undefined ? [] : [ofLimit.toFixed(2).padStart(8)]),
  ].join(' │ ');

interface Floors {
  readonly floor: System;
  /** A campaign in three transactions, as in the design: its saga's last step is left out. */
  readonly ofThree: System | undefined;
}

/** @param limit messages a second that the transport carries bare */
const measure = async (
  { floor, ofThree }: Floors,
  products: readonly System[],
  limit?: number,
): Promise<void> => {
  const floorsOf = (work: WorkName): System[] =>
    work === 'campaign' && ofThree ? [floor, ofThree] : [floor];
  say(
    `${'work'.padEnd(24)} │ system     │ in flight │ a second │   p50 ms │   p99 ms │  × floor │ × of 3${limit ? ' │  × limit' : ''}`,
  );
  for (const work of wanted.works) {
    const systems = [...floorsOf(work), ...products];
    // Warm: code compiled, statements prepared, connections open.
    for (const system of systems) await system.work[work](Math.ceil(WARM.count / part), WARM.inFlight);
    for (const { inFlight, count } of LOADS) {
      const results = await contest(
        systems.map((system) => (share: number) => system.work[work](share, inFlight)),
        count / part,
        rounds,
      );
      const perSecondOf = (system: System): number =>
        results[systems.indexOf(system)]?.perSecond ?? Number.NaN;
      for (const [i, result] of results.entries()) {
        const kind = works[work];
        const system = systems[i] as System;
        const line: Line = {
          work,
          system: system.name,
          inFlight,
          ...result,
          ratio: result.perSecond / perSecondOf(floor),
          ...(ofThree && systems.includes(ofThree) && { ofThree: result.perSecond / perSecondOf(ofThree) }),
          ...(limit &&
            products.includes(system) &&
            'messages' in kind && { ofLimit: (result.perSecond * kind.messages) / limit }),
        };
        lines.push(line);
        say(row(line));
      }
    }
  }
  for (const system of [floor, ...products]) await system.checkStock();
  say('Stock: of every item as many are left as were not sold, on each of them.\n');
};

/** Has the floors and the products take part, and closes them. */
const measureBeside = async (
  url: string,
  openProducts: () => Promise<readonly System[]>,
  limit?: number,
): Promise<void> => {
  const floors = {
    floor: await openFloor(url, `${PREFIX}_floor`),
    ofThree: wanted.works.includes('campaign')
      ? await openFloor(url, `${PREFIX}_floor_of_3`, { approves: false })
      : undefined,
  };
  const products = await openProducts();
  await measure(floors, products, limit);
  for (const system of [floors.floor, floors.ofThree, ...products]) await system?.close();
};

/** The fleet in one process on the memory bus, on each database. */
const measureEmbedded = async (url: string): Promise<void> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'cordada-bench-'));
  await measureBeside(url, async () => [
    await openEmbedded('Postgres', { kind: 'postgres', url, prefix: PREFIX }),
    await openEmbedded('PGlite', { kind: 'pglite', dataDir }),
  ]);
  await rm(dataDir, { recursive: true });
};

/** Services as processes on a broker of this run's own, beside what that broker carries bare. */
const measureDistributed = async (transport: 'pulsar' | 'pulsar+ws', url: string): Promise<void> => {
  const broker =
    (await startOwnPulsar({ heapMb: 1_024, longLived: true })) ??
    fail('bench --bus needs a broker: see infra/deploy');
  try {
    await transportLimit(broker, transport, LIMIT_MESSAGES); // warm: the broker's code is compiled
    const limit = await transportLimit(broker, transport, LIMIT_MESSAGES);
    say(`${transport}, bare: ${limit.toFixed(0)} messages/s produced, consumed and acknowledged`);
    const busUrl = transport === 'pulsar' ? broker.serviceUrl : broker.wsUrl.replace(/^ws/, 'pulsar+ws');
    await measureBeside(url, async () => [await openDistributed(transport, busUrl, broker, url)], limit);
  } finally {
    await broker.stop();
  }
};

const readsOn = async (url: string): Promise<readonly ReadsResult[]> => {
  const place = { kind: 'postgres', url, prefix: `${PREFIX}_reads` } as const;
  const results = await measureReads(
    place,
    options.quick ? QUICK.rounds : READ_ROUNDS,
    Math.ceil(ITEMS / part),
  );
  say('reads     │ a second │   p50 ms │   p99 ms │   hits │  × bare │ CPU µs │ × bare');
  for (const { system, perSecond, p50, p99, hits, ratio, cpu, cpuRatio } of results)
    say(
      [
        system.padEnd(9),
        perSecond.toFixed(0).padStart(8),
        p50.toFixed(1).padStart(8),
        p99.toFixed(1).padStart(8),
        (system === 'bare' ? '' : `${(hits * 100).toFixed(1)} %`).padStart(6),
        ratio.toFixed(2).padStart(7),
        cpu.toFixed(0).padStart(6),
        cpuRatio.toFixed(2).padStart(6),
      ].join(' │ '),
    );
  return results;
};

const settings = readSettings(process.env);
const own = settings.DATABASE_URL === undefined ? await startOwnPostgres({ fsync: true }) : undefined;
const url =
  settings.DATABASE_URL ??
  own?.url ??
  fail('bench needs a Postgres: set DATABASE_URL, or install Debian’s package postgresql');

const [cpu] = cpus();
say(
  `${cpus().length} × ${cpu?.model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}, Postgres with fsync on this machine\n`,
);
const aims = {
  memory: 'one alone p50 < 10 ms; on Postgres ≥ 1.5 × floor at 100 in flight, ≥ 2.5 × at 500',
  pulsar: '≥ 0.4 × floor, ≥ 0.6 × what the transport carries bare, one alone p50 < 60 ms',
  'pulsar+ws': '≥ 0.15 × floor, ≥ 0.6 × what the transport carries bare, one alone p50 < 60 ms',
};
let reads: readonly ReadsResult[] = [];
try {
  if (wanted.works.length > 0) {
    await (bus === 'memory' ? measureEmbedded(url) : measureDistributed(bus, url));
    if (wanted.works.includes('campaign')) say(`Aims, by the floor of 3: ${aims[bus]}.\n`);
  }
  if (wanted.reads) {
    reads = await readsOn(url);
    say('\nAim: memory ≥ 0.7 × bare.');
  }
} finally {
  await (own ? own.stop() : dropMade(url, `${PREFIX}_`));
}
if (options.json)
  process.stdout.write(
    `${JSON.stringify({ node: process.version, cpu: cpu?.model, lines, reads }, null, 2)}\n`,
  );
process.exit(0);
