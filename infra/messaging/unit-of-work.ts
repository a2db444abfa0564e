import type { Runtime } from '../runtime.ts';
import type { Log } from './metrics.ts';
import type { Outcome, UnitOfWork } from './pipeline.ts';
import type { Relay, Ticket } from './relay.ts';
import type { MessagingStore } from './store.ts';
import { toOutboxRow } from './wire.ts';

export interface UnitOfWorkOptions<Tx> {
  readonly store: MessagingStore<Tx>;
  readonly relay: Relay;
  readonly runtime: Runtime;
  readonly log: Log;
}

/**
 * Transactions that write what they publish to the outbox, and hand it to the relay once it is committed. When the
 * process dies between the two, the relay's sweep finds the rows.
 */
export function unitOfWork<Tx>({ store, relay, runtime, log }: UnitOfWorkOptions<Tx>): UnitOfWork<Tx> {
  return {
    async transact<R>(work: (tx: Tx) => Promise<Outcome<R>>): Promise<R> {
      let ticket: Ticket | undefined;
      let seqs: Promise<readonly number[]> | undefined;
      try {
        const { outcome, rows } = await store.transaction(async (tx) => {
          const outcome = await work(tx);
          const rows = outcome.publish.map((outgoing) => toOutboxRow(outgoing, runtime));
          if (rows.length > 0) {
            // Before the rows draw their numbers: the relay must know of lower ones that it has not been handed yet.
            ticket = relay.announce(rows.map((row) => row.key));
            seqs = store.enqueue(tx, rows);
            seqs.catch(() => undefined); // it fails the transaction, which reports it
          }
          return { outcome, rows };
        });
        const numbers = (await seqs) ?? [];
        // Named one by one: of so many rows a spread shows in the profile.
        ticket?.committed(
          rows.map(({ topic, key, id, props, payload }, i) => ({
            seq: numbers[i] as number,
            topic,
            key,
            id,
            props,
            payload,
          })),
        );
        try {
          outcome.committed?.();
        } catch (error) {
          log.error({ err: error }, 'what should follow a commit failed');
        }
        return outcome.result;
      } catch (error) {
        ticket?.abandoned(store.classify(error) === 'transient' ? 'unknown' : 'rolled-back');
        throw error;
      }
    },
  };
}
