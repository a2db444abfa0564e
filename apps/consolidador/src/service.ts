import { fileURLToPath } from 'node:url';
import { messagingMigrations } from '@cordada/infra/service/messaging.ts';
import { buildParticipant } from '@cordada/infra/service/participant-service.ts';
import type { Service, ServiceDeps } from '@cordada/infra/service/service.ts';
import { type ExpirySweep, expirySweep, sqlReservations } from './expiry-sweep.ts';
import { keepLedgerShort } from './ledger-retention.ts';
import { stockReads } from './reads.ts';
import { addStockRoutes } from './routes.ts';
import { stockCapability } from './store.ts';

/** Folders of the migrations that its database needs, in order. */
export const migrations = [
  messagingMigrations,
  fileURLToPath(new URL('../prisma/migrations', import.meta.url)),
];

const DAY_MS = 86_400_000;

export const build = (deps: ServiceDeps): Promise<Service> => {
  const { database, runtime, log } = deps;
  const { RESERVA_TTL_MS: ttlMs, RETAIN_LEDGER_DAYS } = deps.settings;
  let sweep: ExpirySweep | undefined;
  let endRetention: (() => Promise<void>) | undefined;
  return buildParticipant(deps, {
    name: 'consolidador',
    description: 'Keeps the stock: the single writer of the inventory. Called by the BFF only.',
    capability: stockCapability(ttlMs),
    addRoutes: (app) => addStockRoutes(app, stockReads(database), runtime),
    async started({ unitOfWork }) {
      sweep = expirySweep({ reservations: sqlReservations(database), unitOfWork, runtime, log, ttlMs });
      sweep.start();
      endRetention = keepLedgerShort({ database, runtime, log, keptMs: RETAIN_LEDGER_DAYS * DAY_MS });
    },
    async close() {
      await Promise.all([sweep?.close(), endRetention?.()]);
    },
  });
};
