/**
 * From the text in `old` to the type of a column: only a text that the API would return for the value it becomes. Arithmetic
 * and casts stand behind a pattern that excludes their errors, in a CASE: nothing else keeps an order, as Postgres folds the
 * constants of everything else beforehand.
 */

import { columnType } from '../../ddl/column.js';
import type { ColumnType } from '../../entity.js';
import { ADDRESS } from './address-pattern.js';
import { doubleText } from './double-text.js';
import { fixedNumeric, isInDoubleRange, MAX_INTEGER, placesOf, printsAlike } from './number-fits.js';
import { rangeRule } from './range-rules.js';
import type { ColumnKind, TextRule } from './rule.js';
import { CLOCK, DATE, DECIMAL, dayExists, hasFewDigits } from './text-patterns.js';

/** Undefined for jsonb, whose text is not in one form. */
export function textRule(kind: ColumnKind): TextRule | undefined {
  switch (kind.type) {
    case 'jsonb':
      return undefined;
    case 'numeric':
      return numericRule(kind);
    default:
      return RULES[kind.type];
  }
}

/** The API returns a double with at most 21 digits before the point and 22 after it. */
const DOUBLE = '^-?(0|[1-9][0-9]{0,20})([.][0-9]{1,22})?(e[+-][0-9]{1,3})?$';
/** The bits that the last character has beyond the last byte are zero. */
const BASE64 = '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$';
const FRACTION = 'its fraction without zeros at the end';

const RULES: Readonly<Record<Exclude<ColumnType, 'jsonb' | 'numeric'>, TextRule>> = {
  text: { using: (old) => old, says: 'any text' },
  uuid: {
    using: (old) => `${old}::uuid`,
    fits: (old) => `${old} ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'`,
    says: 'a UUID in lower case',
  },
  date: {
    using: (old) => `${old}::date`,
    fits: guarded(`^${DATE}$`, dayExists),
    says: 'a date such as 2024-05-31',
  },
  timestamptz: {
    using: (old) => `${old}::timestamptz`,
    fits: guarded(`^${DATE}T${CLOCK}Z$`, dayExists),
    says: `a date-time in UTC such as 2024-05-31T18:30:00.5Z, ${FRACTION}`,
  },
  timestamp: {
    using: (old) => `${old}::timestamp`,
    fits: guarded(`^${DATE}T${CLOCK}$`, dayExists),
    says: `a date-time without offset such as 2024-05-31T18:30:00.5, ${FRACTION}`,
  },
  time: {
    using: (old) => `${old}::time`,
    fits: (old) => `${old} ~ '^${CLOCK}Z$'`,
    says: `a time in UTC such as 18:30:00.5Z, ${FRACTION}`,
  },
  inet: {
    using: (old) => `${old}::inet`,
    fits: guarded(ADDRESS, (old) => `host(${old}::inet) = ${old}`),
    says: 'an IP address in its canonical form',
  },
  bytea: {
    using: (old) => `decode(${old}, 'base64')`,
    fits: (old) => `${old} ~ '${BASE64}'`,
    says: 'canonical base64 (RFC 4648 §4)',
  },
  bigint: {
    using: (old) => `${old}::bigint`,
    fits: guarded('^(0|-?[1-9][0-9]{0,15})$', (old) => `abs(${old}::bigint) <= ${MAX_INTEGER}`),
    says: 'an integer within ±(2^53−1) without leading zeros',
  },
  'double precision': {
    using: (old) => `${old}::float8`,
    fits: guarded(DOUBLE, isDoubleText),
    says: 'a number in exactly the form that the API returns, such as 1.5 or 1e+20',
  },
  boolean: {
    using: (old) => `${old}::boolean`,
    fits: (old) => `${old} in ('true', 'false')`,
    says: 'true or false',
  },
  int8range: rangeRule('int8range'),
  numrange: rangeRule('numrange'),
  daterange: rangeRule('daterange'),
  tsrange: rangeRule('tsrange'),
  tstzrange: rangeRule('tstzrange'),
};

function numericRule(kind: ColumnKind): TextRule {
  const fixed = fixedNumeric(kind);
  const alike = printsAlike(kind);
  return {
    using: (old) => `${old}::${columnType(kind)}`,
    fits: (old) => {
      const value = `${old}::numeric`;
      const held = `${value}::text = ${old}${alike ? ` and ${alike(value)}` : ''}`;
      return `case when ${old} ~ '^${DECIMAL}$' and ${hasFewDigits(old)} then ${held} else ${old} is null end`;
    },
    says: `a decimal without leading zeros, with ${fixed ? placesOf(fixed) : 'at most 1,000 digits'}`,
  };
}

/** The condition, asked only about texts that match the pattern. */
function guarded(pattern: string, condition: (old: string) => string): (old: string) => string {
  return (old) => `case when ${old} ~ '${pattern}' then ${condition(old)} else ${old} is null end`;
}

/** The API knows no negative zero. */
function isDoubleText(old: string): string {
  const same = `${old} <> '-0' and (${doubleText(`${old}::float8`)}) = ${old}`;
  return `case when ${isInDoubleRange(`${old}::numeric`)} then ${same} else false end`;
}
