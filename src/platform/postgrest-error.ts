import type { Problem, ProblemName } from './problem.js';

/**
 * A problem as PostgREST's clients read errors: `code`, `message`, `details`, `hint`. Codes are PostgREST's or the SQLSTATE that
 * its clients know for the same fault; what they have no word for keeps the name it has in our catalog.
 * Source: https://docs.postgrest.org/en/v13/references/errors.html
 */
export interface PostgrestError {
  readonly code: string;
  readonly message: string;
  readonly details: unknown;
  readonly hint: string | null;
}

const CODES: Partial<Record<ProblemName, string>> = {
  'request/invalid-query': 'PGRST100',
  'request/too-complex': 'PGRST100',
  'request/too-many-waiting': 'PGRST003',
  'request/malformed-json': 'PGRST102',
  'request/range-not-satisfiable': 'PGRST103',
  'request/unknown-profile': 'PGRST106',
  'request/not-acceptable': 'PGRST107',
  'request/unsupported-media-type': 'PGRST107',
  'request/not-found': 'PGRST125',
  'request/unknown-relationship': 'PGRST200',
  'request/ambiguous-relationship': 'PGRST201',
  'entity/not-found': 'PGRST205',
  'auth/invalid-token': 'PGRST301',
  'auth/missing-credentials': 'PGRST302',
  'auth/forbidden': '42501',
  'auth/issuer-unavailable': 'PGRST001',
  'past/out-of-reach': 'PGRST100',
  'record/field-forbidden': '42501',
  'record/row-forbidden': '42501',
  'record/not-single': 'PGRST116',
  'record/not-found': 'PGRST116',
  'record/too-many-affected': 'PGRST124',
  'record/invalid': '23514',
  'record/duplicate': '23505',
  'record/key-repeated': '21000',
  'record/reference-missing': '23503',
  'record/still-referenced': '23503',
  'database/invalid-value': '22P02',
  'database/unavailable': 'PGRST001',
  'database/timeout': '57014',
  'database/conflict': '40001',
  'service/internal': 'PGRSTX00',
};

export function postgrestError(problem: Problem): PostgrestError {
  const { code, title, detail, extensions } = problem;
  const { errors, candidates, rows } = extensions;
  if (code === 'record/not-single') {
    return {
      ...{ code: 'PGRST116', message: 'Cannot coerce the result to a single JSON object' },
      ...{ details: `The result contains ${rows} rows`, hint: null },
    };
  }
  const details = errors?.map(({ pointer, message }) => `${pointer}: ${message}`).join('; ') ?? candidates ?? null;
  return { code: CODES[code] ?? code, message: errors ? title : detail, details, hint: errors ? detail : null };
}
