import { statement } from '@cordada/infra/database/database.ts';
import { openPostgres } from '@cordada/infra/database/postgres.ts';
import { databaseName } from '@cordada/infra/service/service-database.ts';

/** The tables of one service of a fleet on Postgres, as an administrator reaches them beside the service. */
export interface ServiceTables {
  /** Runs one SQL statement. */
  run(sql: string): Promise<void>;
  /**
   * Has the server refuse, from now on, to write rows of `table` for which `condition` does not hold.
   * @returns takes that back
   */
  insist(table: string, condition: string): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** @param url of the server @param prefix of the fleet's place */
export const openTables = async (url: string, prefix: string, service: string): Promise<ServiceTables> => {
  const database = await openPostgres({
    url,
    database: databaseName(prefix, service),
    poolSize: 1,
    applicationName: 'an administrator',
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 10_000,
  });
  let statements = 0;
  const run = async (sql: string): Promise<void> => {
    statements += 1;
    await database.query(statement(`test.tables_${statements}`, sql), []);
  };
  return {
    run,
    async insist(table, condition) {
      const name = `insisted_${statements}`;
      await run(`ALTER TABLE ${table} ADD CONSTRAINT ${name} CHECK (${condition}) NOT VALID`);
      return () => run(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`);
    },
    close: () => database.close(),
  };
};
