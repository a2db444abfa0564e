import type { Database, SqlTransaction } from '../database/database.ts';
import { isTransient, sqlState } from '../database/faults.ts';
import { held } from './sql/held.ts';
import { inbox } from './sql/inbox.ts';
import { outbox } from './sql/outbox.ts';
import { requests } from './sql/requests.ts';
import { KEY_IS_HELD, type MessagingStore } from './store.ts';

/** The pipeline's tables in a service's own database (migrations/). */
export const sqlStore = (database: Database): MessagingStore<SqlTransaction> => ({
  transaction: (work) => database.transaction(work),
  classify: (error) => {
    if (isTransient(error)) return 'transient';
    const state = sqlState(error);
    if (state === KEY_IS_HELD) return 'held';
    return state === '23505' ? 'conflict' : 'permanent';
  },
  ...inbox,
  ...outbox(database),
  ...held(database),
  ...requests(database),
});
