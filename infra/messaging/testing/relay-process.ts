import { writeSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { BusMessage, Settled } from '../../bus/bus.ts';
import { statement } from '../../database/database.ts';
import { isTransient } from '../../database/faults.ts';
import { openPostgres } from '../../database/postgres.ts';
import { systemRuntime } from '../../system-runtime.ts';
import { createLease } from '../lease.ts';
import { createRelay } from '../relay.ts';
import { createSignals } from '../signals.ts';
import { sqlStore } from '../sql-store.ts';
import type { NewOutboxRow } from '../store.ts';
import { silent, unmeasured } from './unobserved.ts';

/**
 * One replica of a service that only writes: to the aggregates of a database that others write to as well, a row of
 * the outbox each. What it publishes goes to a recorder on a TCP port, which acknowledges it. On stdout: `leads` and
 * `follows`. SIGTERM drains it.
 */
const [url = '', database = '', recorder = '', name = ''] = process.argv.slice(2);
const KEYS = ['a', 'b', 'c', 'd'];
const LOCK = statement('test.lock', 'SELECT n FROM aggregate WHERE key = $1 FOR UPDATE');
const NEXT = statement('test.next', 'UPDATE aggregate SET n = $2 WHERE key = $1');

const runtime = systemRuntime();
const opened = await openPostgres({
  url,
  database,
  poolSize: 3,
  applicationName: name,
  statementTimeoutMs: 10_000,
  lockTimeoutMs: 5_000,
  hold: 'shared',
});

const socket = connect(Number(recorder), '127.0.0.1');
const answers = new Map<number, (settled: Settled[]) => void>();
let calls = 0;
createInterface({ input: socket }).on('line', (line) => {
  const { call, count } = JSON.parse(line) as { call: number; count: number };
  answers.get(call)?.(Array.from({ length: count }, () => ({ status: 'durable' as const })));
  answers.delete(call);
});
const publish = (messages: readonly BusMessage[]): Promise<Settled[]> =>
  new Promise((resolve) => {
    calls += 1;
    answers.set(calls, resolve);
    const sent = messages.map(({ key, properties }) => ({ key, n: Number(properties.idempotencykey) }));
    socket.write(`${JSON.stringify({ call: calls, by: name, sent })}\n`);
  });

const store = sqlStore(opened);
const { listen } = opened;
if (!listen) throw new Error('this database cannot be shared');
const signals = createSignals({ database: opened, listen, runtime, log: silent });
const lease = createLease({ store, runtime, log: silent });
const relay = createRelay({
  store,
  bus: { publish },
  service: 'partner',
  runtime,
  log: silent,
  metrics: unmeasured,
  replicas: {
    lease: {
      ...lease,
      start: (listener) =>
        lease.start({
          taken() {
            writeSync(1, 'leads\n');
            listener.taken();
          },
          lost() {
            writeSync(1, 'follows\n');
            listener.lost();
          },
        }),
    },
    written: () => signals.send('outbox'),
    released: () => signals.send('lease'),
  },
});
signals.on('outbox', relay.wake);
signals.on('lease', lease.look);
signals.start();
relay.start();

let writing = true;
const write = async (key: string): Promise<void> => {
  let ticket: ReturnType<typeof relay.announce> | undefined;
  let seqs: Promise<readonly number[]> = Promise.resolve([]);
  try {
    const row = await store.transaction(async (tx): Promise<NewOutboxRow> => {
      const [aggregate] = await tx.query<{ n: number }>(LOCK, [key]);
      const n = (aggregate?.n ?? 0) + 1;
      const props = { t: 0, v: '1.0#0000000000000000', k: String(n), s: key, p: '' };
      const row = {
        topic: 'partner/PartnerRegistrado.v1',
        key,
        id: runtime.uuid(),
        props,
        payload: Buffer.alloc(0),
      };
      ticket = relay.announce([key]);
      seqs = store.enqueue(tx, [row]);
      seqs.catch(() => undefined); // it fails the transaction
      void tx.write(NEXT, [key, n]);
      return row;
    });
    const [seq = 0] = await seqs;
    ticket?.committed([{ ...row, seq }]);
  } catch (error) {
    ticket?.abandoned(isTransient(error) ? 'unknown' : 'rolled-back');
    if (!isTransient(error)) throw error;
  }
};
const writers = KEYS.map(async (key) => {
  while (writing) {
    await write(key);
    await pause(runtime.random() * 20);
  }
});

process.once('SIGUSR2', () => {
  writing = false;
});
process.once('SIGTERM', () => {
  writing = false;
  void (async () => {
    await Promise.all(writers);
    await relay.drain(5_000);
    await signals.close();
    await opened.close();
    socket.end();
    process.exit(0);
  })();
});
