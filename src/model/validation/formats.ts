import type { Format } from 'ajv/dist/2020.js';
import addFormats, { type FormatName } from 'ajv-formats';
import type { RangeType } from '../entity.js';
import { canonicalRange } from '../values/canonical-range.js';
import { type BoundType, boundTypeOf, RANGE_TYPES, readRange } from '../values/range.js';

/**
 * The values of `format` the store checks, for the validator and for everybody who has to know them. Where the usual
 * implementation is laxer than its RFC, or accepts what Postgres would read differently, the store has its own.
 */

/** No value of a format is longer; the regular expressions take up to 0.25 µs per character. */
const MAX_LENGTH = 100_000;

const FROM_AJV = [
  ...['date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uri', 'uri-reference', 'uri-template', 'json-pointer'],
  ...['json-pointer-uri-fragment', 'relative-json-pointer'],
] as FormatName[];

const validDate = validateOf('date');
const validTime = validateOf('time');

/** For ajv: every format the store knows. */
export const FORMATS: Readonly<Record<string, Format>> = {
  ...Object.fromEntries(FROM_AJV.map((name) => [name, short(validateOf(name))])),
  /** RFC 3339 §5.6 full-time: the offset is part of it. */
  time: short(isFullTime),
  /** RFC 3339 §5.6. ajv's also takes a space for the T. */
  'date-time': short(isDateTime),
  /** OpenAPI format registry: a date-time, or time, on the wall, without an offset. */
  'date-time-local': short(isLocalDateTime),
  'time-local': short(isWallTime),
  /** RFC 9562 §4. ajv's also takes the prefix `urn:uuid:`. */
  uuid: /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/,
  /** An exact number as text; how many digits is for the column to say. */
  decimal: isDecimal,
  /** RFC 4648 §4, canonical: padded, unused bits zero, no line breaks. */
  byte: isBase64,
  ...Object.fromEntries(RANGE_TYPES.map((type) => [type, short((text) => isRange(type, text))])),
  regex: short(isRegex),
  password: true,
  binary: true,
  int32: { type: 'number', validate: (value: number) => (value | 0) === value },
  int64: { type: 'number', validate: Number.isInteger },
  float: { type: 'number', validate: () => true },
  double: { type: 'number', validate: () => true },
};

export function isFormat(name: unknown): boolean {
  return typeof name === 'string' && Object.hasOwn(FORMATS, name);
}

export function isDecimal(text: string): boolean {
  return /^-?\d+(?:\.\d+)?$/.test(text);
}

export function isBase64(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64') === text;
}

/** Postgres' literal, its bounds as the formats of their own have them: integers, decimals, dates and date-times. */
export function isRange(type: RangeType, text: string): boolean {
  const range = readRange(text);
  if (range === null || range === 'empty') return range !== null;
  const isBound = BOUNDS[boundTypeOf(type)];
  const areBounds = [range.lower, range.upper].every((bound) => bound === null || isBound(bound));
  return areBounds && canonicalRange(type, range) !== undefined;
}

const BOUNDS: Readonly<Record<BoundType, (text: string) => boolean>> = {
  bigint: isBigint,
  numeric: isDecimal,
  date: validDate,
  timestamp: isLocalDateTime,
  // Leap seconds, which no column holds, have no place in an order.
  timestamptz: (text) => isDateTime(text) && text.slice(17, 19) !== '60',
};

/** As JSON writes integers, 64 bits wide. */
function isBigint(text: string): boolean {
  return /^(?:0|-?[1-9]\d{0,18})$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}

function isDateTime(text: string): boolean {
  return isDateBeforeT(text) && isFullTime(text.slice(11));
}

function isLocalDateTime(text: string): boolean {
  return isDateBeforeT(text) && isWallTime(text.slice(11));
}

function isDateBeforeT(text: string): boolean {
  return /^[\d-]{10}[Tt]/.test(text) && validDate(text.slice(0, 10));
}

/** ajv's own check, which knows when a leap second is, also takes offsets such as `+02`, and in places a 60th minute. */
function isFullTime(text: string): boolean {
  return /^\d\d:[0-5]\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(text) && validTime(text);
}

function isWallTime(text: string): boolean {
  return /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?$/.test(text);
}

function isRegex(text: string): boolean {
  try {
    new RegExp(text, 'u');
    return true;
  } catch {
    return false;
  }
}

function short(validate: (text: string) => boolean): (text: string) => boolean {
  return (text) => text.length <= MAX_LENGTH && validate(text);
}

function validateOf(name: FormatName): (text: string) => boolean {
  const format = addFormats.get(name);
  if (format instanceof RegExp) return (text) => format.test(text);
  const validate = typeof format === 'object' && 'validate' in format ? format.validate : format;
  if (typeof validate !== 'function') throw new Error(`ajv-formats has no function for ${name}`);
  return validate as (text: string) => boolean;
}
