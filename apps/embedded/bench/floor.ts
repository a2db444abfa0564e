import pg from 'pg';
import { closedLoop, type LoadResult } from './closed-loop.ts';

/** The floor's own database, made anew for each run. */
const DATABASE = 'cordada_bench_floor';
const CONNECTIONS = 10;
const TABLES = ['campaigns', 'partners', 'events'] as const;

export interface Floor {
  /** @param refusedEach each how many-th saga's last step is refused and its first two undone; none when 0 */
  run(count: number, inFlight: number, refusedEach: number): Promise<LoadResult>;
  close(): Promise<void>;
}

/**
 * What the same business costs without any guarantee: a plain loop, one transaction a step (a row and a log row), no
 * messages, no inbox, no orchestration, ten connections (see "Speed" in the design). Everything is measured against it.
 */
export const openFloor = async (url: string): Promise<Floor> => {
  const admin = new pg.Client({ connectionString: url, database: 'postgres' });
  await admin.connect();
  await admin.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${DATABASE}`);
  await admin.end();
  const { host, port, user, password, ssl } = new pg.Client({ connectionString: url });
  const pool = new pg.Pool({
    host,
    port,
    ...(user && { user }),
    ...(password && { password }),
    ssl,
    database: DATABASE,
    max: CONNECTIONS,
  });
  await pool.query(
    `CREATE TABLE saga_log (id bigserial PRIMARY KEY, saga_id text NOT NULL, entry text NOT NULL,
       at timestamptz NOT NULL DEFAULT now());
     ${TABLES.map(
       (table) => `CREATE TABLE ${table} (saga_id text PRIMARY KEY, name text NOT NULL,
         status text NOT NULL DEFAULT 'active', created_at timestamptz NOT NULL DEFAULT now())`,
     ).join(';')}`,
  );

  const step = async (table: (typeof TABLES)[number], saga: string, undo: boolean): Promise<void> => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(
        undo
          ? {
              name: `undo ${table}`,
              text: `UPDATE ${table} SET status = 'cancelled' WHERE saga_id = $1`,
              values: [saga],
            }
          : {
              name: table,
              text: `INSERT INTO ${table} (saga_id, name) VALUES ($1, $2) ON CONFLICT (saga_id) DO NOTHING`,
              values: [saga, `${table} of ${saga}`],
            },
      );
      await client.query({
        name: 'log',
        text: 'INSERT INTO saga_log (saga_id, entry) VALUES ($1, $2)',
        values: [saga, table],
      });
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  };

  let runs = 0;
  return {
    async run(count, inFlight, refusedEach) {
      runs += 1;
      return closedLoop(count, inFlight, async (i) => {
        const saga = `${runs}-${i}`;
        await step('campaigns', saga, false);
        await step('partners', saga, false);
        if (refusedEach > 0 && i % refusedEach === refusedEach - 1) {
          await step('partners', saga, true);
          await step('campaigns', saga, true);
        } else await step('events', saga, false);
      });
    },
    close: () => pool.end(),
  };
};
