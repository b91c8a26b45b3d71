import type { JsonValue } from '../../platform/json-value.js';
import type { ColumnType, Property, RangeType } from '../entity.js';
import { canonicalRange } from './canonical-range.js';
import { inUtc } from './in-utc.js';
import { readRange, writeRange } from './range.js';

/**
 * The two borders every value crosses: a validated JSON value becomes the text of a Postgres parameter, and the text Postgres
 * prints becomes JSON text. Statements, filters, defaults and CHECK values all take the first, rows the second.
 *
 * A `time` carries an offset (RFC 3339) and Postgres' `time` would silently drop it: like a `date-time`, it is stored and comes
 * back in UTC, `09:30:00+02:00` as `07:30:00Z`.
 */

/**
 * The text-format parameter for a value of this property, which the validator has accepted and which is not null.
 * bytea is `\x` and hex, jsonb is JSON text, times are in UTC, ranges are canonical; everything else is what the client wrote.
 */
export function columnText(property: Pick<Property, 'type'>, value: JsonValue): string {
  switch (property.type) {
    case 'jsonb':
      return JSON.stringify(value);
    case 'bytea':
      return `\\x${Buffer.from(String(value), 'base64').toString('hex')}`;
    case 'timestamptz':
      return inUtc(String(value));
    case 'time':
      // The day only carries the arithmetic over midnight.
      return inUtc(`2000-01-02T${value}`).slice(11);
    case 'int8range':
    case 'numrange':
    case 'daterange':
    case 'tsrange':
    case 'tstzrange':
      return rangeText(property.type, String(value));
    default:
      return String(value);
  }
}

/** In the text of the answers: a key in another spelling is the same key. */
function rangeText(type: RangeType, text: string): string {
  const range = readRange(text);
  const canonical = range && canonicalRange(type, range);
  return canonical ? writeRange(canonical) : text;
}

/**
 * What Postgres prints for a column, as JSON text. Counts on these session settings: TimeZone UTC, DateStyle ISO,
 * bytea_output hex, extra_float_digits 1. Infinity and NaN are never stored.
 */
export function jsonText(type: ColumnType, text: string): string {
  return JSON_TEXT[type](text);
}

/** `jsonText` by column type, for code that writes many values of one column. */
export const JSON_TEXT: Readonly<Record<ColumnType, (text: string) => string>> = {
  text: JSON.stringify,
  uuid: quoted,
  date: quoted,
  numeric: quoted,
  time: (text) => `"${text}Z"`,
  // 2026-11-21 06:47:53.123456+00
  timestamptz: (text) => `"${text.slice(0, 10)}T${text.slice(11, -3)}Z"`,
  timestamp: (text) => `"${text.slice(0, 10)}T${text.slice(11)}"`,
  // A host: the mask is left out by Postgres, or covers the whole address.
  inet: (text) => `"${text.split('/', 1)[0]}"`,
  bytea: (text) => `"${Buffer.from(text.slice(2), 'hex').toString('base64')}"`,
  // `t` as Postgres sends a boolean, `true` as it casts one to text.
  boolean: (text) => (text === 't' || text === 'true' ? 'true' : 'false'),
  bigint: asIs,
  // Postgres leaves out the shortest text when it lies on the edge of the double's interval; JSON clients print that one.
  'double precision': (text) => (text.length <= 15 ? text : String(Number(text))),
  jsonb: asIs,
  int8range: quoted,
  numrange: quoted,
  daterange: quoted,
  // ["2026-11-21 06:47:53.123456","2026-11-21 07:00:00")
  tsrange: timesInRange,
  tstzrange: (text) => timesInRange(text).replaceAll('+00', 'Z'),
};

/** Postgres quotes the bounds for their space. */
function timesInRange(text: string): string {
  return `"${text.replaceAll('"', '').replaceAll(' ', 'T')}"`;
}

/** For texts that cannot hold anything JSON would escape. */
function quoted(text: string): string {
  return `"${text}"`;
}

/** Postgres' numbers are JSON numbers (1e+20, 1e-07 included), and its jsonb is JSON. */
function asIs(text: string): string {
  return text;
}
