import pg from 'pg';

/** Of all databases that a run makes but the distributed one, whose services name theirs themselves. */
export const BENCH_PREFIX = 'cordada_bench';

/**
 * Takes from a server what was made on it, which may be somebody's own: the databases whose names begin with `prefix`, and
 * the roles that are named like them.
 */
export const dropMade = async (url: string, prefix: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url, database: 'postgres' });
  await client.connect();
  try {
    const drop = async (kind: string, names: string, how = ''): Promise<void> => {
      const { rows } = await client.query<{ name: string }>(
        `SELECT name FROM (${names}) made (name) WHERE starts_with(name, $1)`,
        [prefix],
      );
      for (const { name } of rows) await client.query(`DROP ${kind} ${pg.escapeIdentifier(name)} ${how}`);
    };
    await drop('DATABASE', 'SELECT datname::text FROM pg_database', 'WITH (FORCE)');
    await drop('ROLE', 'SELECT rolname::text FROM pg_roles');
  } finally {
    await client.end();
  }
};
