import { ConfigError } from '../config/declare.ts';
import { DataDirInUse } from '../database/data-dir.ts';
import { DatabaseInUse } from '../database/hold.ts';
import { MigrationRefused } from '../database/migrate.ts';
import { RoleRefused } from '../database/role.ts';
import { PortRefused } from './ports.ts';
import { StartRefused } from './start-refused.ts';

/** An argument that no program of ours knows. */
export class UnknownArgument extends Error {
  override readonly name = 'UnknownArgument';
}

const ours = [
  ConfigError,
  DataDirInUse,
  MigrationRefused,
  DatabaseInUse,
  RoleRefused,
  PortRefused,
  StartRefused,
  UnknownArgument,
];

const isOurs = (error: unknown): boolean => ours.some((kind) => error instanceof kind);
const mistakes = [TypeError, ReferenceError, RangeError, SyntaxError];

/** Whether no wait mends what kept a program from starting: our own refusals, and mistakes in the code. */
export const isRefusal = (error: unknown): boolean => {
  if (isOurs(error)) return true;
  // `fetch` tells that a server is away by a TypeError that has a cause.
  return mistakes.some((kind) => error instanceof kind) && (error as Error).cause === undefined;
};

/** Why a server cannot be used, in one line. @param databaseUrl DATABASE_URL, where it is set */
export const reasonOf = (error: unknown, databaseUrl: string | undefined): string => {
  const [line = ''] = (isServerFault(error) ? explain(error, databaseUrl) : messageOf(error)).split('\n');
  return line;
};

/** A server that several addresses were tried for rejects with all of their errors, and no message of its own. */
const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.message === '') return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
};

const isServerFault = (error: unknown): boolean => {
  const code = (error as { code?: unknown } | null)?.code;
  // Five characters: a Postgres SQLSTATE; E…: the operating system's.
  return typeof code === 'string' && /^([0-9A-Z]{5}|E[A-Z_]+)$/.test(code);
};

/**
 * What to tell whoever started the product and finds that it does not: a line for each reason, without a stack where
 * the reason lies outside the code.
 * @param databaseUrl DATABASE_URL, where it is set
 */
export const explain = (error: unknown, databaseUrl: string | undefined): string => {
  if (isOurs(error)) return (error as Error).message;
  if (databaseUrl !== undefined && isServerFault(error)) {
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
