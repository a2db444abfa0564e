import { MemoryDatabase } from '@cordada/infra/messaging/memory-store.ts';
import { coordinatorSuite } from '../testing/coordinator-suite.ts';
import { memorySagaStore, sagaLogTable, sagaTable } from './memory-store.ts';

coordinatorSuite(
  'memory',
  async () => {
    const database = new MemoryDatabase();
    return {
      store: memorySagaStore(database),
      transaction: (work) => database.transaction(work),
      clear: () =>
        database.transaction(async (tx) => {
          for (const table of [sagaTable(tx), sagaLogTable(tx)])
            for (const [key] of [...table.entries()]) table.delete(key);
        }),
    };
  },
  async () => {},
).run();
