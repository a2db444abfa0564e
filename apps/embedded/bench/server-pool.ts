import pg from 'pg';

/** Connections to one database of the server that `url` names, by pg as it comes. */
export const serverPool = (url: string, database: string, max: number): pg.Pool => {
  const { host, port, user, password, ssl } = new pg.Client({ connectionString: url });
  const pool = new pg.Pool({
    host,
    port,
    ...(user && { user }),
    ...(password && { password }),
    ssl,
    database,
    max,
  });
  // `end` does not wait until its connections are closed: whoever drops the database then may cut them off.
  pool.on('error', () => undefined);
  return pool;
};
