import pg from 'pg';
import { closedLoop } from './closed-loop.ts';
import { dropMade } from './drop-made.ts';
import { serverPool } from './server-pool.ts';
import { ITEMS, type System } from './work.ts';

const CONNECTIONS = 10;
const UNITS = 1_000_000;
const REFUSED_EACH = 10;

const SCHEMA = `
  CREATE TABLE saga_log (id bigserial PRIMARY KEY, saga_id text NOT NULL, entry text NOT NULL,
    at timestamptz NOT NULL DEFAULT now());
  ${['campaigns', 'partners', 'events']
    .map(
      (table) => `CREATE TABLE ${table} (saga_id text PRIMARY KEY, name text NOT NULL,
        status text NOT NULL DEFAULT 'active', created_at timestamptz NOT NULL DEFAULT now());`,
    )
    .join('\n')}
  CREATE TABLE items (id int PRIMARY KEY, price numeric(18,2) NOT NULL, stock int NOT NULL, reserved int NOT NULL,
    CHECK (reserved BETWEEN 0 AND stock));
  CREATE TABLE customers (id text PRIMARY KEY, active bool NOT NULL, max_total numeric(18,2) NOT NULL);
  CREATE TABLE reservations (saga_id text PRIMARY KEY, item int NOT NULL, units int NOT NULL,
    status text NOT NULL DEFAULT 'active', created_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE orders (saga_id text PRIMARY KEY, customer text NOT NULL, total numeric(18,2) NOT NULL,
    status text NOT NULL DEFAULT 'confirmed', created_at timestamptz NOT NULL DEFAULT now());
  INSERT INTO items SELECT n, 12.50, ${UNITS}, 0 FROM generate_series(0, ${ITEMS}) n;
  INSERT INTO customers SELECT 'buyer-' || n, true, 1000000 FROM generate_series(0, 999) n;`;

/** The last of the items is the one that all buy. */
const HOT = ITEMS;

interface FloorOptions {
  /**
   * Whether a campaign is approved at its end, as its saga does. Without it a campaign takes three transactions: what the
   * design's prototypes were measured against, whose saga had no such step.
   */
  readonly approves?: boolean;
}

/**
 * What the same business costs without any guarantee: a plain loop, one transaction a step (its rows and a log row), no
 * messages, no inbox, no orchestration, ten connections (see "Speed" in the design). Everything is measured against it.
 * @param database its own, made here and dropped when it closes
 */
export const openFloor = async (
  url: string,
  database: string,
  { approves = true }: FloorOptions = {},
): Promise<System> => {
  const admin = new pg.Client({ connectionString: url, database: 'postgres' });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`);
  await admin.end();
  const pool = serverPool(url, database, CONNECTIONS);
  await pool.query(SCHEMA);

  /** One step: its statements and a log row in one transaction. @throws Error where one changes or finds nothing */
  const step = async (
    saga: string,
    entry: string,
    ...statements: readonly (readonly [text: string, ...values: unknown[]])[]
  ): Promise<void> => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      for (const [i, [text, ...values]] of statements.entries()) {
        const { rowCount } = await client.query({ name: `${entry} ${i}`, text, values });
        if (rowCount !== 1) throw new Error(`${entry} of ${saga}: ${rowCount} rows`);
      }
      await client.query({
        name: 'log',
        text: 'INSERT INTO saga_log (saga_id, entry) VALUES ($1, $2)',
        values: [saga, entry],
      });
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  };

  const make = (table: string, saga: string): Promise<void> =>
    step(saga, table, [`INSERT INTO ${table} (saga_id, name) VALUES ($1, $2)`, saga, `${table} of ${saga}`]);
  const mark = (status: string, table: string, saga: string): Promise<void> =>
    step(saga, `${status} ${table}`, [`UPDATE ${table} SET status = '${status}' WHERE saga_id = $1`, saga]);
  const campaign = async (saga: string, refused: boolean): Promise<void> => {
    await make('campaigns', saga);
    await make('partners', saga);
    if (refused) {
      await mark('cancelled', 'partners', saga);
      await mark('cancelled', 'campaigns', saga);
      return;
    }
    await make('events', saga);
    if (approves) await mark('approved', 'campaigns', saga);
  };

  let sold = 0;
  let adjusted = 0;
  const purchase = async (saga: string, item: number, customer: string): Promise<void> => {
    await step(saga, 'validate', ['SELECT price FROM items WHERE id = $1 AND stock - reserved >= 1', item]);
    await step(
      saga,
      'reserve',
      ['UPDATE items SET reserved = reserved + 1 WHERE id = $1 AND stock - reserved >= 1', item],
      ['INSERT INTO reservations (saga_id, item, units) VALUES ($1, $2, 1)', saga, item],
    );
    await step(saga, 'order', [
      `INSERT INTO orders (saga_id, customer, total)
       SELECT $1, c.id, i.price FROM customers c, items i
       WHERE c.id = $2 AND c.active AND i.id = $3 AND i.price <= c.max_total`,
      saga,
      customer,
      item,
    ]);
    await step(
      saga,
      'confirm',
      ['UPDATE items SET stock = stock - 1, reserved = reserved - 1 WHERE id = $1', item],
      [`UPDATE reservations SET status = 'confirmed' WHERE saga_id = $1`, saga],
    );
    sold += 1;
  };
  const adjustment = async (id: string, item: number, delta: number): Promise<void> => {
    await step(id, 'adjust', [
      'UPDATE items SET stock = stock + $2 WHERE id = $1 AND stock + $2 >= reserved',
      item,
      delta,
    ]);
    adjusted += delta;
  };

  let runs = 0;
  const loop = (
    count: number,
    inFlight: number,
    task: (id: string, i: number) => Promise<void>,
  ): ReturnType<typeof closedLoop> => {
    const run = runs++;
    return closedLoop(count, inFlight, (i) => task(`${run}-${i}`, i));
  };
  const nth = (i: number): number => (i * 7) % ITEMS;
  return {
    name: approves ? 'floor' : 'floor of 3',
    work: {
      campaign: (count, inFlight) => loop(count, inFlight, (id) => campaign(id, false)),
      campaignRefused: (count, inFlight) =>
        loop(count, inFlight, (id, i) => campaign(id, i % REFUSED_EACH === REFUSED_EACH - 1)),
      compra: (count, inFlight) =>
        loop(count, inFlight, (id, i) => purchase(id, nth(i), `buyer-${i % 1000}`)),
      compraHot: (count, inFlight) =>
        loop(count, inFlight, (id, i) => purchase(id, HOT, `buyer-${i % 1000}`)),
      ajuste: (count, inFlight) =>
        loop(count, inFlight, (id, i) => adjustment(id, nth(i), i % 2 === 0 ? 3 : -2)),
    },
    async checkStock() {
      const { rows } = await pool.query(
        'SELECT sum(stock)::int8 AS stock, sum(reserved)::int8 AS reserved FROM items',
      );
      const expected = (ITEMS + 1) * UNITS - sold + adjusted;
      if (Number(rows[0].stock) !== expected || Number(rows[0].reserved) !== 0)
        throw new Error(`the floor has ${rows[0].stock}, ${rows[0].reserved} reserved, not ${expected}`);
    },
    async close() {
      await pool.end();
      await dropMade(url, database);
    },
  };
};
