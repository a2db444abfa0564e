import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { startOwnPostgres } from '@cordada/infra/testing/postgres.ts';
import { startOwnPulsar } from '@cordada/infra/testing/pulsar.ts';
import type { LoadResult } from './closed-loop.ts';
import { openDistributed } from './distributed-product.ts';
import { openEmbedded } from './embedded-product.ts';
import { openFloor } from './floor.ts';
import { MESSAGES_A_SAGA, type Product } from './saga-load.ts';
import { transportLimit } from './transport-limit.ts';

/** What is measured: sagas in flight, and how many sagas that takes. */
const LOADS = [
  { inFlight: 1, count: 400 },
  { inFlight: 100, count: 6_000 },
  { inFlight: 500, count: 10_000 },
] as const;
const REFUSED = [0, 10] as const;
const BUSES = ['memory', 'pulsar', 'pulsar+ws'] as const;
/** Messages carried bare, to find what a transport reaches. */
const LIMIT_MESSAGES = 20_000;

interface Line extends LoadResult {
  readonly system: 'floor' | 'Postgres' | 'PGlite' | 'pulsar' | 'pulsar+ws';
  readonly inFlight: number;
  readonly refused: number;
  /** Sagas a second as a ratio to the floor's, in this run; both at the same load. */
  readonly ratio: number;
  /** Messages a second as a ratio to what the transport carries bare, in this run; for what all succeeds. */
  readonly ofLimit?: number;
}

const fail = (line: string): never => {
  process.stderr.write(`✘ ${line}\n`);
  process.exit(1);
};

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    bus: { type: 'string', default: 'memory' },
  },
});
const bus =
  BUSES.find((known) => known === options.bus) ??
  fail(`--bus takes one of ${BUSES.join(', ')}, not ${options.bus}`);
const say = (line: string): void => {
  if (!options.json) process.stdout.write(`${line}\n`);
};

const lines: Line[] = [];
const floorOf = (inFlight: number, refused: number): number =>
  lines.find((line) => line.system === 'floor' && line.inFlight === inFlight && line.refused === refused)
    ?.perSecond ?? Number.NaN;

/** @param limit messages a second that the transport carries bare */
const measure = async (system: Line['system'], run: Product['run'], limit?: number): Promise<void> => {
  await run(1_500, 100, 10); // warm: code compiled, statements prepared, connections open
  for (const refused of REFUSED)
    for (const { inFlight, count } of LOADS) {
      const result = await run(options.quick ? Math.ceil(count / 5) : count, inFlight, refused);
      const ratio = system === 'floor' ? 1 : result.perSecond / floorOf(inFlight, refused);
      const ofLimit = limit && refused === 0 ? (result.perSecond * MESSAGES_A_SAGA) / limit : undefined;
      lines.push({
        system,
        inFlight,
        refused,
        ...result,
        ratio,
        ...(ofLimit !== undefined && { ofLimit }),
      });
      say(row(lines.at(-1) as Line));
    }
};

const row = ({ system, inFlight, refused, perSecond, p50, p99, ratio, ofLimit }: Line): string =>
  [
    system.padEnd(9),
    String(inFlight).padStart(9),
    `${refused} %`.padStart(8),
    perSecond.toFixed(0).padStart(8),
    p50.toFixed(1).padStart(8),
    p99.toFixed(1).padStart(8),
    ratio.toFixed(2).padStart(8),
    ...(ofLimit === undefined ? [] : [ofLimit.toFixed(2).padStart(8)]),
  ].join(' │ ');

/** The fleet in one process on the memory bus, on each database. */
const measureEmbedded = async (url: string): Promise<void> => {
  const postgres = await openEmbedded({ kind: 'postgres', url, prefix: `cordada_bench_${process.pid}` });
  await measure('Postgres', postgres.run);
  await postgres.close();

  const dataDir = await mkdtemp(join(tmpdir(), 'cordada-bench-'));
  const pglite = await openEmbedded({ kind: 'pglite', dataDir });
  await measure('PGlite', pglite.run);
  await pglite.close();
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
    const product = await openDistributed(
      transport === 'pulsar' ? broker.serviceUrl : broker.wsUrl.replace(/^ws/, 'pulsar+ws'),
      broker,
      url,
    );
    await measure(transport, product.run, limit);
    await product.close();
  } finally {
    await broker.stop();
  }
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
say(
  `system    │ in flight │  refused │  sagas/s │   p50 ms │   p99 ms │  × floor${bus === 'memory' ? '' : ' │  × limit'}`,
);
try {
  const floor = await openFloor(url);
  await measure('floor', floor.run);
  await floor.close();
  await (bus === 'memory' ? measureEmbedded(url) : measureDistributed(bus, url));
} finally {
  await own?.stop();
}
const aims = {
  memory: 'one alone p50 < 10 ms; on Postgres ≥ 1.5 × floor at 100 in flight, ≥ 2.5 × at 500',
  pulsar: '≥ 0.4 × floor, ≥ 0.6 × what the transport carries bare, one alone p50 < 60 ms',
  'pulsar+ws': '≥ 0.15 × floor, ≥ 0.6 × what the transport carries bare, one alone p50 < 60 ms',
};
if (options.json)
  process.stdout.write(`${JSON.stringify({ node: process.version, cpu: cpu?.model, lines }, null, 2)}\n`);
else say(`\nAims: ${aims[bus]}.`);
process.exit(0);
