// time limit: 180 s
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Delivery } from '../bus/bus.ts';
import { statement } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import type { ServiceDatabase } from '../database/pool-database.ts';
import { openPostgres } from '../database/postgres.ts';
import { systemRuntime } from '../system-runtime.ts';
import { freshDatabase, startTestPostgres } from '../testing/postgres.ts';
import { retryHeldMessage } from './held-messages.ts';
import { sqlStore } from './sql-store.ts';
import type { HeldMessage, HeldState, NewHeld } from './store.ts';
import { type Answer, handledTableSql, type Told } from './testing/drain-process.ts';
import { cancelada, SUBSCRIPTION } from './testing/pipeline.ts';
import { busMessage } from './wire.ts';

const migrations = fileURLToPath(new URL('migrations', import.meta.url));
const PROGRAM = fileURLToPath(new URL('testing/drain-process.ts', import.meta.url));
/** This machine may be busy. */
const PATIENCE_MS = 40_000;
const HANDLED = statement(
  'test.handled-of',
  `SELECT message, replica FROM handled WHERE message LIKE $1 || '/%' ORDER BY seq`,
);
const WRITTEN = statement(
  'test.written-of',
  `SELECT props->>'k' AS message FROM outbox WHERE key = $1 ORDER BY seq`,
);
const LEFT = statement(
  'test.left-of',
  `SELECT (SELECT count(*) FROM held_message WHERE key = $1)::int4 AS held,
     (SELECT count(*) FROM held_key WHERE key = $1)::int4 AS blocked`,
);
const LOCK = statement('test.lock-key', 'SELECT key FROM held_key WHERE key = $1 FOR UPDATE');

interface Replica {
  readonly name: string;
  readonly process: ChildProcess;
  readonly amid: string[];
  acknowledged: number;
  looked: number;
  consumes: boolean;
  tell(told: Told): void;
}

const test = suite('the drains of replicas, over the same held messages');
const server = await startTestPostgres();

if (server === undefined) test.skip('no server');
else {
  const name = freshDatabase('drains');
  const runtime = systemRuntime();
  let database: ServiceDatabase;
  let all: Replica[] = [];
  let started = 0;

  const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + PATIENCE_MS;
    while (!(await holds())) {
      if (Date.now() > deadline) throw new Error(`it did not come to be that ${what}`);
      await pause(10);
    }
  };
  const start = async (): Promise<void> => {
    started += 1;
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', PROGRAM, server.url, name, `replica ${started}`],
      { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' },
    );
    const replica: Replica = {
      name: `replica ${started}`,
      process: child,
      amid: [],
      acknowledged: 0,
      looked: 0,
      consumes: false,
      tell: (told) => void (child.connected && child.send(told, () => undefined)), // the dead hear nothing
    };
    child.on('message', (answer: Answer) => {
      if (answer.kind === 'amid') replica.amid.push(answer.message);
      else if (answer.kind === 'acknowledged') replica.acknowledged += 1;
      else if (answer.kind === 'looked') replica.looked = answer.times;
      else replica.consumes = true;
    });
    all.push(replica);
    await until(`${replica.name} consumes`, () => replica.consumes);
  };
  const dead = async (replica: Replica): Promise<void> => {
    if (replica.process.exitCode === null && replica.process.signalCode === null)
      await once(replica.process, 'exit');
    all = all.filter((one) => one !== replica);
  };

  const delivery = (key: string, n: number): Delivery => ({
    ...busMessage(cancelada(key, 'p', n), 'campaign', runtime),
    publishedAt: runtime.now(),
  });
  const numbers = (from: number, to: number): number[] =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i);
  /** Holds messages of a key, as a consumer does that could not handle the first of them. */
  const hold = async (key: string, ns: readonly number[], state: HeldState = 'RETRYING'): Promise<void> => {
    const now = new Date();
    const held = ns.map((n): NewHeld => {
      const { topic, properties, payload, publishedAt } = delivery(key, n);
      const message = { subscription: SUBSCRIPTION, key, topic, properties, payload, publishedAt };
      const first = n === ns[0] ? state : 'RETRYING';
      return { ...message, cause: 'test', attempts: 0, state: first, nextAt: now, heldAt: now };
    });
    const store = sqlStore(database);
    await store.transaction(async (tx) => store.hold(tx, held));
  };
  const tellAll = (told: Told): void => {
    for (const replica of all) replica.tell(told);
  };
  /** Whoever stands amid `message`, alone. */
  const whoIsAmid = async (message: string, but?: Replica): Promise<Replica> => {
    const found = (): Replica[] => all.filter((one) => one !== but && one.amid.includes(message));
    await until(`somebody handles ${message}`, () => found().length > 0);
    return found()[0] as Replica;
  };
  /** Each replica has looked anew for what is due. */
  const looks = async (times: number, of: readonly Replica[] = all): Promise<void> => {
    const before = of.map(({ looked }) => looked);
    await until('each has looked again', () =>
      of.every(({ looked }, i) => looked >= (before[i] ?? 0) + times),
    );
  };
  const handled = (key: string) => database.query<{ message: string; replica: string }>(HANDLED, [key]);
  const free = async (key: string): Promise<boolean> => {
    const [{ held, blocked }] = await database.query(LEFT, [key]);
    return held === 0 && blocked === 0;
  };
  /** Messages 1 to `n` of the key were handled and their events written, each once, in order, and nothing is left. */
  const expectAll = async (key: string, n: number): Promise<void> => {
    await until(`nothing of ${key} is held`, () => free(key));
    const expected = numbers(1, n).map((each) => `${key}/${each}`);
    await until('all are handled', async () => (await handled(key)).length >= n);
    assert.equal(
      (await handled(key)).map(({ message }) => message),
      expected,
    );
    const written = await database.query<{ message: string }>(WRITTEN, [key]);
    assert.equal(
      written.map(({ message }) => message),
      expected,
    );
  };

  test.before(async () => {
    database = await openPostgres({
      url: server.url,
      database: name,
      poolSize: 4,
      applicationName: 'drains test',
      statementTimeoutMs: 10_000,
      lockTimeoutMs: 5_000,
    });
    await migrate(database, [migrations], runtime);
    await database.transaction((tx) => tx.script(handledTableSql));
    await Promise.all([start(), start()]);
  });
  test.after(async () => {
    for (const { process: child } of all) child.kill('SIGKILL');
    await Promise.all(all.map(dead));
    await database.close();
    await server.stop();
  });

  test.after.each(() => tellAll({ kind: 'go' }));

  test('each is handled once, in order, and what comes meanwhile at any replica stays behind', async () => {
    // The bus gives a key's messages to one replica, be it the one that drains the key or another.
    for (const key of ['drained here', 'drained elsewhere']) {
      tellAll({ kind: 'gate', message: `${key}/2` });
      await hold(key, numbers(1, 5));
      const amid = await whoIsAmid(`${key}/2`);
      const other = all.find((replica) => replica !== amid) as Replica;
      const receiver = key === 'drained here' ? amid : other;
      const before = receiver.acknowledged;
      receiver.tell({ kind: 'deliver', batch: [delivery(key, 6), delivery(key, 7)] });
      const looked = other.looked + 2;
      // Its drain meets the lock as well, which it waits for, and is not to be had.
      await until(
        'the other drain has looked',
        () => other.looked >= looked || other.amid.includes(`${key}/2`),
      );
      assert.is(receiver.acknowledged, before, 'what comes waits for the drain');
      assert.not(other.amid.includes(`${key}/2`), 'one drain alone is amid the message');
      tellAll({ kind: 'go' });
      await until('it is acknowledged', () => receiver.acknowledged > before);
      await expectAll(key, 7);
    }
  });

  test('of many keys each goes in order, whichever drain takes which message', async () => {
    const keys = numbers(1, 12).map((n) => `key ${n}`);
    await Promise.all(keys.map((key) => hold(key, numbers(1, 6))));
    const coming = [...keys];
    await Promise.all(
      all.map(async (replica, at) => {
        for (const key of coming.filter((_, i) => i % all.length === at)) {
          const before = replica.acknowledged;
          replica.tell({ kind: 'deliver', batch: [delivery(key, 7), delivery(key, 8)] });
          await until('it is acknowledged', () => replica.acknowledged > before);
        }
      }),
    );
    for (const key of keys) await expectAll(key, 8);
  });

  test('when a replica is killed amid a held message another one goes on with it', async () => {
    tellAll({ kind: 'gate', message: 'amid/2' });
    await hold('amid', numbers(1, 4));
    const victim = await whoIsAmid('amid/2');
    victim.process.kill('SIGKILL');
    const other = await whoIsAmid('amid/2', victim);
    assert.equal(
      (await handled('amid')).map(({ message }) => message),
      ['amid/1'],
    );
    other.tell({ kind: 'go' });
    await dead(victim);
    await expectAll('amid', 4);
    assert.ok((await handled('amid')).slice(1).every(({ replica }) => replica === other.name));
    await start();
  });

  test('what a replica has committed before it died, and told nobody, is not handled again', async () => {
    tellAll({ kind: 'die', message: 'told/2' });
    const before = [...all];
    await hold('told', numbers(1, 4));
    await until('one of them is dead', () => before.some(({ process: child }) => child.signalCode !== null));
    await dead(before.find(({ process: child }) => child.signalCode !== null) as Replica);
    await expectAll('told', 4);
    assert.is(all.length, 1);
    await start();
  });

  test('a parked message stays parked for all of them, with what is behind it, and is handled once when an operator frees it', async () => {
    const keys = numbers(1, 6).map((n) => `parked ${n}`);
    await Promise.all(keys.map((key) => hold(key, numbers(1, 3), 'PARKED')));
    await Promise.all(
      all.map(async (replica, at) => {
        const before = replica.acknowledged;
        replica.tell({
          kind: 'deliver',
          batch: keys.slice(3 * at, 3 * at + 3).map((key) => delivery(key, 4)),
        });
        await until('it is acknowledged', () => replica.acknowledged > before);
      }),
    );
    await looks(3);
    for (const key of keys) assert.equal(await handled(key), [], key);
    const store = sqlStore(database);
    const parked = await store.listHeld({ after: 0, limit: 100, state: 'PARKED' });
    assert.is(parked.length, keys.length);
    // Twice each, at once, with the drains at work: the second finds it free already, or gone.
    const verbs = parked.flatMap(({ id }) => [id, id]);
    await Promise.all(
      verbs.map((id) => retryHeldMessage(store, { id, who: 'ana', reason: 'arreglado' }, new Date())),
    );
    for (const key of keys) await expectAll(key, 4);
  });

  test('a key that somebody keeps locked holds up no other', async () => {
    await hold('locked', [1, 2], 'PARKED');
    const store = sqlStore(database);
    const [head] = await store.listHeld({ after: 0, limit: 100, state: 'PARKED' });
    await store.transaction(async (tx) => {
      await tx.query(LOCK, ['locked']);
      await store.transaction(async (other) =>
        store.updateHeld(other, { ...head, state: 'RETRYING' } as HeldMessage),
      );
      await looks(1);
      await hold('flows', [1, 2]);
      await expectAll('flows', 2);
      assert.equal(await handled('locked'), []);
    });
    await expectAll('locked', 2);
  });
}

test.run();
