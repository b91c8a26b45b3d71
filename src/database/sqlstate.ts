import { DatabaseError } from 'pg';
import { QueryFailedError } from 'typeorm';
import { Problem, type ProblemName } from '../platform/problem.js';

/**
 * The one table from SQLSTATE to problem. Raw Postgres text never reaches a client: what is said is written here. What a
 * constraint means is known above, so those who own a table map its constraint names first (such as `constraintProblem`).
 */

const BY_SQLSTATE: Readonly<Record<string, readonly [ProblemName, string]>> = {
  '22P02': ['database/invalid-value', 'A value does not have the syntax of its column.'],
  '22003': ['database/invalid-value', 'A number is out of the range of its column.'],
  '22007': ['database/invalid-value', 'A date or time does not have the syntax of its column.'],
  '22008': ['database/invalid-value', 'A date or time is out of range.'],
  '22021': ['database/invalid-value', 'A text holds characters that cannot be stored.'],
  '22P05': ['database/invalid-value', 'A text holds characters that cannot be stored.'],
  '23502': ['database/invalid-value', 'A required value is missing.'],
  '23514': ['database/invalid-value', 'A value breaks a rule of its column.'],
  '23505': ['record/duplicate', 'A unique value is already taken.'],
  '23503': ['record/reference-missing', 'A relation points at a record that does not exist, or is still referred to.'],
  '40001': ['database/conflict', 'Another transaction changed the same data. Send the request again.'],
  '40P01': ['database/conflict', 'Two transactions waited for each other. Send the request again.'],
  '55P03': ['database/timeout', 'A lock could not be had in time. Send the request again.'],
  '57014': ['database/timeout', 'The statement ran longer than the service allows. Narrow the request and send it again.'],
  '25P04': ['database/timeout', 'The transaction ran longer than the service allows. Send a smaller request.'],
  '53300': ['database/unavailable', 'The database takes no more connections. Try again shortly.'],
  '42501': ['database/context-missing', 'The database refused the statement. Nothing was read or changed.'],
};

const UNAVAILABLE: readonly [ProblemName, string] = [
  'database/unavailable',
  'The database cannot be reached. Try again shortly.',
];

/** The server's error behind whatever a driver wrapped it in. */
export function databaseErrorOf(error: unknown): (DatabaseError & { code: string }) | null {
  const inner = error instanceof QueryFailedError ? error.driverError : error;
  return inner instanceof DatabaseError && typeof inner.code === 'string' ? (inner as DatabaseError & { code: string }) : null;
}

/**
 * An unknown table or column, another type, a prepared plan whose result changed, or a rule that validation has not heard of:
 * our picture of the table is older than the table. What is valid by its document breaks no CHECK and lacks no value.
 */
const CHANGED_TABLE: ReadonlySet<string> = new Set(['42P01', '42703', '42804', '42883', '0A000', '23502', '23514']);

export function meetsChangedTable(error: unknown): boolean {
  return CHANGED_TABLE.has(databaseErrorOf(error)?.code ?? '');
}

/** Raised by `bss.assert_keys`: the tenant's keys have changed since they were opened. */
export function meetsChangedKeys(error: unknown): boolean {
  return databaseErrorOf(error)?.code === 'BSK01';
}

/** Raised by `bss.enter`, which looks once more: the grant was good when the request came. */
const GRANT_MISSING = 'access_grant_in_force';

function grantEnded(): Problem {
  return new Problem('auth/grant-refused', 'The access grant is no longer in force.');
}

export function problemOf(error: unknown): Problem | null {
  if (error instanceof Problem) return error;
  if (databaseErrorOf(error)?.constraint === GRANT_MISSING) return grantEnded();
  const code = codeOf(error);
  if (code === null) return null;
  const known = BY_SQLSTATE[code] ?? (isConnectionFailure(code) ? UNAVAILABLE : null);
  if (!known) return null;
  const headers: Record<string, string> = known[0] === 'database/unavailable' ? { 'Retry-After': '2' } : {};
  return new Problem(known[0], known[1], {}, headers);
}

function codeOf(error: unknown): string | null {
  const server = databaseErrorOf(error);
  if (server) return server.code;
  if (!(error instanceof Error)) return null;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return /timeout exceeded when trying to connect|Connection terminated|not queryable/.test(error.message) ? '08006' : null;
}

/** Class 08, operator intervention (57P0x), and the sockets' own error names. */
function isConnectionFailure(code: string): boolean {
  return /^08|^57P0|^ECONN|^EPIPE$|^ENOTFOUND$|^ETIMEDOUT$|^EAI_/.test(code);
}
