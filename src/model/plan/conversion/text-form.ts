/** The text that the API returns for a value, without the quotes of JSON, as SQL: what `JSON_TEXT` does in rows. */

import type { ColumnType } from '../../entity.js';
import { doubleText } from './double-text.js';

type ScalarType = Exclude<ColumnType, 'jsonb'>;

/** SQL text of the value `old` of a column. */
export function textForm(type: ScalarType, old: string): string {
  return TEXT_FORMS[type](old);
}

const TEXT_FORMS: Readonly<Record<ScalarType, (old: string) => string>> = {
  text: (old) => old,
  uuid: asPrinted,
  date: asPrinted,
  timestamptz: (old) => `(replace((${old} at time zone 'UTC')::text, ' ', 'T') || 'Z')`,
  timestamp: (old) => `replace(${old}::text, ' ', 'T')`,
  time: (old) => `(${old}::text || 'Z')`,
  inet: (old) => `host(${old})`,
  // Postgres breaks the lines of base64.
  bytea: (old) => `translate(encode(${old}, 'base64'), chr(10), '')`,
  numeric: asPrinted,
  bigint: asPrinted,
  'double precision': (old) => `(${doubleText(old)})`,
  boolean: asPrinted,
  int8range: asPrinted,
  numrange: asPrinted,
  daterange: asPrinted,
  tsrange: timesInRange,
  tstzrange: (old) => `replace(${timesInRange(old)}, '+00', 'Z')`,
};

function asPrinted(old: string): string {
  return `${old}::text`;
}

/** Postgres quotes the bounds for their space. */
function timesInRange(old: string): string {
  return `translate(${old}::text, ' "', 'T')`;
}
