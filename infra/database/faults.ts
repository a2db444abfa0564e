/** SQLSTATE classes and codes that the same statement may not meet again. Source: PostgreSQL, Appendix A. */
const TRANSIENT_CLASSES = new Set([
  '08', // connection exception
  '40', // transaction rollback: serialization failure, deadlock
  '53', // insufficient resources: disk full, too many connections
  '57', // operator intervention: cancelled, shut down, crashed, starting up
  '58', // system error
]);
const TRANSIENT_CODES = new Set([
  '25006', // read only: the primary became a standby, or a BEGIN was cancelled (postgres.ts)
  '25P03', // idle in transaction for too long
  '55P03', // lock not available
]);
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
]);
/** What pg, its pool and PGlite say without any code when the connection is lost, or none could be had in time. */
const CONNECTION_MESSAGES =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|timeout exceeded when trying to connect|Query read timeout|Cannot use a pool after calling end|PGlite is clos)/;
const SQLSTATE = /^[0-9A-Z]{5}$/;
const CONSTRAINT_CLASS = '23';

interface DatabaseFault {
  readonly code?: unknown;
  readonly constraint?: unknown;
  readonly severity?: unknown;
  readonly message?: unknown;
  readonly errors?: unknown;
}

const faultOf = (error: unknown): DatabaseFault => (typeof error === 'object' && error !== null ? error : {});

/** The SQLSTATE of what the database refused; undefined for any other error. */
export function sqlState(error: unknown): string | undefined {
  const { code, severity } = faultOf(error);
  return typeof code === 'string' && severity !== undefined && SQLSTATE.test(code) ? code : undefined;
}

/**
 * Whether the database was away, busy or in conflict, so that the same work may succeed later. Whether the work was
 * committed is then unknown. Everything else would fail again.
 */
export function isTransient(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return TRANSIENT_CLASSES.has(state.slice(0, 2)) || TRANSIENT_CODES.has(state);
  const { code, message, errors } = faultOf(error);
  // Node tries every address of a name and reports them together.
  if (Array.isArray(errors) && errors.length > 0) return errors.every(isTransient);
  if (typeof code === 'string' && CONNECTION_CODES.has(code)) return true;
  return typeof message === 'string' && CONNECTION_MESSAGES.test(message);
}

/** Whether a unique, foreign key, not null, check or exclusion constraint refused the work. */
export const isConstraint = (error: unknown): boolean =>
  sqlState(error)?.startsWith(CONSTRAINT_CLASS) ?? false;

/** The name of the constraint or unique index that refused the work; undefined for any other error. */
export function constraintName(error: unknown): string | undefined {
  const { constraint } = faultOf(error);
  return isConstraint(error) && typeof constraint === 'string' ? constraint : undefined;
}
