import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '../bus/testing/observation.ts';
import { statement } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import type { ServiceDatabase } from '../database/pool-database.ts';
import { testDatabases } from '../database/testing/databases.ts';
import { systemRuntime } from '../system-runtime.ts';
import { type Retained, retain, retainedMessaging } from './retention.ts';
import { silent } from './testing/unobserved.ts';

const DAY_MS = 24 * 3_600_000;
const migrations = fileURLToPath(new URL('migrations', import.meta.url));
const runtime = systemRuntime();

const FILL = `
  TRUNCATE inbox, request, operation, audit RESTART IDENTITY;
  INSERT INTO inbox (subscription, key, state, at)
    SELECT 's', n::text, 1, now() - CASE WHEN n <= 1200 THEN interval '20 days' ELSE interval '1 day' END
    FROM generate_series(1, 1205) n;
  INSERT INTO request (id, hash, answer, at)
    SELECT gen_random_uuid(), '', '', now() - (n || ' days')::interval FROM generate_series(1, 20) n;
  INSERT INTO operation (id, estado, request_hash, message, created)
    SELECT n::text, 'DONE', '', gen_random_uuid(), now() - (n || ' days')::interval FROM generate_series(1, 20) n;
  INSERT INTO audit (at, who, action, target, reason)
    SELECT now() - (n || ' days')::interval, '', '', '', '' FROM generate_series(1, 20) n`;

const COUNT = statement(
  'test.count',
  `SELECT (SELECT count(*) FROM inbox)::int4 AS claims, (SELECT count(*) FROM request)::int4 AS requests,
     (SELECT count(*) FROM operation)::int4 AS operations, (SELECT count(*) FROM audit)::int4 AS audit`,
);
const countOf = async (database: ServiceDatabase): Promise<unknown> => (await database.query(COUNT, []))[0];

const run = (
  database: Pick<ServiceDatabase, 'query'>,
  retained: readonly Retained[],
  log = silent,
): (() => void) => retain({ database, retained, runtime, log, everyMs: 20 });

// while only the retention's own timers are pending, which let a process end
const alive = setInterval(() => undefined, 1_000);

for (const { name, database, close } of await testDatabases('retention')) {
  const test = suite(`what a service forgets on ${name}`);
  test.before(() => migrate(database, [migrations], runtime).then(() => undefined));
  test.before.each(() => database.transaction((tx) => tx.script(FILL)));
  test.after(close);

  test('goes once it has been kept for its time, in batches, and nothing younger does', async () => {
    let most = 0;
    const counted = {
      query: async <R>(...asked: Parameters<ServiceDatabase['query']>): Promise<R[]> => {
        const rows = await database.query<R>(...asked);
        most = Math.max(most, rows.length);
        return rows;
      },
    };
    const inboxMs = 14 * DAY_MS;
    const end = run(counted, retainedMessaging({ inboxMs, operationsMs: 5 * DAY_MS, auditMs: 10 * DAY_MS }));
    const left = { claims: 5, requests: 14, operations: 5, audit: 10 };
    await eventually('the old is gone', async () => {
      const { claims, audit } = (await countOf(database)) as Record<string, number>;
      return claims === left.claims && (audit ?? 0) <= left.audit;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    end();
    assert.equal(await countOf(database), left);
    assert.is(most, 500);
  });

  test('is nothing that is to be kept for ever', async () => {
    const forever = { operationsMs: undefined, auditMs: undefined };
    const end = run(database, retainedMessaging({ inboxMs: DAY_MS / 2, ...forever }));
    await eventually('the claims are gone', async () => {
      const { claims } = (await countOf(database)) as Record<string, number>;
      return claims === 0;
    });
    end();
    const { operations, audit } = (await countOf(database)) as Record<string, number>;
    assert.equal([operations, audit], [20, 20]);
  });

  test.run();
}

const test = suite('the retention itself');

test('tells of a failure, goes on with the rest, and tries again', async () => {
  const warned: object[] = [];
  const asked: string[] = [];
  const query = async (sql: { readonly name: string }): Promise<never[]> => {
    asked.push(sql.name);
    if (asked.length === 1) throw new Error('away');
    return [];
  };
  const log = { ...silent, warn: (about: object) => void warned.push(about) };
  const kept = retainedMessaging({ inboxMs: DAY_MS, operationsMs: undefined, auditMs: undefined });
  const end = run({ query }, kept, log);
  await eventually('it has tried again', () => asked.length >= 4);
  end();
  assert.is(warned.length, 1);
  assert.equal(asked.slice(0, 4), [
    'messaging.forget-claims',
    'messaging.forget-requests',
    'messaging.forget-claims',
    'messaging.forget-requests',
  ]);
  clearInterval(alive);
});

test.run();
