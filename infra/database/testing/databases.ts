import { freshDatabase, startTestPostgres } from '../../testing/postgres.ts';
import { openPGlite } from '../pglite.ts';
import type { ServiceDatabase } from '../pool-database.ts';
import { openPostgres } from '../postgres.ts';

/** An empty database, and what ends it together with its server. */
export interface TestDatabase {
  /** `PGlite` or `Postgres`, for the name of a suite. */
  readonly name: string;
  readonly database: ServiceDatabase;
  close(): Promise<void>;
}

/** The connections for transactions of a Postgres that `testDatabases` opens. */
export const POOL_SIZE = 4;

/** Each kind of database that this machine can run. @param prefix of the name of a Postgres database */
export const testDatabases = async (prefix: string): Promise<TestDatabase[]> => {
  const embedded = await openPGlite({ memory: true });
  const schema = await embedded.schema('partner');
  const closeEmbedded = async (): Promise<void> => {
    await schema.close();
    await embedded.close();
  };
  const databases: TestDatabase[] = [{ name: 'PGlite', database: schema, close: closeEmbedded }];
  const server = await startTestPostgres();
  if (server !== undefined) {
    const database = await openPostgres({
      url: server.url,
      database: freshDatabase(prefix),
      poolSize: POOL_SIZE,
      applicationName: 'database test',
      statementTimeoutMs: 10_000,
      lockTimeoutMs: 5_000,
    });
    const close = async (): Promise<void> => {
      await database.close();
      await server.stop();
    };
    databases.push({ name: 'Postgres', database, close });
  }
  return databases;
};

/**
 * Collects what would end the process: rejections that nobody handles.
 * @returns what ends the collecting and answers them; it waits until Node has judged what was rejected before
 */
export const unhandledRejections = (): (() => Promise<unknown[]>) => {
  const seen: unknown[] = [];
  const collect = (reason: unknown): void => void seen.push(reason);
  process.on('unhandledRejection', collect);
  return async () => {
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', collect);
    return seen;
  };
};

/** The error that `promise` rejects with. @throws Error when it resolves */
export const rejection = async (promise: Promise<unknown>): Promise<Error & { code?: string }> => {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error(`It should have been rejected, but answered ${String(value)}`);
};
