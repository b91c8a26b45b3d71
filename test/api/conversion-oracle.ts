/**
 * What a type change has to do, told from the promise and not from its SQL: a value becomes what the API would have stored,
 * had it been sent the same text under the new type, and only when it then says the same.
 */

import { isIP, isIPv4 } from 'node:net';
import type { Property, RangeType } from '../../src/model/entity.js';
import { FORMATS, isBase64, isDecimal } from '../../src/model/validation/formats.js';
import { type BoundType, boundTypeOf } from '../../src/model/values/range.js';
import { columnText } from '../../src/model/values/values.js';
import type { JsonValue } from '../../src/platform/json-value.js';

export type Kind = Pick<Property, 'type' | 'precision' | 'scale'>;

/** What Postgres prints for a double, by the double: the one thing that is asked and not worked out. */
export type PrintedDoubles = ReadonlyMap<number, string>;

/** JSON text of the converted value, given the JSON text of the old one; undefined when it cannot be converted exactly. */
export function converted(before: Kind, after: Kind, json: string, doubles: PrintedDoubles): string | undefined {
  if (after.type === 'jsonb') return json;
  if (before.type === 'timestamptz' || before.type === 'timestamp' || before.type === 'date') {
    if (after.type !== 'text') return otherTime(after, json);
  }
  if (isFixed(before) && isFixed(after)) return rescaled(after, json);
  const value: JsonValue = before.type === 'jsonb' ? JSON.parse(json) : null;
  const isString = json.startsWith('"');
  if (before.type === 'jsonb' && (typeof value === 'object' || jsonType(after) !== typeof value)) return undefined;
  const content = contentOf(json);
  const stored = storedText(after, content, doubles);
  if (stored === undefined) return undefined;
  const isNumber = before.type === 'numeric' || (before.type !== 'text' && !isString);
  const spelled = spelling(before, after, isNumber && after.type !== 'text');
  return spelled(stored) === spelled(content) ? quotedAs(after, stored) : undefined;
}

/** What of a text has to stay: every character; of a number its digits; and where a scale decides them, no zeros at the end. */
function spelling(before: Kind, after: Kind, areNumbers: boolean): (text: string) => string | undefined {
  if (!areNumbers) return (text) => text;
  const printsZeros = isFixed(before) ? jsonType(after) === 'number' : isFixed(after) && jsonType(before) === 'number';
  return printsZeros ? (text) => withoutZeros(plain(text)) : plain;
}

/** A string without its quotes. */
export function contentOf(json: string): string {
  return json.startsWith('"') ? JSON.parse(json) : json;
}

function jsonType({ type }: Kind): 'string' | 'number' | 'boolean' {
  if (type === 'boolean') return 'boolean';
  return type === 'bigint' || type === 'double precision' ? 'number' : 'string';
}

function quotedAs(kind: Kind, text: string): string {
  return jsonType(kind) === 'string' ? JSON.stringify(text) : text;
}

/** The text that comes back when `text` is sent as a value of the type; undefined when it would be refused. */
export function storedText(kind: Kind, text: string, doubles: PrintedDoubles): string | undefined {
  switch (kind.type) {
    case 'text':
      return text;
    case 'uuid':
      return accepts('uuid', text) ? text.toLowerCase() : undefined;
    case 'date':
      return accepts('date', text) && text >= '0001' ? text : undefined;
    case 'timestamptz':
      return accepts('date-time', text) ? instant(text) : undefined;
    case 'timestamp':
      return accepts('date-time-local', text) ? instant(`${text}Z`)?.slice(0, -1) : undefined;
    case 'time':
      return accepts('time', text) ? instant(`2000-01-01T${text}`)?.slice(11) : undefined;
    case 'inet':
      return address(text);
    case 'bytea':
      return isBase64(text) ? text : undefined;
    case 'numeric':
      return decimal(kind, text);
    case 'bigint':
      return isNumber(text) && Number.isSafeInteger(Number(text)) ? String(Number(text)) : undefined;
    case 'double precision':
      return isNumber(text) ? double(Number(text), doubles) : undefined;
    case 'boolean':
      return text === 'true' || text === 'false' ? text : undefined;
    case 'int8range':
    case 'numrange':
    case 'daterange':
    case 'tsrange':
    case 'tstzrange':
      return range(kind.type, text);
    default:
      throw new Error(`${kind.type} has no text`);
  }
}

function accepts(format: string, text: string): boolean {
  const check = FORMATS[format];
  return check instanceof RegExp ? check.test(text) : (check as (text: string) => boolean)(text);
}

/** What `fuzz/ranges.spec.ts` holds against Postgres; a bound is held to what is held of a value of its type. */
function range(type: RangeType, text: string): string | undefined {
  if (!accepts(type, text)) return undefined;
  const stored = columnText({ type }, text);
  const bounds = [...text.split(','), ...stored.split(',')].map((bound) => bound.replace(/[[\]()]|empty/g, ''));
  return bounds.every((bound) => bound === '' || isHeld(boundTypeOf(type), bound)) ? stored : undefined;
}

function isHeld(type: BoundType, bound: string): boolean {
  if (type === 'bigint') return BigInt.asIntN(64, BigInt(bound)) === BigInt(bound);
  return storedText({ type }, bound, new Map()) !== undefined;
}

/** RFC 8259 §6. */
export function isNumber(text: string): boolean {
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text);
}

function double(value: number, doubles: PrintedDoubles): string | undefined {
  if (!Number.isFinite(value)) return undefined;
  const printed = doubles.get(value);
  if (printed === undefined) throw new Error(`nobody asked how ${value} is printed`);
  return printed.length <= 15 ? printed : String(value);
}

/** In UTC, to the microsecond, its fraction without zeros at the end. */
function instant(text: string): string | undefined {
  const [, seconds, fraction = '', zone] = /^(.{19})(?:\.(\d+))?(.+)$/.exec(text.toUpperCase()) as RegExpExecArray;
  const time = Date.parse(`${seconds}${zone}`);
  if (fraction.length > 6 || Number.isNaN(time) || /^0000/.test(text)) return undefined;
  const digits = fraction.replace(/0+$/, '');
  return `${new Date(time).toISOString().slice(0, 19)}${digits && `.${digits}`}Z`;
}

/** RFC 5952, except that Postgres writes IPv4 where the first 96 bits are its prefix. */
function address(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (isIP(text) !== 6 || text.includes('%')) return undefined;
  const short = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const [, prefix, high, low] = /^::(ffff:)?([0-9a-f]+):([0-9a-f]+)$/.exec(short) ?? [];
  if (high === undefined || low === undefined) return short;
  const bytes = [high, low].flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
  return `::${prefix ?? ''}${bytes.join('.')}`;
}

function isFixed({ type, precision, scale }: Kind): boolean {
  return type === 'numeric' && precision !== undefined && scale !== undefined;
}

function decimal(kind: Kind, text: string): string | undefined {
  if (!isDecimal(plain(text) ?? '')) return undefined;
  const [whole = '', fraction = ''] = plain(text)!.replace('-', '').split('.');
  const digits = whole.replace(/^0+(?=\d)/, '');
  if (whole.length + fraction.length > 1000) return undefined;
  const { precision = 1000, scale } = kind;
  const room = isFixed(kind) ? precision - (scale as number) : 1000;
  if (isFixed(kind) && (fraction.length > (scale as number) || digits.replace(/^0$/, '').length > room)) return undefined;
  const shown = isFixed(kind) ? fraction.padEnd(scale as number, '0') : fraction;
  const sign = text.startsWith('-') && /[1-9]/.test(digits + fraction) ? '-' : '';
  return `${sign}${digits}${shown && `.${shown}`}`;
}

/** Both scales are the columns' own: zeros at the end say nothing. */
function rescaled(after: Kind, json: string): string | undefined {
  const text = decimal(after, withoutZeros(contentOf(json)) as string);
  return text === undefined ? undefined : JSON.stringify(text);
}

/** Of its fraction. */
function withoutZeros(decimal: string | undefined): string | undefined {
  return decimal?.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');
}

/** A date is its midnight; without offset means UTC. */
function otherTime({ type }: Kind, json: string): string | undefined {
  const [, day, clock = 'T00:00:00'] = /^"(.{10})(T[^Z]*)?Z?"$/.exec(json) as RegExpExecArray;
  if (type === 'timestamptz') return `"${day}${clock}Z"`;
  if (type === 'timestamp') return `"${day}${clock}"`;
  return clock === 'T00:00:00' ? `"${day}"` : undefined;
}

/** Without an exponent: `-12.50e3` is `-12500`, and `1.5e-7` is `0.00000015`. Undefined when it is no number. */
export function plain(text: string): string | undefined {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  if (whole === '') return undefined;
  const shift = Number(exponent);
  if (shift === 0) return text.replace(/[eE].*$/, '');
  const digits = whole + fraction;
  const point = whole.length + shift;
  if (Math.abs(shift) > 2000) return undefined;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return `${sign}${(digits + '0'.repeat(point - digits.length)).replace(/^0+(?=\d)/, '')}`;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
