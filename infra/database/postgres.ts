import pg from 'pg';
import { clientConfig, type PostgresOptions } from './connection.ts';
import { holdDatabase } from './hold.ts';
import { type ListenOptions, listen } from './listen.ts';
import { plannerSettings } from './plans.ts';
import { poolDatabase, type ServiceDatabase } from './pool-database.ts';
import { ensureDatabase } from './role.ts';

/** How long after the server's own timeouts a silent connection is taken for dead. */
const SILENCE_MS = 5_000;

const INDEXED = plannerSettings.map((setting) => `-c ${setting}`).join(' ');

/**
 * Opens a service's database, and makes it and its role where they are missing.
 * @throws DatabaseInUse when others hold it in a way that excludes `hold`; RoleRefused; what the server says when it
 * cannot be reached
 */
export async function openPostgres(options: PostgresOptions): Promise<ServiceDatabase> {
  const login = await ensureDatabase(options);
  const config = clientConfig(options, options.database, login);
  const name = `${options.database} at ${new URL(options.url).host}`;
  const held = options.hold && (await holdDatabase(config, options.hold, name));
  const pool = (max: number, settings: string): pg.Pool => {
    const made = new pg.Pool({
      ...config,
      max,
      pipeline: true,
      statement_timeout: options.statementTimeoutMs,
      lock_timeout: options.lockTimeoutMs,
      idle_in_transaction_session_timeout: options.statementTimeoutMs,
      query_timeout: options.statementTimeoutMs + SILENCE_MS,
      options: `${INDEXED} ${settings}`,
    });
    // A connection that breaks rejects the statements on it; without a listener it would also end the process.
    made.on('connect', (client) => client.on('error', () => undefined));
    made.on('error', () => undefined);
    return made;
  };
  return poolDatabase({
    kind: 'postgres',
    schema: 'public',
    pool: pool(options.poolSize, ''),
    // A BEGIN that is cancelled must not leave the writes sent behind it to autocommit: outside a transaction that
    // was begun as read write, the server refuses them.
    transactions: pool(options.poolSize, '-c default_transaction_read_only=on'),
    background: pool(1, '-c synchronous_commit=off'),
    nameOf: (name) => name,
    ...(held === undefined ? {} : { check: held.check, closed: held.release }),
    ...(options.hold === 'exclusive' ? {} : { listen: (told: ListenOptions) => listen(config, told) }),
  });
}
