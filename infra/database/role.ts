import { createHmac } from 'node:crypto';
import pg from 'pg';
import { clientConfig, codeOf, type Login, type PostgresOptions, withClient } from './connection.ts';

/** The role of a service cannot be made as it should be. */
export class RoleRefused extends Error {
  override readonly name = 'RoleRefused';
}

/** The advisory lock under which databases and roles are made. */
const MAKING_LOCK = 0x0c07dada;

/** What a server answers a role that does not exist, has another password, or may not enter the database. */
const NOT_LET_IN = new Set(['28000', '28P01', '42501', '3D000']);

/**
 * The role of a service's database. Every process that knows the secret knows its password: nothing need be handed out.
 * @param secret DATABASE_ROLE_SECRET, or else the password of the URL; with neither the role has no password
 */
export const serviceRole = (database: string, url: string, secret: string | undefined): Login => {
  const key = secret ?? decodeURIComponent(new URL(url).password);
  return {
    name: database,
    password: key === '' ? undefined : createHmac('sha256', key).update(database).digest('base64url'),
  };
};

const escaped = pg.escapeIdentifier;

/** Makes the database where missing; starters that do so at the same time wait for one another. */
const makeDatabase = async (client: pg.Client, name: string): Promise<void> => {
  const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
  if (rowCount !== 0) return;
  try {
    // C: what sorts and compares in SQL does so by code point, on every server as on PGlite.
    await client.query(
      `CREATE DATABASE ${escaped(name)} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`,
    );
  } catch (error) {
    // A starter that came by another database, and so under another lock, was first.
    if (codeOf(error) !== '42P04' && codeOf(error) !== '23505') throw error;
  }
};

/** Makes the role, or gives it its password, and lets it and nobody else of the public into the database. */
const makeRole = async (client: pg.Client, role: Login, database: string): Promise<void> => {
  const [name, into] = [escaped(role.name), escaped(database)];
  const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role.name]);
  const password = role.password === undefined ? 'NULL' : pg.escapeLiteral(role.password);
  await client.query(`${rowCount === 0 ? 'CREATE' : 'ALTER'} ROLE ${name} LOGIN PASSWORD ${password}`);
  const { rows } = await client.query<{ may: boolean }>(
    "SELECT pg_has_role(current_user, $1::name, 'MEMBER') AS may",
    [role.name],
  );
  if (!rows[0]?.may) await client.query(`GRANT ${name} TO CURRENT_USER`);
  await client.query(`ALTER DATABASE ${into} OWNER TO ${name}`);
  await client.query(`REVOKE ALL ON DATABASE ${into} FROM PUBLIC`);
};

/** What was made in the database before its role was. */
const GIVE_OVER = `DO $$
DECLARE one record;
BEGIN
  FOR one IN SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
      WHERE schemaname = 'public' AND tableowner <> current_setting('cordada.role') LOOP
    EXECUTE format('ALTER TABLE %s OWNER TO %I', one.name, current_setting('cordada.role'));
  END LOOP;
END $$`;

const giveOver = async (client: pg.Client, role: string): Promise<void> => {
  await client.query("SELECT set_config('cordada.role', $1, false)", [role]);
  await client.query(GIVE_OVER);
};

/** Makes the database, and its role where the URL's user may. @returns whether there is a role */
const make = async (options: PostgresOptions): Promise<boolean> => {
  const { role, database } = options;
  const made = await withClient(clientConfig(options, undefined, undefined), async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [MAKING_LOCK]);
    await makeDatabase(client, database);
    if (!role) return false;
    const { rows } = await client.query<{ user: string; may: boolean }>(
      'SELECT current_user AS user, rolsuper OR rolcreaterole AS may FROM pg_roles WHERE rolname = current_user',
    );
    if (!rows[0]?.may) {
      options.told?.(
        `${rows[0]?.user} may not create roles: it serves ${database} itself, and reaches the other services' databases too`,
      );
      return false;
    }
    try {
      await makeRole(client, role, database);
    } catch (error) {
      if (codeOf(error) !== '42501') throw error;
      throw new RoleRefused(
        `${rows[0]?.user} may not make ${role.name} the owner of its database (${(error as Error).message}): give it that right, or set DATABASE_ROLES=off`,
      );
    }
    return true;
  });
  if (made && role)
    await withClient(clientConfig(options, database, undefined), (client) => giveOver(client, role.name));
  return made;
};

/** @throws Error when the database is there but not UTF8 */
const check = (options: PostgresOptions, login: Login | undefined): Promise<void> =>
  withClient(clientConfig(options, options.database, login), async (client) => {
    const { rows } = await client.query('SHOW server_encoding');
    const encoding = rows[0]?.server_encoding;
    if (encoding !== 'UTF8')
      throw new Error(`Database ${options.database} is encoded in ${encoding}; it must be UTF8`);
  });

/**
 * Makes the database and its role where they are missing.
 * @returns who serves the database; undefined: the URL's user, which may not create roles, or need not
 * @throws RoleRefused; Error when the database is there but not UTF8
 */
export async function ensureDatabase(options: PostgresOptions): Promise<Login | undefined> {
  const { role } = options;
  try {
    await check(options, role);
    return role;
  } catch (error) {
    if (!NOT_LET_IN.has(String(codeOf(error))) || (!role && codeOf(error) !== '3D000')) throw error;
  }
  const login = (await make(options)) ? role : undefined;
  await check(options, login);
  return login;
}
