import { PrismaPg } from '@prisma/adapter-pg';
import type { ServiceDatabase } from './pool-database.ts';

/**
 * What a generated client runs on: `new PrismaClient({ adapter: prismaAdapter(database) })`. It shares the database's
 * connections, on PGlite its only one: await nothing else of that process inside an interactive transaction.
 */
export const prismaAdapter = (database: ServiceDatabase): PrismaPg =>
  new PrismaPg(database.pool, { schema: database.schema });
