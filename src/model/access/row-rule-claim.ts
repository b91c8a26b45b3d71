/**
 * What a claim says to a row rule, twice: in the service, and in SQL for the policies, which ask the signed context. Both read the
 * same claims by the same rules: of the JSON type that values of the column have, or not known at all, never bent to fit.
 */

import type { ColumnType } from '../entity.js';
import { quoteLiteral } from '../sql.js';
import type { Claims, ClaimValue } from './claims.js';

/** Of whom rules ask. */
export interface RowCaller {
  readonly subject: string;
  /** Names that count. */
  readonly roles: readonly string[];
  /** null: more than a transaction can carry; nothing is known then. */
  readonly claims: Claims | null;
}

/** Names the subject, whatever the claims are. */
const SUBJECT = 'sub';

type ClaimType = 'text' | 'uuid' | 'boolean' | 'bigint' | 'double precision' | 'numeric';

/** Whether Postgres can convert every text that passes without an error. */
const READERS: Record<ClaimType, { readonly text: (value: ClaimValue) => string | null; readonly sql: string }> = {
  text: { text: stringOf, sql: "case when jsonb_typeof(claim) = 'string' then claim #>> '{}' end" },
  uuid: {
    text: (value) => matching(stringOf(value), /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i),
    sql: "case when jsonb_typeof(claim) = 'string' and claim #>> '{}' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then (claim #>> '{}')::uuid end",
  },
  numeric: {
    text: (value) => matching(stringOf(value), /^-?[0-9]{1,100}(?:[.][0-9]{1,100})?$/),
    sql: "case when jsonb_typeof(claim) = 'string' and claim #>> '{}' ~ '^-?[0-9]{1,100}([.][0-9]{1,100})?$' then (claim #>> '{}')::numeric end",
  },
  boolean: {
    text: (value) => (typeof value === 'boolean' ? String(value) : null),
    sql: "case when jsonb_typeof(claim) = 'boolean' then claim = 'true'::jsonb end",
  },
  bigint: {
    text: (value) => (typeof value === 'number' ? integerText(String(value)) : null),
    sql: "case when jsonb_typeof(claim) = 'number' and claim #>> '{}' ~ '^-?[0-9]{1,19}$' then case when (claim #>> '{}')::numeric between -9223372036854775808 and 9223372036854775807 then (claim #>> '{}')::bigint end end",
  },
  'double precision': {
    text: (value) => (typeof value === 'number' ? String(value) : null),
    sql: "case when jsonb_typeof(claim) = 'number' then (claim #>> '{}')::double precision end",
  },
};

/** Types of columns that claims can be compared with. */
export const CLAIM_TYPES: ReadonlySet<ColumnType> = new Set(Object.keys(READERS) as ClaimType[]);

/** One value of the column's type, as text; null: the caller has no such claim. */
export function claimText(caller: RowCaller, claim: string, type: ColumnType): string | null {
  const value = claimOf(caller, claim);
  return value === undefined ? null : READERS[type as ClaimType].text(value);
}

/** One value alone is a list of it; one element of another type, and nothing is known of the list. */
export function claimTexts(caller: RowCaller, claim: string, type: ColumnType): readonly string[] | null {
  const value = claimOf(caller, claim);
  if (value === undefined) return null;
  const texts = (Array.isArray(value) ? value : [value]).map((each) => READERS[type as ClaimType].text(each));
  return texts.some((text) => text === null) ? null : (texts as string[]);
}

/** SQL of one value of the column's type, worked out once per statement. */
export function claimSql(claim: string, type: ColumnType): string {
  return `(select ${READERS[type as ClaimType].sql} from ${said(claim)})`;
}

/** SQL of a list of them; the cast makes it one value, where `= any` would take its rows. */
export function claimsSql(claim: string, type: ColumnType): string {
  const { sql } = READERS[type as ClaimType];
  const elements = "jsonb_array_elements(jsonb_path_query_array(said.claim, '$[*]')) as element (claim)";
  const known = `said.claim is not null and not exists (select from ${elements} where (${sql}) is null)`;
  return `(select case when ${known} then array(select ${sql} from ${elements}) end from ${said(claim)})::${type}[]`;
}

/** Not merged with what is around it, which would ask for the context as often as it names the claim. */
function said(claim: string): string {
  const place = claim === SUBJECT ? `'${SUBJECT}'` : `'claims' -> ${quoteLiteral(claim)}`;
  return `(select bss.caller() -> ${place} as claim offset 0) as said`;
}

function claimOf({ subject, claims }: RowCaller, name: string): ClaimValue | undefined {
  if (name === SUBJECT) return subject;
  return claims && Object.hasOwn(claims, name) ? claims[name] : undefined;
}

function stringOf(value: ClaimValue): string | null {
  return typeof value === 'string' ? value : null;
}

function matching(text: string | null, pattern: RegExp): string | null {
  return text !== null && pattern.test(text) ? text : null;
}

const [LEAST, MOST] = [-(2n ** 63n), 2n ** 63n - 1n];

function integerText(text: string): string | null {
  if (!/^-?[0-9]{1,19}$/.test(text)) return null;
  const value = BigInt(text);
  return value >= LEAST && value <= MOST ? text : null;
}
