/** What the conversions of `conversion/` do to a value, told in JSON: for contents of records that are validated beforehand. */

import type { JsonValue } from '../../platform/json-value.js';
import type { ColumnType, Property } from '../entity.js';

type Kind = Pick<Property, 'type' | 'precision' | 'scale'>;

/** The JSON value after a change of type; a value that has no exact conversion stays as it is. */
export function convertedJson(was: Kind, is: Kind, value: JsonValue): JsonValue {
  if (value === null || is.type === 'jsonb' || was.type === 'jsonb') return value;
  if (TIMES.has(was.type) && TIMES.has(is.type)) return inOtherForm(is.type, String(value));
  if (isFixed(is) && (isFixed(was) || typeof value === 'number')) return rescaled(digitsOf(value), is.scale as number);
  switch (is.type) {
    case 'bigint':
    case 'double precision':
      return typeof value === 'string' ? numberOf(isFixed(was) ? withoutZeros(value) : value) : value;
    case 'boolean':
      return value === 'true' || value === 'false' ? value === 'true' : value;
    case 'numeric':
      return typeof value === 'number' ? digitsOf(value) : value;
    default:
      return typeof value === 'number' ? doubleText(value) : typeof value === 'boolean' ? String(value) : value;
  }
}

const TIMES: ReadonlySet<ColumnType> = new Set<ColumnType>(['date', 'timestamp', 'timestamptz']);

/** A date is its midnight, and what has no offset is in UTC. */
function inOtherForm(type: ColumnType, text: string): string {
  const [, day, clock = 'T00:00:00'] = /^(.{10})(T[^Z]*)?Z?$/.exec(text) ?? [];
  if (day === undefined) return text;
  if (type === 'date') return clock === 'T00:00:00' ? day : text;
  return `${day}${clock}${type === 'timestamptz' ? 'Z' : ''}`;
}

function isFixed({ type, precision, scale }: Kind): boolean {
  return type === 'numeric' && precision !== undefined && scale !== undefined;
}

/** As the column prints it; digits that it would cut off stay. */
function rescaled(text: string, scale: number): string {
  const [whole = '', fraction = ''] = withoutZeros(text).split('.');
  if (fraction.length > scale) return text;
  return scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, '0')}`;
}

function digitsOf(value: JsonValue): string {
  return withoutExponent(String(value));
}

/** Those at the end of a fraction. */
function withoutZeros(text: string): string {
  return text.includes('.') ? text.replace(/[.]?0+$/, '') : text;
}

/** Digit for digit, or not at all. */
function numberOf(text: string): JsonValue {
  const value = Number(text);
  const same = Number.isFinite(value) && withoutExponent(String(value)) === withoutExponent(text);
  return same && /^-?\d/.test(text) ? value : text;
}

/** The text that the API returns: as Postgres prints the shortest digits when that is short, otherwise ECMAScript's. */
function doubleText(value: number): string {
  const [mantissa = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 15) return String(value);
  const sign = exponent < 0 ? '-' : '+';
  const printed = `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  return printed.length <= 15 ? printed : String(value);
}

/** `1.5e-7` as `0.00000015`; what is no number stays. */
function withoutExponent(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent] = /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d+)$/.exec(text) ?? [];
  if (exponent === undefined) return text;
  const digits = `${whole}${fraction}`;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return `${sign}${digits}${'0'.repeat(point - digits.length)}`;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
