/**
 * The text of a query value as its column's type reads it, checked here so that a bad value is a precise answer and
 * never an error of the database. Used by `parse-operation.ts`. Where Postgres is more generous ("yesterday", hexadecimal,
 * NaN), this is not: what is accepted is what a record may hold, and means the same in every session.
 */

import { isIP } from 'node:net';
import type { ColumnType } from '../entity.js';
import { jsonOperand } from './json-operand.js';
import { rangeOperand } from './range-operand.js';

/** Completes "the value must be …". */
export const EXPECTED: Record<ColumnType, string> = {
  text: 'a text',
  uuid: 'a UUID such as 0197c3f0-7d5a-7e52-8f4a-3a2b1c0d9e8f',
  date: 'a date such as 2024-05-31',
  timestamptz:
    'an RFC 3339 date-time such as 2024-05-31T18:30:00Z, at most to the microsecond (in a URL the + of an offset is written %2B)',
  timestamp: 'a date-time without offset such as 2024-05-31T18:30:00, at most to the microsecond',
  time: 'a time in UTC such as 18:30:00Z, at most to the microsecond',
  inet: 'an IPv4 or IPv6 address',
  bytea: 'base64 with padding (in a URL the + is written %2B)',
  numeric: 'a decimal number of at most 1,000 digits',
  bigint: 'an integer between -9223372036854775808 and 9223372036854775807',
  'double precision': 'a number within the range of a double',
  boolean: 'true or false',
  jsonb: 'JSON, in which a text stands in double quotes',
  int8range: 'a range of integers such as [1,5), [1,) or empty',
  numrange: 'a range of decimals such as [1.5,2.5), [1.5,) or empty',
  daterange: 'a range of dates such as [2024-05-31,2024-06-30), [2024-05-31,) or empty',
  tsrange: 'a range of date-times without offset such as [2024-05-31T18:30:00,2024-05-31T19:00:00), one end left out, or empty',
  tstzrange: 'a range of RFC 3339 date-times such as [2024-05-31T18:30:00Z,2024-05-31T19:00:00Z), one end left out, or empty',
};

/** null when `raw` is not a value of the type. Spaces around anything but a text are ignored, as Postgres does. */
export function columnText(type: ColumnType, raw: string): string | null {
  return type === 'text' ? raw : READERS[type](raw.trim());
}

const READERS: Record<Exclude<ColumnType, 'text'>, (value: string) => string | null> = {
  uuid: (value) => (UUID.test(value) ? value : null),
  date: (value) => (isDate(value) ? value : null),
  timestamptz: (value) => dateTime(value, 'Z'),
  timestamp: (value) => dateTime(value, ''),
  time: (value) => (CLOCK.test(value) ? value.replace(/z$/i, '') : null),
  inet: (value) => (isIP(value) !== 0 && !value.includes('%') ? value : null),
  bytea: (value) => (BASE64.test(value) ? `\\x${Buffer.from(value, 'base64').toString('hex')}` : null),
  numeric: (value) => (value.length <= 1_000 && NUMERIC.test(value) ? value : null),
  bigint: (value) => (isBigint(value) ? value : null),
  'double precision': doubleText,
  boolean: (value) => (/^(?:true|false)$/i.test(value) ? value.toLowerCase() : null),
  jsonb: (value) => (jsonOperand(value) === undefined ? null : value),
  int8range: (value) => rangeOperand('int8range', value, READERS.bigint),
  numrange: (value) => rangeOperand('numrange', value, READERS.numeric),
  daterange: (value) => rangeOperand('daterange', value, READERS.date),
  tsrange: (value) => rangeOperand('tsrange', value, READERS.timestamp),
  tstzrange: (value) => rangeOperand('tstzrange', value, READERS.timestamptz),
};

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const NUMERIC = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?$/i;
const DOUBLE = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
/** A record's time is kept in UTC and returned with Z; a filter may leave the Z out. */
const CLOCK = /^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?z?$/i;
/** RFC 3339 §5.6, seconds optional. Postgres takes offsets up to 15:59. */
const DATE_TIME =
  /^(\d{4}-\d\d-\d\d)(?:[Tt ]((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?)([Zz]|[+-](?:0\d|1[0-5]):[0-5]\d)?)?$/;

const MAX_BIGINT = 9_223_372_036_854_775_807n;

function isBigint(value: string): boolean {
  if (!/^[+-]?\d+$/.test(value)) return false;
  if (value.length <= 18) return true;
  const number = BigInt(value.startsWith('+') ? value.slice(1) : value);
  return number <= MAX_BIGINT && number >= -MAX_BIGINT - 1n;
}

/** In the shortest text of the same double, which Postgres reads without overflow or underflow. */
function doubleText(value: string): string | null {
  if (!DOUBLE.test(value)) return null;
  const number = Number(value);
  const underflows = number === 0 && /[1-9]/.test(value.replace(/e.*$/i, ''));
  return Number.isFinite(number) && !underflows ? String(number) : null;
}

/** A date alone means its midnight. An instant without offset is UTC, whatever the session's time zone. */
function dateTime(value: string, zone: 'Z' | ''): string | null {
  const [, date, clock = '00:00', offset] = DATE_TIME.exec(value) ?? [];
  if (date === undefined || !isDate(date)) return null;
  if (zone === '' && offset !== undefined) return null;
  return `${date}T${clock}${offset?.toUpperCase() ?? zone}`;
}

/** In the Gregorian calendar, years 0001 to 9999. */
function isDate(value: string): boolean {
  const [, year, month, day] = (/^(\d{4})-(\d\d)-(\d\d)$/.exec(value) ?? []).map(Number);
  if (year === undefined || month === undefined || day === undefined) return false;
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
