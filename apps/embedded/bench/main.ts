import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { startOwnPostgres } from '@cordada/infra/testing/postgres.ts';
import type { LoadResult } from './closed-loop.ts';
import { openFloor } from './floor.ts';
import { openProduct } from './product.ts';

/** What is measured: sagas in flight, and how many sagas that takes. */
const LOADS = [
  { inFlight: 1, count: 400 },
  { inFlight: 100, count: 6_000 },
  { inFlight: 500, count: 10_000 },
] as const;
const REFUSED = [0, 10] as const;

interface Line extends LoadResult {
  readonly system: 'floor' | 'Postgres' | 'PGlite';
  readonly inFlight: number;
  readonly refused: number;
  /** Sagas a second as a ratio to the floor's, in this run; both at the same load. */
  readonly ratio: number;
}

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
});
const say = (line: string): void => {
  if (!options.json) process.stdout.write(`${line}\n`);
};

const lines: Line[] = [];
const floorOf = (inFlight: number, refused: number): number =>
  lines.find((line) => line.system === 'floor' && line.inFlight === inFlight && line.refused === refused)
    ?.perSecond ?? Number.NaN;

const measure = async (
  system: Line['system'],
  run: (count: number, inFlight: number, refusedEach: number) => Promise<LoadResult>,
): Promise<void> => {
  await run(1_500, 100, 10); // warm: code compiled, statements prepared, connections open
  for (const refused of REFUSED)
    for (const { inFlight, count } of LOADS) {
      const result = await run(options.quick ? Math.ceil(count / 5) : count, inFlight, refused);
      const ratio = system === 'floor' ? 1 : result.perSecond / floorOf(inFlight, refused);
      lines.push({ system, inFlight, refused, ...result, ratio });
      say(row(lines.at(-1) as Line));
    }
};

const row = ({ system, inFlight, refused, perSecond, p50, p99, ratio }: Line): string =>
  [
    system.padEnd(9),
    String(inFlight).padStart(9),
    `${refused} %`.padStart(8),
    perSecond.toFixed(0).padStart(8),
    p50.toFixed(1).padStart(8),
    p99.toFixed(1).padStart(8),
    ratio.toFixed(2).padStart(8),
  ].join(' │ ');

const settings = readSettings(process.env);
const own = settings.DATABASE_URL === undefined ? await startOwnPostgres({ fsync: true }) : undefined;
const url = settings.DATABASE_URL ?? own?.url;
if (url === undefined) {
  process.stderr.write(
    '✘ bench needs a Postgres: set DATABASE_URL, or install Debian’s package postgresql\n',
  );
  process.exit(1);
}

const [cpu] = cpus();
say(
  `${cpus().length} × ${cpu?.model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}, Postgres with fsync on this machine\n`,
);
say('system    │ in flight │  refused │  sagas/s │   p50 ms │   p99 ms │  × floor');
try {
  const floor = await openFloor(url);
  await measure('floor', floor.run);
  await floor.close();

  const postgres = await openProduct({ kind: 'postgres', url, prefix: `cordada_bench_${process.pid}` });
  await measure('Postgres', postgres.run);
  await postgres.close();

  const dataDir = await mkdtemp(join(tmpdir(), 'cordada-bench-'));
  const pglite = await openProduct({ kind: 'pglite', dataDir });
  await measure('PGlite', pglite.run);
  await pglite.close();
  await rm(dataDir, { recursive: true });
} finally {
  await own?.stop();
}
if (options.json)
  process.stdout.write(`${JSON.stringify({ node: process.version, cpu: cpu?.model, lines }, null, 2)}\n`);
else say('\nAims: one alone p50 < 10 ms; on Postgres ≥ 1.5 × floor at 100 in flight, ≥ 2.5 × at 500.');
process.exit(0);
