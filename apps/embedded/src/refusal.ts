import { ConfigError } from '@cordada/infra/config/declare.ts';
import { DataDirInUse } from '@cordada/infra/database/data-dir.ts';
import { MigrationRefused } from '@cordada/infra/database/migrate.ts';
import { DatabaseInUse } from '@cordada/infra/database/postgres.ts';
import { PortRefused } from './ports.ts';

/** An argument that no program of ours knows. */
export class UnknownArgument extends Error {
  override readonly name = 'UnknownArgument';
}

const ours = [ConfigError, DataDirInUse, MigrationRefused, DatabaseInUse, PortRefused, UnknownArgument];

/** A server that several addresses were tried for rejects with all of their errors, and no message of its own. */
const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.message === '') return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
};

/**
 * What to tell whoever started the product and finds that it does not: a line for each reason, without a stack where
 * the reason lies outside the code.
 * @param databaseUrl DATABASE_URL, where it is set
 */
export const explain = (error: unknown, databaseUrl: string | undefined): string => {
  if (ours.some((kind) => error instanceof kind)) return (error as Error).message;
  const code = (error as { code?: unknown } | null)?.code;
  // Five characters: a Postgres SQLSTATE; E…: the operating system's.
  if (databaseUrl !== undefined && typeof code === 'string' && /^([0-9A-Z]{5}|E[A-Z_]+)$/.test(code)) {
    return `Postgres at ${new URL(databaseUrl).host} (DATABASE_URL) cannot be used: ${messageOf(error)}`;
  }
  if (
    error instanceof Error &&
    error.cause !== undefined &&
    typeof (error.cause as { code?: unknown }).code === 'string'
  ) {
    return error.message;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
};
