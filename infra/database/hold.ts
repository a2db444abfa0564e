import pg from 'pg';
import { codeOf } from './connection.ts';

/** Other processes serve the database that was asked for, in a way that excludes this one. */
export class DatabaseInUse extends Error {
  override readonly name = 'DatabaseInUse';
}

/** How long the backend of a process that was killed may hold its lock until the server notices. */
const HOLD_WAIT_MS = 2_000;
/** Key of the advisory lock that holds a database. */
const HOLDING_LOCK = 0x0c07dadb;

export interface Hold {
  /** Takes the lock again where its connection was lost. @throws DatabaseInUse when another process has it now */
  check(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Holds the database by a session's advisory lock, so that it goes with its process. Those who share it exclude only
 * who wants it alone.
 * @param name the database and its server, as an operator knows them
 * @throws DatabaseInUse
 */
export async function holdDatabase(
  config: pg.ClientConfig,
  mode: 'exclusive' | 'shared',
  name: string,
): Promise<Hold> {
  const lock = mode === 'exclusive' ? 'pg_advisory_lock' : 'pg_advisory_lock_shared';
  const others =
    mode === 'exclusive'
      ? 'is served by another process: stop that one first'
      : 'is served by `npm start`, which wants it for itself: stop that first';
  let holder: pg.Client | undefined;
  const take = async (): Promise<void> => {
    const client = new pg.Client({ ...config, lock_timeout: HOLD_WAIT_MS });
    client.on('error', () => undefined); // 'end' follows
    client.once('end', () => {
      if (holder === client) holder = undefined;
    });
    await client.connect();
    try {
      await client.query(`SELECT ${lock}($1)`, [HOLDING_LOCK]);
      holder = client;
    } catch (error) {
      await client.end().catch(() => undefined); // the reason below is what counts
      if (codeOf(error) !== '55P03') throw error;
      throw new DatabaseInUse(`Database ${name} ${others}, or name another server in DATABASE_URL`);
    }
  };
  await take();
  return {
    async check() {
      if (holder === undefined) await take();
    },
    async release() {
      const client = holder;
      holder = undefined;
      await client?.end();
    },
  };
}
