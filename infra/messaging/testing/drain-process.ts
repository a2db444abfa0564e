import { contracts } from '@cordada/schemas';
import type { Delivery, Subscription } from '../../bus/bus.ts';
import { type SqlTransaction, statement } from '../../database/database.ts';
import { openPostgres } from '../../database/postgres.ts';
import { systemRuntime } from '../../system-runtime.ts';
import { consume } from '../consumer.ts';
import type { BatchHandler } from '../pipeline.ts';
import { sqlStore } from '../sql-store.ts';
import type { MessagingStore } from '../store.ts';
import { cancelada, SUBSCRIPTION } from './pipeline.ts';
import { silent, unmeasured, unpublishedWork } from './unobserved.ts';

/** What a test tells the replica. A message is named by its saga and number: `s/1`. */
export type Told =
  /** The bus hands it a batch. */
  | { readonly kind: 'deliver'; readonly batch: readonly Delivery[] }
  /** Stops amid this message, its transaction open, until `go`. */
  | { readonly kind: 'gate'; readonly message: string }
  | { readonly kind: 'go' }
  /** Dies as soon as the transaction that has handled this message is committed. */
  | { readonly kind: 'die'; readonly message: string };

/** What the replica answers. */
export type Answer =
  | { readonly kind: 'consumes' }
  /** The batches are acknowledged in order. */
  | { readonly kind: 'acknowledged' }
  | { readonly kind: 'amid'; readonly message: string }
  /** It has looked for held messages that are due, so many times. */
  | { readonly kind: 'looked'; readonly times: number };

export const handledTableSql =
  'CREATE TABLE handled (seq int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, message text NOT NULL, replica text NOT NULL)';
const RECORD = statement('test.handled', 'INSERT INTO handled (message, replica) VALUES ($1, $2)');

/** Long enough for what a test does meanwhile, and short for one that waits until a lock is not to be had. */
const LOCK_TIMEOUT_MS = 300;

/**
 * One replica of a service that reads a subscription: its consumer, and its drain of held messages. Its handler makes
 * no claims, so that only the pipeline keeps a held message from being handled twice. It publishes an event for each;
 * no relay takes that out of the outbox.
 */
async function run(url: string, database: string, name: string): Promise<void> {
  const tell = (answer: Answer): void => void process.send?.(answer);
  const runtime = systemRuntime();
  const opened = await openPostgres({
    url,
    database,
    poolSize: 3,
    applicationName: name,
    statementTimeoutMs: 10_000,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    hold: 'shared',
  });
  const gates = new Set<string>();
  const last = new Set<string>();
  let go = (): void => {};
  let looked = 0;

  const sql = sqlStore(opened);
  let deadly = false;
  const store: MessagingStore<SqlTransaction> = {
    ...sql,
    async transaction(work) {
      const result = await sql.transaction(work);
      if (deadly) {
        process.kill(process.pid, 'SIGKILL');
        await new Promise<never>(() => {});
      }
      return result;
    },
    dueHeldKeys(...which) {
      looked += 1;
      tell({ kind: 'looked', times: looked });
      return sql.dueHeldKeys(...which);
    },
  };
  const handler: BatchHandler<SqlTransaction> = {
    answersFaults: new Set(),
    async handle(tx, batch) {
      const publish = [];
      for (const { envelope, body } of batch) {
        const { motivo } = body as { motivo: string };
        const message = `${envelope.correlationId}/${motivo}`;
        await tx.query(RECORD, [message, name]);
        if (gates.delete(message)) {
          tell({ kind: 'amid', message });
          await new Promise<void>((resolve) => {
            go = resolve;
          });
        }
        deadly ||= last.has(message);
        publish.push({
          ...cancelada(envelope.correlationId, envelope.subject, Number(motivo)),
          contract: contracts.PartnerCancelado,
          body: { id_partner: envelope.subject, motivo, fecha: new Date(0) },
          idempotencyKey: message,
        });
      }
      return { result: undefined, publish };
    },
  };
  let receive: (batch: readonly Delivery[]) => Promise<void> = async () => {};
  await consume({
    store,
    unitOfWork: unpublishedWork(store, runtime),
    bus: {
      async subscribe(_, taken): Promise<Subscription> {
        receive = taken;
        return { close: async () => {} };
      },
    },
    runtime,
    subscription: SUBSCRIPTION,
    contracts: [contracts.CampaignCancelada],
    handler,
    log: silent,
    metrics: unmeasured,
    settings: { heldPollMs: 20, transient: { firstMs: 5, mostMs: 50 }, held: { firstMs: 20, mostMs: 100 } },
  });
  process.on('message', (told: Told) => {
    if (told.kind === 'gate') gates.add(told.message);
    else if (told.kind === 'die') last.add(told.message);
    else if (told.kind === 'go') go();
    else void receive(told.batch).then(() => tell({ kind: 'acknowledged' }));
  });
  process.once('disconnect', () => process.exit(0));
  tell({ kind: 'consumes' });
}

if (process.send) {
  const [url = '', database = '', name = ''] = process.argv.slice(2);
  await run(url, database, name);
}
