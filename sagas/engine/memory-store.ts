import type { MemoryDatabase, MemoryTransaction } from '@cordada/infra/messaging/memory-store.ts';
import { type Instance, isEnded } from './instance.ts';
import type { LogRow, SagaStore } from './store.ts';

/** The tables by name, for who looks into them. */
export const sagaTable = (tx: MemoryTransaction) => tx.table<Instance>('saga');
export const sagaLogTable = (tx: MemoryTransaction) => tx.table<LogRow>('saga_log');

/** Sagas in memory. Its transactions run one at a time, so nothing needs a lock. */
export function memorySagaStore(database: MemoryDatabase): SagaStore<MemoryTransaction> {
  return {
    async lock(tx, ids) {
      const sagas = sagaTable(tx);
      const found = ids.flatMap((id) => sagas.get(id) ?? []);
      const originals = found.flatMap(({ origin }) => (origin.deshace && sagas.get(origin.deshace)) || []);
      return new Map([...found, ...originals].map((saga) => [saga.id, saga]));
    },
    save(tx, { inserted, updated }) {
      for (const { saga } of inserted) sagaTable(tx).insert(saga.id, saga);
      for (const { saga } of updated) sagaTable(tx).set(saga.id, saga);
      for (const { saga, entries } of [...inserted, ...updated]) {
        if (entries === null) continue;
        const { id, version, status, updatedAt } = saga;
        const row = { saga: id, n: version, status, at: new Date(updatedAt), entries };
        sagaLogTable(tx).insert(`${id}/${version}`, row);
      }
    },
    async log(tx, id) {
      const rows = sagaLogTable(tx);
      const { version = 0 } = sagaTable(tx).get(id) ?? {};
      return Array.from({ length: version }, (_, before) => rows.get(`${id}/${before + 1}`)).filter(
        (row) => row !== undefined,
      );
    },
    upcoming: (limit) =>
      database.transaction(async (tx) =>
        [...sagaTable(tx).values()]
          .flatMap(({ id, wakeAt }) => (wakeAt === null ? [] : [{ id, at: wakeAt }]))
          .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
          .slice(0, limit),
      ),
    live: () =>
      database.transaction(async (tx) => {
        const counts = new Map<string, { tipo: string; definition: string; sagas: number }>();
        for (const { tipo, definition, status } of sagaTable(tx).values()) {
          if (isEnded(status)) continue;
          const count = counts.get(definition) ?? { tipo, definition, sagas: 0 };
          counts.set(definition, { ...count, sagas: count.sagas + 1 });
        }
        return [...counts.values()];
      }),
  };
}
